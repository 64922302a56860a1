"""Every model of the zoo has a reviewed recipe, and its circuit is the one that was reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from circuits.pin import MODELS, ROOT, circuit_text, compile_recipe, names

QUICK = {"linear_regression", "logistic_regression", "kmeans", "mlp"}


def test_every_model_has_a_recipe() -> None:
    models = {p.parent.name for p in MODELS.glob("*/model.onnx")}
    assert set(names()) == models


@pytest.mark.ezkl
@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in names()])
def test_the_circuit_is_the_one_that_was_pinned(name: str, tmp_path: Path) -> None:
    pinned = (ROOT / name / "circuit.txt").read_text()
    assert circuit_text(compile_recipe(name, tmp_path)) == pinned, f"read the difference, then python -m circuits.pin {name}"
