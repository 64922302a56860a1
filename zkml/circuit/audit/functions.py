"""EZKL's static tables, and how far apart two of their entries can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zkml.circuit.audit.bounds import Array

TIE = 1e-9
"""A value this near to a half may round either way in another mathematics library: both entries count."""

_E = float(np.float32(np.e))

_ERFC = (
    *(-1.3026537197817094, 6.419697923564902e-1, 1.9476473204185836e-2, -9.56151478680863e-3, -9.46595344482036e-4),
    *(3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6, 1.303655835580e-6),
    *(1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9, 5.059343495e-9, -9.91364156e-10, -2.27365122e-10),
    *(9.6467911e-11, 2.394038e-12, -6.886027e-12, 8.94487e-13, 3.13092e-13, -1.12708e-13, 3.81e-16, 7.106e-15),
    *(-1.523e-15, -9.4e-17, 1.21e-16, -2.8e-17),
)
"""Chebyshev coefficients of erfc (Numerical Recipes, section 6.2)."""


def _erfc(z: Array) -> Array:
    t = 2 / (2 + z)
    ty = 4 * t - 2
    d, dd = np.zeros_like(z), np.zeros_like(z)
    for c in reversed(_ERFC[1:27]):
        d, dd = ty * d - dd + c, d
    result: Array = t * np.exp(-z * z + 0.5 * (_ERFC[0] + ty * d) - dd)
    return result


def _erf(x: Array) -> Array:
    return np.where(x >= 0, 1 - _erfc(np.abs(x)), _erfc(np.abs(x)) - 1)


def _hard_swish(x: Array) -> Array:
    return np.where(x <= -3, 0.0, np.where(x >= 3, x, x * (x + 3) / 6))


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


_SCALED: dict[str, Callable[[Array], Array]] = {
    "ACos": np.arccos,
    "ACosh": np.arccosh,
    "ASin": np.arcsin,
    "ASinh": np.arcsinh,
    "ATan": np.arctan,
    "ATanh": np.arctanh,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Erf": _erf,
    "HardSwish": _hard_swish,
    "Ln": np.log,
    "Sigmoid": _sigmoid,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Tan": np.tan,
    "Tanh": np.tanh,
}


def real_table(name: str, fields: Mapping[str, Any], x: Array) -> Array | None:
    """Return the function's values at the integers x before rounding, or None for an unknown function."""
    with np.errstate(all="ignore"):
        if name == "IsOdd":
            return np.mod(x, 2)
        if name == "Div":
            return x / float(fields["denom"])
        if "scale" not in fields or not fields["scale"]:
            return None
        scale = float(fields["scale"])
        if name == "PowersOfTwo":
            return scale * np.exp2(x)
        if name == "Exp":
            return scale * np.power(float(np.float32(fields["base"])), x / scale)
        if name == "Pow":
            return scale * np.power(x / scale, float(np.float32(fields["a"])))
        f = _SCALED.get(name)
        return None if f is None else scale * f(x / scale)


def rounded(real: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest entry that rounding half away from zero may give."""
    limit = 2.0**127
    real = np.clip(np.nan_to_num(real, nan=0.0, posinf=limit, neginf=-limit), -limit, limit)
    tie = TIE * np.maximum(1.0, np.abs(real))
    return np.ceil(real - 0.5 - tie), np.floor(real + 0.5 + tie)


def spread(low: Array, high: Array, distance: int) -> float:
    """Return how far apart two entries can be whose arguments differ by `distance` at most.

    The largest difference inside a window of distance + 1 entries; windows grow by doubling.
    """
    window = min(distance + 1, low.size)
    width = 1
    while width < window:
        step = min(width, window - width)
        low = np.minimum(low[:-step], low[step:])
        high = np.maximum(high[:-step], high[step:])
        width += step
    return float((high - low).max())


def exp_fields(scale: float) -> dict[str, float]:
    """Return the fields of the exponential table that softmax uses."""
    return {"scale": scale, "base": _E}
