"""Slack through linear operators: products, convolutions, sums, pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zkml.circuit.audit.bounds import Array, Bound, Shape, add, bilinear, constant, lost, multiply, settled
from zkml.circuit.graph import Op

MAX_COST = 1 << 34
MAX_PATCHES = 1 << 27
MAX_PADDED = 1 << 25


def total(a: Bound, axes: Sequence[int]) -> Bound:
    """Return sums over axes, which stay with length 1."""
    over = tuple(axes)
    return settled(
        a.lo.sum(over, keepdims=True),
        a.hi.sum(over, keepdims=True),
        a.err.sum(over, keepdims=True),
        a.magnitude.sum(over, keepdims=True),
    )


def einsum(op: Op, inputs: list[Bound], shape: Shape) -> Bound:
    left, right = op.fields["equation"].replace(" ", "").split("->")
    terms = left.split(",")
    if len(terms) != len(inputs) or not 1 <= len(terms) <= 2:
        return lost(shape)
    dims: dict[str, int] = {}
    for term, x in zip(terms, inputs, strict=True):
        if len(term) != len(x.shape):
            return lost(shape)
        for axis, dim in zip(term, x.shape, strict=True):
            if max(dim, dims.get(axis, 1)) != dim and dim != 1:
                return lost(shape)
            dims[axis] = max(dim, dims.get(axis, 1))
    if math.prod(dims.values()) > MAX_COST:
        return lost(shape)
    # An axis of the result alone has length 1.
    output = "".join(axis for axis in right if axis in dims)
    if len(terms) == 1:
        single = f"{left}->{output}"
        a = inputs[0]
        return settled(*(np.einsum(single, x) for x in (a.lo, a.hi, a.err, a.magnitude))).map(lambda x: x.reshape(shape))
    equation = f"{left}->{output}"

    def f(x: Array, y: Array) -> Array:
        contracted: Array = np.einsum(equation, x, y, optimize=True)
        return contracted

    result = bilinear(f, inputs[0], inputs[1])
    return result.map(lambda x: x.reshape(shape))


def zero_padded(a: Array, widths: Sequence[tuple[int, int]]) -> Array:
    """Return `a` between zeros. Raises ValueError when the result would be too large to hold."""
    if math.prod(dim + low + high for dim, (low, high) in zip(a.shape, widths, strict=True)) > MAX_PADDED:
        raise ValueError(f"padding by {widths} makes more than {MAX_PADDED} elements")
    return np.pad(a, widths)


def patches(a: Array, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[Sequence[int]]) -> Array:
    """Return windows of a zero-padded image (N, C, spatial…): shape (N, C, out…, kernel…)."""
    padded = zero_padded(a, [(0, 0), (0, 0), *[(int(low), int(high)) for low, high in padding]])
    axes = tuple(range(2, a.ndim))
    view = np.lib.stride_tricks.sliding_window_view(padded, tuple(kernel), axis=axes)
    return view[(slice(None), slice(None), *[slice(None, None, int(s)) for s in stride])]


def conv(op: Op, inputs: list[Bound], shape: Shape) -> Bound:
    image, kernel = inputs[0], inputs[1]
    fields = op.fields
    spatial = len(image.shape) - 2
    formats = (fields["data_format"], fields["kernel_format"])
    if formats != ("NCHW", "OIHW") or spatial < 1 or len(kernel.shape) != spatial + 2:
        return lost(shape)
    groups, (channels_out, per_group) = int(fields["group"]), kernel.shape[:2]
    if groups < 1 or channels_out % groups or image.shape[1] != groups * per_group:
        return lost(shape)
    taps = kernel.shape[2:]
    if math.prod(shape[2:]) * image.shape[0] * image.shape[1] * math.prod(taps) > MAX_PATCHES:
        return lost(shape)

    def f(x: Array, k: Array) -> Array:
        windows = patches(x, taps, fields["stride"], fields["padding"])
        out = windows.shape[2 : 2 + spatial]
        # (N, groups, positions, channels · taps) times (groups, channels · taps, outputs)
        columns = windows.reshape(x.shape[0], groups, per_group, math.prod(out), math.prod(taps))
        columns = columns.transpose(0, 1, 3, 2, 4).reshape(x.shape[0], groups, math.prod(out), -1)
        weights = k.reshape(groups, channels_out // groups, -1).transpose(0, 2, 1)
        result: Array = (columns @ weights).transpose(0, 1, 3, 2).reshape(x.shape[0], channels_out, *out)
        return result

    result = bilinear(f, image, kernel)
    if len(inputs) > 2:
        bias = inputs[2].map(lambda b: b.reshape(1, -1, *[1] * spatial))
        result = add(result, bias)
    return result


def sum_pool(op: Op, a: Bound, shape: Shape) -> Bound:
    fields = op.fields
    kernel = fields["kernel_shape"]
    if fields["data_format"] != "NCHW" or math.prod(shape) * math.prod(kernel) > MAX_PATCHES:
        return lost(shape)
    axes = tuple(range(-len(kernel), 0))
    sums = [patches(x, kernel, fields["stride"], fields["padding"]).sum(axes) for x in (a.lo, a.hi, a.err, a.magnitude)]
    return settled(*sums)


def max_pool(op: Op, a: Bound, shape: Shape) -> Bound:
    """A maximum moves by no more than the element that moves most. EZKL pads with zeros, which do not move."""
    fields = op.fields
    kernel = fields["pool_dims"]
    if fields["data_format"] != "NCHW" or math.prod(shape) * math.prod(kernel) > MAX_PATCHES:
        return lost(shape)
    axes = tuple(range(-len(kernel), 0))
    lo, hi, err = (patches(x, kernel, fields["stride"], fields["padding"]).max(axes) for x in (a.lo, a.hi, a.err))
    return Bound(lo, hi, err)


def product(a: Bound, axes: Sequence[int], shape: Shape) -> Bound:
    """Return products over axes, element after element."""
    order = [i for i in range(len(a.shape)) if i not in axes]
    flat = a.map(lambda x: x.transpose([*order, *axes]).reshape(math.prod(a.shape[i] for i in order), -1))
    if flat.shape[1] > 4096:
        return lost(shape)
    result = constant(np.ones(flat.shape[0]))
    for i in range(flat.shape[1]):
        result = multiply(result, flat.map(lambda x, i=i: x[:, i]))  # type: ignore[misc]
    return result.map(lambda x: x.reshape(shape))
