"""Roots that the circuit binds: powers by a table of their own, for EZKL binds neither the sign nor the range of a square root.

EZKL makes a power with a constant exponent a static table, whose entry is fixed by its argument; but it reads the exponent ½ as
`Sqrt`, whose root it only claims. The float next below ½ is a table again, and x^HALF differs from √x by less than 3·10⁻⁸·|ln x|
of it, the step of a 32-bit float.

A division by a root becomes a product with the inverse root, one table in the place of a root and a reciprocal. It is looked up
2^GAIN times as large, as (x·4^−GAIN)^−½, and brought down again after: powers of two only move the fixed point, so that an
inverse root of 0.1 has three more binary digits. Where the argument is 0 in the circuit, LEAST stands in its place: a number
beside the table's infinity, so that a vector of zeros can be normalised too.
"""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

HALF = float(np.nextafter(np.float32(0.5), np.float32(0)))
GAIN = 3
LEAST = 2.0**-7


def root(site: Site) -> list[str] | None:
    """Precondition: a float, and the exponent of a `Pow` is ½ for all."""
    x = site.input(0)
    if site.dtype(x) != "float" or (site.op == "Pow" and _exponent(site, site.input(1)) != 0.5):
        return None
    return [site.op_("Pow", x, _number(site, HALF, "half"))]


def over_root(site: Site) -> list[str] | None:
    """`Div` by a root, and `Reciprocal` of one. Precondition: floats."""
    divides = site.op == "Div"
    radicand = _radicand(site, site.input(1 if divides else 0))
    if radicand is None or site.dtype(site.node.output[0]) != "float":
        return None
    zero = site.op_("Equal", radicand, _number(site, 0.0, "zero"))
    positive = site.where(zero, _number(site, LEAST, "least"), radicand)
    small = site.mul(positive, _number(site, 4.0**-GAIN, "power-of-two"))
    large = site.op_("Pow", small, _number(site, -0.5, "minus-half"))
    if divides:
        large = site.mul(site.input(0), large)
    return [site.mul(large, _number(site, 2.0**-GAIN, "power-of-two"))]


def _radicand(site: Site, name: str) -> str | None:
    """Return what a value is the root of, None when no root makes it."""
    maker = site.maker(name)
    if maker is None or maker.domain not in ("", "ai.onnx") or maker.op_type not in ("Sqrt", "Pow"):
        return None
    if maker.op_type == "Pow" and _exponent(site, maker.input[1]) not in (0.5, HALF):
        return None
    return str(maker.input[0])


def _exponent(site: Site, name: str) -> float | None:
    value = site.constant(name)
    return float(value.reshape(-1)[0]) if value is not None and value.size == 1 and value.ndim <= 1 else None


def _number(site: Site, value: float, hint: str) -> str:
    return site.const(np.asarray(value, dtype=np.float32), hint)


def euclidean(site: Site) -> list[str]:
    squares = site.make("ReduceSumSquare", list(site.node.input))[0]
    site.nodes[-1].attribute.extend(site.node.attribute)
    return [site.op_("Sqrt", squares)]


RULES = (
    Rule("euclidean-norm", frozenset({"ReduceL2"}), "the definition: the root of the sum of squares", euclidean),
    Rule(
        "over-root",
        frozenset({"Div", "Reciprocal"}),
        "a/√x = a·(x·4^−g)^−½·2^−g for x > 0, powers of two are exact; a/√0 is infinite",
        over_root,
    ),
    Rule("root", frozenset({"Sqrt", "Pow"}), "√x = x^½, and the float next to ½ gives the same in 32 bits", root),
)
