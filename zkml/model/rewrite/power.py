"""`Pow` with other exponents than one constant number."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

FLOATS = ("float", "double", "float16", "bfloat16")
MAX_EXPONENTS = 16


def power(site: Site) -> list[str] | None:
    """Precondition: exponent or base is a constant; a constant base is positive. One float exponent for all is EZKL's own."""
    x, y = site.input(0), site.input(1)
    kind, shape = site.dtype(x), site.shape(site.node.output[0])
    exponents, bases = site.constant(y), site.constant(x)
    if shape is None or not kind:
        return None
    if exponents is not None:
        distinct = np.unique(exponents.astype(np.float64))
        if len(distinct) == 1 and exponents.ndim <= 1 and exponents.size == 1 and kind in FLOATS:
            return None
        if len(distinct) > MAX_EXPONENTS or not np.isfinite(distinct).all():
            return None
        base = x if kind in FLOATS else site.cast(x, "float")
        value = ""
        for e in distinct:
            term = _one(site, base, float(e))
            at = np.broadcast_to(exponents.astype(np.float64) == e, shape)
            value = term if not value else site.where(site.const(at, "at"), _wide(site, term, x, shape), value)
            if value == term and len(distinct) > 1:
                value = _wide(site, term, x, shape)
        if len(distinct) == 1:
            value = _wide(site, value, x, shape)
        return [value if kind in FLOATS else site.cast(value, kind)]
    if bases is not None and (bases > 0).all():
        logs = site.const(np.log(bases.astype(np.float64)).astype(np.float32), "logarithms")
        exponent = y if site.dtype(y) == "float" else site.cast(y, "float")
        value = site.op_("Exp", site.mul(exponent, logs))
        if kind in FLOATS:
            return [value]
        return [site.cast(site.op_("Round", value), kind)]
    return None


def _one(site: Site, base: str, exponent: float) -> str:
    """Return the base to one exponent: products for small whole ones, EZKL's own power otherwise."""
    if exponent == int(exponent) and 1 <= exponent <= 8:
        value = base
        for _ in range(int(exponent) - 1):
            value = site.mul(value, base)
        return value
    return site.op_("Pow", base, site.const(np.asarray(exponent, dtype=np.float32), "exponent"))


def _wide(site: Site, value: str, x: str, shape: tuple[int, ...]) -> str:
    return value if site.shape(x) == shape else site.expand(value, shape)


RULE = Rule(
    "power",
    frozenset({"Pow"}),
    "each element has a known exponent, so it is a product of the base or one of a few powers; b^y = exp(y·ln b) for b > 0",
    power,
)
