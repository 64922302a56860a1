"""The windows of a pooling along one axis: which positions of the input each of them covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zkml.model.rewrite.site import Site


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of `size` positions: window i covers `i·stride − before + j·dilation` for j below `kernel`."""

    size: int
    count: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    def positions(self) -> np.ndarray:
        """Return the positions [count, kernel] that the windows cover, below 0 or beyond the end in the padding."""
        starts = np.arange(self.count) * self.stride - self.before
        return np.asarray(starts[:, None] + np.arange(self.kernel)[None, :] * self.dilation)

    def inside(self, *, padding: bool) -> np.ndarray:
        """Return which of `positions` lie in the input or, with `padding`, in its padding too."""
        p = self.positions()
        low, high = (-self.before, self.size + self.after) if padding else (0, self.size)
        return np.asarray((p >= low) & (p < high))


def axes_of(site: Site) -> list[Axis] | None:
    """Return the windows along each spatial axis of a pooling, None when shapes are unknown."""
    shape, made = site.shape(site.input(0)), site.shape(site.node.output[0])
    if shape is None or made is None or len(shape) < 3:
        return None
    rank = len(shape) - 2
    kernel = site.attribute("kernel_shape")
    strides = site.attribute("strides", [1] * rank)
    dilations = site.attribute("dilations", [1] * rank)
    pads = site.attribute("pads", [0] * 2 * rank)
    auto = site.attribute("auto_pad", "NOTSET")
    found: list[Axis] = []
    for i in range(rank):
        before, after = pads[i], pads[i + rank]
        if auto == "VALID":
            before = after = 0
        elif auto in ("SAME_UPPER", "SAME_LOWER"):
            whole = max(0, (made[i + 2] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - shape[i + 2])
            before = whole // 2 if auto == "SAME_UPPER" else whole - whole // 2
            after = whole - before
        found.append(Axis(shape[i + 2], made[i + 2], kernel[i], strides[i], dilations[i], before, after))
    return found
