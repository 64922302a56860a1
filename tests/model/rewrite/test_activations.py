"""Activations become their definitions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.rewrite.one import one, rewritten


@pytest.mark.parametrize(
    ("op", "rule", "opset", "attributes"),
    [
        ("Gelu", "gelu", 20, {}),
        ("Gelu", "gelu", 20, {"approximate": "tanh"}),
        ("Mish", "mish", 18, {}),
        ("LpNormalization", "lp-normalization", 17, {"p": 1}),
        ("LpNormalization", "lp-normalization", 17, {"axis": 0}),
    ],
)
def test_activations_become_their_definitions(op: str, rule: str, opset: int, attributes: dict[str, Any]) -> None:
    rewritten(one(op, [2, 3, 4], opset=opset, **attributes), rule)
