"""The functions of EZKL's static tables, as integers to integers: only a column's first entry reaches the constraint system.

Arithmetic in f64 on k = a/scale, scale an f32 widened; result rounded half away from zero and saturated to 128 bits. `erf` is
one minus the Chebyshev fit of erfc in Press et al., Numerical Recipes (3rd ed.), section 6.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from zkml.errors import MalformedArtifact
from zkml.protocol.ezkl.settings import LookupOp

I128_MAX = (1 << 127) - 1
I128_MIN = -(1 << 127)

_ERFC = (
    -1.3026537197817094, 6.419697923564902e-1, 1.9476473204185836e-2, -9.56151478680863e-3, -9.46595344482036e-4,
    3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6, 1.303655835580e-6,
    1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9, 5.059343495e-9, -9.91364156e-10, -2.27365122e-10,
    9.6467911e-11, 2.394038e-12, -6.886027e-12, 8.94487e-13, 3.13092e-13, -1.12708e-13, 3.81e-16, 7.106e-15,
    -1.523e-15, -9.4e-17, 1.21e-16, -2.8e-17,
)  # fmt: skip


def _erfc(z: float) -> float:
    t = 2.0 / (2.0 + z)
    ty = 4.0 * t - 2.0
    d = dd = 0.0
    for j in range(len(_ERFC) - 2, 0, -1):
        d, dd = ty * d - dd + _ERFC[j], d
    return t * math.exp(-z * z + 0.5 * (_ERFC[0] + ty * d) - dd)


def _erf(x: float) -> float:
    return 1.0 - _erfc(x) if x >= 0 else _erfc(-x) - 1.0


def _hard_swish(x: float) -> float:
    if x <= -3.0:
        return 0.0
    return x if x >= 3.0 else x * (x + 3.0) / 6.0


def _divide(a: float, b: float) -> float:
    """Divide as IEEE 754 does, where Python raises."""
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except OverflowError:
        odd = y == math.floor(y) and int(y) % 2 == 1 if math.isfinite(y) else False
        return -math.inf if x < 0 and odd else math.inf
    except ValueError:
        return _divide(1.0, 0.0) if x == 0 else math.nan


def _log(x: float) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _hyperbolic(f: Callable[[float], float]) -> Callable[[float], float]:
    def saturating(x: float) -> float:
        try:
            return f(x)
        except OverflowError:
            return math.copysign(math.inf, x) if f is math.sinh else math.inf

    return saturating


def _partial(f: Callable[[float], float]) -> Callable[[float], float]:
    """Return f with NaN outside its domain."""

    def total(x: float) -> float:
        try:
            return f(x)
        except ValueError:
            return math.nan

    return total


def _atanh(x: float) -> float:
    return math.copysign(math.inf, x) if abs(x) == 1 else _partial(math.atanh)(x)


_SCALED: dict[str, Callable[[float], float]] = {
    "Tanh": math.tanh,
    "Sin": _partial(math.sin),
    "Cos": _partial(math.cos),
    "Tan": _partial(math.tan),
    "ASin": _partial(math.asin),
    "ACos": _partial(math.acos),
    "ATan": math.atan,
    "Sinh": _hyperbolic(math.sinh),
    "Cosh": _hyperbolic(math.cosh),
    "ASinh": math.asinh,
    "ACosh": _partial(math.acosh),
    "ATanh": _atanh,
    "Ln": _log,
    "Erf": _erf,
    "HardSwish": _hard_swish,
}


def _round(x: float) -> int:
    if math.isnan(x):
        return 0
    if math.isinf(x):
        return I128_MAX if x > 0 else I128_MIN
    # Rounds half away from zero, exactly: adding 0.5 would round twice.
    whole = math.trunc(x)
    if abs(x - whole) >= 0.5:
        whole += 1 if x > 0 else -1
    return max(I128_MIN, min(I128_MAX, whole))


def _parameter(op: LookupOp, name: str) -> float:
    for key, value in op.parameters:
        if key == name:
            return value
    raise MalformedArtifact(f"the lookup {op.name} lacks its {name}", code="settings")


def table_value(op: LookupOp, a: int) -> int:
    """Return the table's output for input `a`. Raises `MalformedArtifact` for an unknown function."""
    x = float(a)
    if op.name == "IsOdd":
        return a % 2
    if op.name == "Div":
        return _round(_divide(x, _parameter(op, "denom")))
    scale = _parameter(op, "scale")
    k = _divide(x, scale)
    if op.name in _SCALED:
        return _round(scale * _SCALED[op.name](k))
    if op.name == "Sigmoid":
        return _round(_divide(scale, 1.0 + _exp(-k)))
    if op.name == "Exp":
        return _round(scale * _power(_parameter(op, "base"), k))
    if op.name == "Pow":
        return _round(scale * _power(k, _parameter(op, "a")))
    if op.name == "PowersOfTwo":
        return _round(scale * _power(2.0, x))
    raise MalformedArtifact(f"the lookup {op.name!a} is not known", code="settings")
