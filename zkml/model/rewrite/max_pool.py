"""`MaxPool` with padding, dilation or `ceil_mode`, by a gather and a `MaxPool` without them."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site
from zkml.model.rewrite.windows import Axis, axes_of


def max_pool(site: Site) -> list[str] | None:
    """Precondition: the indices are not read, and every window holds a position of the input."""
    axes = axes_of(site)
    if axes is None or site.is_read(1) or (all(plain(a) for a in axes) and not site.attribute("ceil_mode", 0)):
        return None
    if any(not a.inside(padding=False).any(axis=1).all() for a in axes):
        return None
    value, strides = site.input(0), []
    for i, a in enumerate(axes):
        indices, stride = layout(a)
        if not np.array_equal(indices, np.arange(a.size)):
            value = site.gather(value, indices, i + 2)
        strides.append(stride)
    return [site.op_("MaxPool", value, kernel_shape=[a.kernel for a in axes], strides=strides)]


def plain(a: Axis) -> bool:
    """Return whether EZKL pools rightly along an axis: no padding, no dilation, windows that end in the input."""
    return a.dilation == 1 and a.before == a.after == 0 and bool(a.inside(padding=False).all())


def layout(a: Axis) -> tuple[np.ndarray, int]:
    """Return positions of the input along which windows of `kernel` without dilation see what `a` sees, and their stride.

    A position in the padding is replaced by the nearest of the same window in the input. Without dilation neighbouring windows
    keep sharing their positions: those in the padding become the border, which every window that reaches the padding covers.
    """
    if a.dilation == 1:
        ends = np.arange((a.count - 1) * a.stride + a.kernel) - a.before
        return np.clip(ends, 0, a.size - 1), a.stride
    positions, inside = a.positions(), a.inside(padding=False)
    for row, good in zip(positions, inside, strict=True):
        row[~good] = row[good][0]
    return positions.reshape(-1), a.kernel


RULE = Rule(
    "max-pool",
    frozenset({"MaxPool"}),
    "a position in the padding is never the largest of its window: one of the window's own in its place changes no maximum",
    max_pool,
)
