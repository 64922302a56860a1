"""Running products, `TopK` and the mask of `Dropout`, one element after another."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_STEPS = 64


def product(site: Site) -> list[str] | None:
    """Precondition: the axis is a constant and short."""
    shape, axis = site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or axis is None:
        return None
    at = int(axis.reshape(-1)[0]) % len(shape)
    n = shape[at]
    if n > MAX_STEPS:
        return None
    order = range(n - 1, -1, -1) if site.attribute("reverse", 0) else range(n)
    pieces = {i: site.slice(site.input(0), at, i, i + 1) for i in range(n)}
    one = [*shape[:at], 1, *shape[at + 1 :]]
    so_far, results = site.like(np.ones(one), site.input(0), "one"), {}
    for step, i in enumerate(order):
        after = pieces[i] if step == 0 else site.mul(so_far, pieces[i])
        results[i] = so_far if site.attribute("exclusive", 0) else after
        so_far = after
    return [site.concat([results[i] for i in range(n)], at)]


def top_k(site: Site) -> list[str] | None:
    """Precondition: k is a small constant; the largest values alone are left to EZKL."""
    x, shape, k = site.input(0), site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or k is None:
        return None
    count, axis = int(k.reshape(-1)[0]), site.attribute("axis", -1) % len(shape)
    largest, indexed = bool(site.attribute("largest", 1)), site.is_read(1)
    if count > min(MAX_STEPS, shape[axis]) or (largest and not indexed and site.dtype(x) == "float"):
        return None
    kind = site.dtype(x)
    value = site.cast(x, "float") if kind != "float" else x
    if not largest:
        value = site.op_("Neg", value)
    along = [1] * len(shape)
    along[axis] = shape[axis]
    places = site.ints(np.arange(shape[axis]).reshape(along), "places")
    one = site.const(np.asarray(1, dtype=np.float32), "one")
    lowest = site.sub(site.reduce("ReduceMin", value, [axis]), one)
    wide = site.expand(lowest, shape)
    tops, where = [], []
    for step in range(count):
        tops.append(site.reduce("ReduceMax", value, [axis]))
        at = site.op_("ArgMax", value, axis=axis, keepdims=1)
        where.append(at)
        if step + 1 < count:
            here = site.op_("Equal", site.expand(places, shape), site.expand(at, shape))
            value = site.where(here, wide, value)
    best = site.concat(tops, axis)
    if not largest:
        best = site.op_("Neg", best)
    return [site.cast(best, kind) if kind != "float" else best, site.concat(where, axis)]


def dropout(site: Site) -> list[str] | None:
    """Precondition: nothing is trained, and the mask is read."""
    shape = site.shape(site.input(0))
    training = site.constant(site.input(2)) if site.input(2) else np.zeros(1, dtype=np.bool_)
    if shape is None or training is None or training.any():
        return None
    if not site.is_read(1):
        return [site.input(0)]
    return [site.input(0), site.const(np.ones(shape, dtype=np.bool_), "mask")]


RULES = (
    Rule("running-product", frozenset({"CumProd"}), "the definition, written out", product),
    Rule(
        "top-k",
        frozenset({"TopK"}),
        "the largest is taken, then the largest of what is left: what was taken is put below all others; ties go to the first",
        top_k,
    ),
    Rule("dropout", frozenset({"Dropout"}), "outside of training it drops nothing and the mask is true", dropout),
)
