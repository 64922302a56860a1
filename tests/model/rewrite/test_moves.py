"""Choices, repetitions, scatters and rankings compute the same after rewriting."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.reference
import pytest

from tests.model.rewrite.one import one, rewritten, untouched
from zkml.model import normalise, support


@pytest.mark.parametrize("mode", ["edge", "reflect", "wrap", "constant"])
@pytest.mark.parametrize("pads", [[1, 2, 0, 1], [0, -1, 1, 2]])
def test_pads(mode: str, pads: list[int]) -> None:
    if mode == "wrap" and min(pads) < 0:
        return  # onnxruntime and ONNX differ there
    model = one("Pad", [3, 4], {"p": np.asarray(pads, dtype=np.int64)}, opset=19, mode=mode)
    if mode == "constant" and min(pads) >= 0:
        untouched(model)
    else:
        rewritten(model, "pad")


def test_tiles() -> None:
    rewritten(one("Tile", [2, 3], {"r": np.asarray([2, 3], dtype=np.int64)}), "tile")


def test_a_sequence_reversed_by_constant_lengths() -> None:
    lengths = {"n": np.asarray([1, 3, 4], dtype=np.int64)}
    rewritten(one("ReverseSequence", [3, 4, 2], lengths, batch_axis=0, time_axis=1), "reverse-sequence")


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_compress(axis: int | None) -> None:
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    rewritten(one("Compress", [3, 4], {"c": np.asarray([True, False, True])}, **attributes), "compress")


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_elements(reduction: str) -> None:
    indices = [[1, 0], [1, 0]] if reduction != "none" else [[1, 0], [2, -1]]
    constants: dict[str, np.ndarray] = {
        "i": np.asarray(indices, dtype=np.int64),
        "u": np.asarray([[5, -2], [3, 4]], dtype=np.float32),
    }
    rewritten(one("ScatterElements", [3, 2], constants, opset=18, axis=0, reduction=reduction), "scatter")


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_nd(reduction: str) -> None:
    indices = [[0], [2], [0]] if reduction != "none" else [[0], [2], [1]]
    updates = np.arange(6, dtype=np.float32).reshape(3, 2) - 2
    constants: dict[str, np.ndarray] = {"i": np.asarray(indices, dtype=np.int64), "u": updates}
    rewritten(one("ScatterND", [3, 2], constants, opset=18, reduction=reduction), "scatter")


@pytest.mark.parametrize("largest", [0, 1])
def test_top_k_with_places(largest: int) -> None:
    model = one("TopK", [3, 5], {"k": np.asarray([3], dtype=np.int64)}, outputs=2, largest=largest, axis=1)
    assert support(rewritten(model, "top-k")) == ()


def test_the_mask_of_a_dropout_is_true() -> None:
    rewritten(one("Dropout", [2, 3], outputs=2), "dropout")


@pytest.mark.parametrize("attributes", [{}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}], ids=str)
def test_running_products(attributes: dict[str, Any]) -> None:
    normal = normalise(one("CumProd", [2, 4], {"a": np.asarray(1, dtype=np.int64)}, opset=26, **attributes))
    assert [r.rules for r in normal.rewrites] == [("running-product",)]
    x = np.arange(1, 9, dtype=np.float32).reshape(2, 4)
    ordered = x[:, ::-1] if "reverse" in attributes else x
    expected: np.ndarray = np.cumprod(ordered, axis=1)
    if "exclusive" in attributes:
        expected = np.concatenate([np.ones((2, 1)), expected[:, :-1]], axis=1)
    expected = expected[:, ::-1] if "reverse" in attributes else expected
    reference = onnx.reference.ReferenceEvaluator(normal.proto)  # onnxruntime has no such opset yet
    (got,) = list(reference.run(None, {"x": x}))
    np.testing.assert_allclose(np.asarray(got), expected)
