"""Activations that ONNX defines by simpler ones: `Gelu`, `Mish`, `Swish`, `Shrink`, `Celu`."""

from __future__ import annotations

from math import pi, sqrt

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

FLOATS = ("float", "double", "float16", "bfloat16")


def gelu(site: Site) -> list[str] | None:
    """x·Φ(x) by the error function, or its approximation by the hyperbolic tangent."""
    x = site.input(0)
    if site.dtype(x) not in FLOATS:
        return None
    half = site.mul(x, site.like(0.5, x, "half"))
    if site.attribute("approximate", "none") == "tanh":
        cube = site.mul(site.mul(x, site.mul(x, x)), site.like(0.044715, x))
        inner = site.op_("Tanh", site.mul(site.add(x, cube), site.like(sqrt(2 / pi), x)))
    else:
        inner = site.op_("Erf", site.mul(x, site.like(1 / sqrt(2), x)))
    return [site.mul(half, site.add(inner, site.like(1, x, "one")))]


def mish(site: Site) -> list[str] | None:
    x = site.input(0)
    if site.dtype(x) not in FLOATS:
        return None
    return [site.mul(x, site.op_("Tanh", site.op_("Softplus", x)))]


def swish(site: Site) -> list[str] | None:
    x = site.input(0)
    if site.dtype(x) not in FLOATS:
        return None
    alpha = float(site.attribute("alpha", 1.0))
    return [site.mul(x, site.op_("Sigmoid", x if alpha == 1 else site.mul(x, site.like(alpha, x, "alpha"))))]


def celu(site: Site) -> list[str] | None:
    x, alpha = site.input(0), float(site.attribute("alpha", 1.0))
    if site.dtype(x) not in FLOATS or alpha <= 0:
        return None
    if alpha == 1:
        return [site.op_("Elu", x, alpha=1.0)]
    return [site.mul(site.op_("Elu", site.mul(x, site.like(1 / alpha, x, "one-over-alpha"))), site.like(alpha, x, "alpha"))]


RULES = (
    Rule("gelu", frozenset({"Gelu"}), "the definition: x·(1 + erf(x/√2))/2, or 1 + tanh(√(2/π)(x + 0.044715x³))", gelu),
    Rule("mish", frozenset({"Mish"}), "the definition: x·tanh(softplus(x))", mish),
    Rule("celu", frozenset({"Celu"}), "max(0, x) + min(0, α(exp(x/α) − 1)) is α·elu(x/α) for α > 0", celu),
    Rule("swish", frozenset({"Swish"}), "the definition: x·sigmoid(αx)", swish),
)
