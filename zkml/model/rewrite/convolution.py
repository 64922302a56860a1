"""Convolutions with dilation, and transposed ones, by plain convolutions of spread kernels and spread inputs."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def dilated(site: Site) -> list[str] | None:
    """Precondition: the kernel is a constant."""
    kernel, dilations = site.constant(site.input(1)), site.attribute("dilations")
    if kernel is None or not dilations or all(d == 1 for d in dilations):
        return None
    spread = site.const(spread_kernel(kernel, dilations), "spread-kernel")
    inputs = [site.input(0), spread, *([site.input(2)] if site.input(2) else [])]
    attributes = {name: site.attribute(name) for name in ("auto_pad", "group", "pads", "strides")}
    return [site.make("Conv", inputs, **attributes)[0]]


def spread_kernel(kernel: np.ndarray, dilations: list[int]) -> np.ndarray:
    """Return the kernel with zeros between its entries, as far apart as the dilations say."""
    sizes = [(k - 1) * d + 1 for k, d in zip(kernel.shape[2:], dilations, strict=True)]
    result = np.zeros((*kernel.shape[:2], *sizes), dtype=kernel.dtype)
    result[(slice(None), slice(None), *(slice(None, None, d) for d in dilations))] = kernel
    return result


def transposed(site: Site) -> list[str] | None:
    """Precondition: the kernel is a constant and the shapes are known. A plain one is left to EZKL."""
    kernel, x = site.constant(site.input(1)), site.input(0)
    shape, made = site.shape(x), site.shape(site.node.output[0])
    if kernel is None or shape is None or made is None:
        return None
    rank = len(shape) - 2
    group = site.attribute("group", 1)
    strides = site.attribute("strides", [1] * rank)
    dilations = site.attribute("dilations", [1] * rank)
    extra = site.attribute("output_padding", [0] * rank)
    auto = site.attribute("auto_pad", "NOTSET")
    pads = site.attribute("pads", [0] * 2 * rank)
    asked = site.attribute("output_shape")
    plain = group == 1 and not any(extra) and auto in ("NOTSET", "VALID") and asked is None and not any(pads)
    if plain and all(d == 1 for d in dilations) and all(s == 1 for s in strides):
        return None
    flipped = np.flip(spread_kernel(kernel, dilations), axis=tuple(range(2, rank + 2)))
    ins, outs = kernel.shape[0] // group, kernel.shape[1]
    parts = flipped.reshape(group, ins, outs, *flipped.shape[2:]).swapaxes(1, 2)
    weights = np.ascontiguousarray(parts.reshape(group * outs, ins, *flipped.shape[2:]))
    before, after = [0, 0], [0, 0]
    for i in range(rank):
        reach = flipped.shape[i + 2] - 1
        whole = (shape[i + 2] - 1) * strides[i] + reach + 1 + extra[i]
        start, end = pads[i], pads[i + rank]
        if asked is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
            cut = whole - made[i + 2]
            start = cut // 2 if auto == "SAME_UPPER" else cut - cut // 2
            end = cut - start
        before.append(reach - start)
        after.append(reach - end + extra[i])
    value = x
    for i in range(rank):
        value = _spread(site, value, i + 2, list(shape), strides[i])
        shape = (*shape[: i + 2], (shape[i + 2] - 1) * strides[i] + 1, *shape[i + 3 :])
    for i in range(2, rank + 2):  # a padding below zero cuts
        low, high = max(0, -before[i]), max(0, -after[i])
        if low or high:
            value = site.slice(value, i, low, shape[i] - high)
    value = site.pad(value, [max(0, b) for b in before], [max(0, a) for a in after])
    inputs = [value, site.const(weights, "flipped-kernel"), *([site.input(2)] if site.input(2) else [])]
    return [site.make("Conv", inputs, group=group, strides=[1] * rank, kernel_shape=list(weights.shape[2:]))[0]]


def _spread(site: Site, value: str, axis: int, shape: list[int], stride: int) -> str:
    """Return the value with `stride` − 1 zeros between its entries along an axis."""
    if stride == 1:
        return value
    wide = [*shape[: axis + 1], 1, *shape[axis + 1 :]]
    after = [0] * len(wide)
    after[axis + 1] = stride - 1
    padded = site.pad(site.reshape(value, wide), [0] * len(wide), after)
    flat = [*shape[:axis], shape[axis] * stride, *shape[axis + 1 :]]
    return site.slice(site.reshape(padded, flat), axis, 0, (shape[axis] - 1) * stride + 1)


RULES = (
    Rule(
        "dilated-conv",
        frozenset({"Conv"}),
        "a kernel that skips positions is a larger one with zeros at them",
        dilated,
    ),
    Rule(
        "transposed-conv",
        frozenset({"ConvTranspose"}),
        "each input adds its multiple of the kernel: the convolution with the flipped kernel of the input with zeros between",
        transposed,
    ),
)
