"""`Trilu` by a product with a constant mask."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def triangle(site: Site) -> list[str] | None:
    """Precondition: the shape is known and the diagonal a constant."""
    x, shape = site.input(0), site.shape(site.input(0))
    k = site.constant(site.input(1)) if site.input(1) else np.zeros(1)
    if shape is None or k is None or len(shape) < 2:
        return None
    cut = np.triu if site.attribute("upper", 1) else np.tril
    mask = cut(np.ones(shape[-2:], dtype=np.int64), int(k.reshape(-1)[0]))
    wide = np.broadcast_to(mask, shape)
    if site.dtype(x) == "bool":
        return [site.op_("And", x, site.const(wide.astype(np.bool_), "mask"))]
    return [site.mul(x, site.like(wide, x, "mask"))]


RULE = Rule("triangle", frozenset({"Trilu"}), "an element is kept, times 1, or cleared, times 0", triangle)
