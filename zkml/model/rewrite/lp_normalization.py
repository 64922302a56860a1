"""`LpNormalization` by a reduction and a division."""

from __future__ import annotations

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def lp_normalization(site: Site) -> list[str] | None:
    x, shape = site.input(0), site.shape(site.input(0))
    p, axis = site.attribute("p", 2), site.attribute("axis", -1)
    if shape is None or p not in (1, 2):
        return None
    axis %= len(shape)
    return [site.div(x, site.reduce("ReduceL1" if p == 1 else "ReduceL2", x, [axis]))]


RULE = Rule(
    "lp-normalization",
    frozenset({"LpNormalization"}),
    "the definition: each vector along the axis divided by its own norm (a norm of 0 has no value in either)",
    lp_normalization,
)
