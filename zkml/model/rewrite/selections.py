"""Operators that only choose and repeat elements, by gathers of constant positions."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_ELEMENTS = 1 << 22


def pad(site: Site) -> list[str] | None:
    """Precondition: the pads are constant. Padding with a constant, none negative, over all axes, is left to EZKL."""
    shape, amounts = site.shape(site.input(0)), site.constant(site.input(1))
    mode = site.attribute("mode", "constant")
    if shape is None or amounts is None:
        return None
    axes = list(range(len(shape)))
    if site.input(3):
        given = site.constant(site.input(3))
        if given is None:
            return None
        axes = [int(a) % len(shape) for a in given.reshape(-1)]
    flat = [int(a) for a in amounts.reshape(-1)]
    before, after = [0] * len(shape), [0] * len(shape)
    for i, axis in enumerate(axes):
        before[axis], after[axis] = flat[i], flat[i + len(axes)]
    if mode == "constant":
        if min(flat) >= 0 and not site.input(3) and site.dtype(site.input(0)) in ("float", "bool"):
            return None
        return constant_pad(site, shape, before, after)
    if mode not in ("edge", "reflect", "wrap"):
        return None
    value = site.input(0)
    for axis, size in enumerate(shape):
        if not before[axis] and not after[axis]:
            continue
        at = np.arange(-before[axis], size + after[axis])
        if mode == "edge":
            at = np.clip(at, 0, size - 1)
        elif mode == "wrap":
            at = at % size
        elif size == 1:
            at = np.zeros_like(at)
        else:
            at = at % (2 * size - 2)
            at = np.where(at < size, at, 2 * size - 2 - at)
        value = site.gather(value, at, axis)
    return [value]


def constant_pad(site: Site, shape: tuple[int, ...], before: list[int], after: list[int]) -> list[str] | None:
    """Precondition: a constant fill. Pads below zero cut; the others are blocks of the fill beside the value."""
    fill = site.constant(site.input(2)) if site.input(2) else np.zeros(1)
    if fill is None:
        return None
    value, sizes = site.input(0), list(shape)
    for axis, size in enumerate(shape):
        low, high = max(0, -before[axis]), max(0, -after[axis])
        if low or high:
            value = site.slice(value, axis, low, size - high)
            sizes[axis] = size - low - high
    for axis in range(len(shape)):
        sides = []
        for count in (max(0, before[axis]), max(0, after[axis])):
            block = np.full([*sizes[:axis], count, *sizes[axis + 1 :]], fill.reshape(-1)[0])
            sides.append([site.like(block, site.input(0), "fill")] if count else [])
        value = site.concat([*sides[0], value, *sides[1]], axis)
        sizes[axis] += max(0, before[axis]) + max(0, after[axis])
    return [value]


def tile(site: Site) -> list[str] | None:
    """Precondition: the repeats are constant."""
    shape, repeats = site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or repeats is None:
        return None
    value = site.input(0)
    for axis, (size, count) in enumerate(zip(shape, repeats.reshape(-1), strict=True)):
        if count != 1:
            value = site.gather(value, np.arange(size * int(count)) % size, axis)
    return [value]


def reverse_sequence(site: Site) -> list[str] | None:
    """Precondition: the lengths are constant."""
    shape, lengths = site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or lengths is None or int(np.prod(shape)) > MAX_ELEMENTS:
        return None
    batch, time = site.attribute("batch_axis", 1), site.attribute("time_axis", 0)
    order = np.arange(int(np.prod(shape))).reshape(shape)
    moved = np.moveaxis(order, (batch, time), (0, 1)).copy()
    for row, length in zip(moved, lengths.reshape(-1), strict=True):
        row[: int(length)] = row[: int(length)][::-1].copy()
    return [site.pick(site.input(0), np.moveaxis(moved, (0, 1), (batch, time)))]


def compress(site: Site) -> list[str] | None:
    """Precondition: the condition is constant and chooses something."""
    shape, condition = site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or condition is None:
        return None
    chosen = np.flatnonzero(condition.reshape(-1))
    axis = site.attribute("axis")
    if not len(chosen):
        return None
    if axis is None:
        return [site.pick(site.input(0), chosen)]
    return [site.gather(site.input(0), chosen, axis % len(shape))]


def space_to_depth(site: Site) -> list[str] | None:
    """Precondition: the shape is known; the other order of channels is left to EZKL."""
    shape = site.shape(site.input(0))
    if shape is None or site.attribute("mode", "DCR") != "CRD":
        return None
    n, c, h, w = shape
    b = site.attribute("blocksize")
    parts = site.reshape(site.input(0), [n, c, h // b, b, w // b, b])
    return [site.reshape(site.transpose(parts, [0, 1, 3, 5, 2, 4]), [n, c * b * b, h // b, w // b])]


def empty_concat(site: Site) -> list[str] | None:
    """Precondition: an input has no element."""
    kept = [n for n in site.node.input if 0 not in (site.shape(n) or (1,))]
    if len(kept) == len(site.node.input) or not kept:
        return None
    return [site.concat(kept, site.attribute("axis"))] if len(kept) > 1 else [kept[0]]


def empty_split(site: Site) -> list[str] | None:
    """Precondition: a part has no element."""
    shapes = [site.shape(o) for o in site.node.output]
    kind = site.dtype(site.input(0))
    if any(s is None for s in shapes) or all(0 not in (s or ()) for s in shapes) or not kind:
        return None
    axis = site.attribute("axis", 0) % len(shapes[0] or (1,))
    values, at = [], 0
    for shape in shapes:
        size = (shape or ())[axis]
        empty = np.zeros(shape or (), dtype=site.numpy_type(site.input(0)))
        values.append(site.slice(site.input(0), axis, at, at + size) if size else site.const(empty, "nothing"))
        at += size
    return values


RULES = (
    Rule("pad", frozenset({"Pad"}), "each element of the result is the fill or one element of the input, at a known place", pad),
    Rule("tile", frozenset({"Tile"}), "element i of an axis of n repeated is element i mod n", tile),
    Rule("reverse-sequence", frozenset({"ReverseSequence"}), "with known lengths it is a known permutation", reverse_sequence),
    Rule("compress", frozenset({"Compress"}), "with a known condition it is a known choice", compress),
    Rule("space-to-depth", frozenset({"SpaceToDepth"}), "the definition by reshapes and a transposition", space_to_depth),
    Rule("empty-split", frozenset({"Split"}), "parts are slices, and what has no element is a constant", empty_split),
    Rule("empty-concat", frozenset({"Concat"}), "what has no element adds none", empty_concat),
)
