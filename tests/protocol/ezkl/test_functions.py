"""Static tables: rounding, saturation, and every function at points known by hand."""

from __future__ import annotations

import math

import pytest

from zkml.errors import MalformedArtifact
from zkml.protocol.ezkl.functions import I128_MAX, I128_MIN, table_value
from zkml.protocol.ezkl.settings import LookupOp


def op(name: str, **parameters: float) -> LookupOp:
    return LookupOp(name, tuple(sorted(parameters.items())))


@pytest.mark.parametrize(
    ("operation", "a", "expected"),
    [
        (op("Sigmoid", scale=128.0), 0, 64),
        (op("Sigmoid", scale=128.0), -(10**9), 0),
        (op("Tanh", scale=128.0), 10**9, 128),
        (op("Exp", scale=128.0, base=2.0), 256, 512),
        (op("Exp", scale=1.0, base=2.0), 1000, I128_MAX),
        (op("Ln", scale=100.0), 0, I128_MIN),
        (op("Ln", scale=100.0), -1, 0),
        (op("Ln", scale=100.0), 100, 0),
        (op("Pow", scale=10.0, a=3.0), -20, -80),
        (op("Pow", scale=10.0, a=-1.0), 0, I128_MAX),
        (op("PowersOfTwo", scale=1.0), 5, 32),
        (op("Div", denom=2.0), 3, 2),
        (op("Div", denom=2.0), -3, -2),
        (op("Div", denom=0.0), 1, I128_MAX),
        (op("Div", denom=0.0), 0, 0),
        (op("IsOdd"), -3, 1),
        (op("IsOdd"), 4, 0),
        (op("HardSwish", scale=2.0), -7, 0),
        (op("HardSwish", scale=2.0), 8, 8),
        (op("HardSwish", scale=6.0), 6, 4),
        (op("ACos", scale=1.0), 2, 0),
        (op("ATanh", scale=1.0), 1, I128_MAX),
        (op("Cosh", scale=1.0), -5000, I128_MAX),
        (op("Sinh", scale=1.0), -5000, I128_MIN),
    ],
)  # fmt: skip
def test_values(operation: LookupOp, a: int, expected: int) -> None:
    assert table_value(operation, a) == expected


def test_erf_is_close_to_the_library_s() -> None:
    for a in range(-3000, 3001, 250):
        assert abs(table_value(op("Erf", scale=1e6), a * 1000) - round(1e6 * math.erf(a / 1000))) <= 1


@pytest.mark.parametrize("operation", [op("Unknown", scale=1.0), op("Exp", scale=1.0), op("Sigmoid")])
def test_an_unknown_function_or_a_missing_parameter_is_malformed(operation: LookupOp) -> None:
    with pytest.raises(MalformedArtifact):
        table_value(operation, 1)
