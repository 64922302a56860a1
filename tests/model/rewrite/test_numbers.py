"""Integer arithmetic, comparisons, powers and casts compute the same after rewriting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.model.rewrite.one import of, one, rewritten, untouched
from zkml.model import support


@pytest.mark.parametrize("kind", [TensorProto.INT32, TensorProto.INT64])
@pytest.mark.parametrize("divisor", [[3], [-2], [1, 2, 3, -4]])
def test_integer_division_truncates(kind: int, divisor: list[int]) -> None:
    constant = np.asarray(divisor, dtype=helper.tensor_dtype_to_np_dtype(kind))
    assert support(rewritten(one("Div", [3, 4], {"d": constant}, kind=kind), "integer-division")) == ()


@pytest.mark.parametrize("fmod", [0, 1])
@pytest.mark.parametrize("divisor", [[3], [-3]])
def test_integer_remainder(fmod: int, divisor: list[int]) -> None:
    model = one("Mod", [3, 4], {"d": np.asarray(divisor, dtype=np.int64)}, kind=TensorProto.INT64, fmod=fmod)
    assert support(rewritten(model, "modulo")) == ()


def test_float_remainder() -> None:
    rewritten(one("Mod", [3, 4], {"d": np.asarray([0.75], dtype=np.float32)}, fmod=1), "modulo")


@pytest.mark.parametrize("to", [TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL])
def test_casts_truncate_or_ask_for_zero(to: int) -> None:
    assert support(rewritten(one("Cast", [3, 4], to=to), "cast")) == ()


def test_a_cast_of_whole_numbers_is_left() -> None:
    nodes = [
        helper.make_node("Floor", ["x"], ["f"], name="floor"),
        helper.make_node("Cast", ["f"], ["y0"], name="cast", to=TensorProto.INT64),
    ]
    model = untouched(of(nodes, [3, 4], {}))
    assert support(model) == ()


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_shifts(direction: str) -> None:
    by = np.asarray([0, 1, 2, 3], dtype=np.uint8)
    rewritten(one("BitShift", [3, 4], {"by": by}, kind=TensorProto.UINT8, direction=direction), "bit-shift")


def test_shifts_that_vary_are_left_and_refused() -> None:
    model = one("BitShift", [3, 4], inputs=["x", "x"], kind=TensorProto.UINT8, direction="LEFT")
    assert support(untouched(model))


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_the_last_of_equal_extremes(op: str, keepdims: int) -> None:
    rewritten(one(op, [3, 4], axis=1, keepdims=keepdims, select_last_index=1), "last-extreme")


@pytest.mark.parametrize("op", ["Max", "Min"])
def test_extremes_of_many_shapes(op: str) -> None:
    constants = {"a": np.asarray([[1.0], [-1.0]], dtype=np.float32), "b": np.zeros((3, 2, 4), dtype=np.float32)}
    rewritten(one(op, [2, 4], constants), "extreme")


@pytest.mark.parametrize(
    ("exponents", "attributes"),
    [([[1, 2, 3, 1]], {}), ([2, 0, 1, 3], {})],
)
def test_powers_with_constant_exponents(exponents: Any, attributes: dict[str, Any]) -> None:
    rewritten(one("Pow", [3, 4], {"e": np.asarray(exponents, dtype=np.float32)}, **attributes), "power")


def test_a_power_with_both_varying_is_left_and_refused() -> None:
    assert support(untouched(one("Pow", [3, 4], inputs=["x", "x"])))


@pytest.mark.parametrize("op", ["IsNaN", "IsInf"])
def test_numbers_are_never_infinite(op: str) -> None:
    rewritten(one(op, [2, 3]), "never")


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(upper: int, k: int) -> None:
    rewritten(one("Trilu", [2, 3, 4], {"k": np.asarray(k, dtype=np.int64)}, upper=upper), "triangle")
