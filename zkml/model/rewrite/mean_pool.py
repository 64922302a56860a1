"""`AveragePool` with padding, dilation or `ceil_mode`, and `LpPool`, by an `AveragePool` over explicit zeros."""

from __future__ import annotations

from math import prod

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site
from zkml.model.rewrite.windows import Axis, axes_of


def average_pool(site: Site) -> list[str] | None:
    """Precondition: shapes are known, and every window covers something."""
    axes = axes_of(site)
    counted = bool(site.attribute("count_include_pad", 0))
    if axes is None or (all(_plain(a) for a in axes) and not site.attribute("ceil_mode", 0)):
        return None
    counts = [a.inside(padding=counted).sum(axis=1) for a in axes]
    if any((c == 0).any() for c in counts):
        return None
    mean = _mean(site, site.input(0), axes)
    factor = np.ones((1, 1, *(a.count for a in axes)))
    for i, (a, c) in enumerate(zip(axes, counts, strict=True)):
        along = [1] * (len(axes) + 2)
        along[i + 2] = a.count
        factor = factor * (a.kernel / c).reshape(along)
    if np.all(factor == 1):
        return [mean]
    return [site.mul(mean, site.like(factor, site.input(0), "kernel-over-count"))]


def lp_pool(site: Site) -> list[str] | None:
    """Precondition: shapes are known, p is 1 or 2: roots of higher order are far off in fixed point."""
    axes, p, x = axes_of(site), site.attribute("p", 2), site.input(0)
    if axes is None or p not in (1, 2):
        return None
    powers = site.op_("Abs", x) if p == 1 else site.mul(x, x)
    total = site.mul(_mean(site, powers, axes), site.like(prod(a.kernel for a in axes), x, "kernel"))
    return [total if p == 1 else site.op_("Sqrt", total)]


def global_lp_pool(site: Site) -> list[str] | None:
    """Precondition: the rank is known, p is 1 or 2."""
    shape, p = site.shape(site.input(0)), site.attribute("p", 2)
    if shape is None or p not in (1, 2):
        return None
    return [site.reduce("ReduceL1" if p == 1 else "ReduceL2", site.input(0), range(2, len(shape)))]


def _plain(a: Axis) -> bool:
    return a.dilation == 1 and a.before == a.after == 0 and bool(a.inside(padding=False).all())


def _mean(site: Site, value: str, axes: list[Axis]) -> str:
    """Return the sums over the windows of `value`, zeros in the padding, divided by the size of the kernel."""
    before, after, strides = [0, 0], [0, 0], []
    for a in axes:
        last = int(a.positions().max())
        before.append(a.before)
        after.append(max(0, last - (a.size - 1)))
    padded = site.pad(value, before, after)
    for i, a in enumerate(axes):
        if a.dilation == 1:
            strides.append(a.stride)
        else:
            padded = site.gather(padded, (a.positions() + a.before).reshape(-1), i + 2)
            strides.append(a.kernel)
    return site.op_("AveragePool", padded, kernel_shape=[a.kernel for a in axes], strides=strides)


RULES = (
    Rule(
        "average-pool",
        frozenset({"AveragePool"}),
        "zeros add nothing to a window's sum; the mean over the kernel times kernel over count is the sum over count",
        average_pool,
    ),
    Rule("lp-pool", frozenset({"LpPool"}), "the sum over a window is the kernel's size times its mean", lp_pool),
    Rule("global-lp-pool", frozenset({"GlobalLpPool"}), "the definition: the norm over the spatial axes", global_lp_pool),
)
