"""`Softmax` over scores that a mask sets to minus infinity, by scores below all others."""

from __future__ import annotations

import numpy as np
import onnx

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

BELOW = 16.0
"""A masked score is put this far below the smallest: its weight is below e^-16, less than half a unit of a 32-bit float at 1."""

MAX_DEPTH = 24
MOVES = ("Identity", "Cast", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Slice")


def masked_softmax(site: Site) -> list[str] | None:
    """Precondition: the scores are a sum of choices, constants and moves, some with −∞; a row masked whole has no value."""
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None:
        return None
    found = unmasked(site, x, MAX_DEPTH)
    scores, mask = found or ("", None)
    if mask is None:
        return None
    axis = site.attribute("axis", -1) % len(shape)
    lowest = site.sub(site.reduce("ReduceMin", scores, [axis]), site.like(BELOW, x, "below"))
    below = site.where(mask, site.expand(lowest, shape), scores)
    return [site.op_(site.op, below, axis=axis)]


def unmasked(site: Site, name: str, depth: int) -> tuple[str, str | None] | None:
    """Return a value without its −∞, and where they were (None when it has none); None when that cannot be told.

    Both have the shape of the value.
    """
    shape = site.shape(name)
    if shape is None or depth == 0:
        return None
    constant = site.constant(name)
    if constant is not None:
        if constant.dtype.kind != "f" or not np.isneginf(constant).any():
            return name, None
        at = np.isneginf(constant)
        return site.const(np.where(at, 0, constant).astype(constant.dtype), "finite"), site.const(at, "masked")
    node = site.maker(name)
    if node is None:
        return name, None
    if node.op_type == "Add":
        return _sum(site, name, list(node.input), shape, depth)
    if node.op_type == "Where":
        return _choice(site, list(node.input), shape, depth)
    if node.op_type in MOVES:
        inner = unmasked(site, node.input[0], depth - 1)
        if inner is None:
            return None
        if inner[1] is None:
            return name, None
        mask = inner[1] if node.op_type == "Cast" else _again(site, node, inner[1])
        return _again(site, node, inner[0]), mask
    return name, None


def _sum(site: Site, name: str, inputs: list[str], shape: tuple[int, ...], depth: int) -> tuple[str, str | None] | None:
    """Return `unmasked` of the sum `name` of two values."""
    first, second = (unmasked(site, n, depth - 1) for n in inputs)
    if first is None or second is None:
        return None
    masks = [(n, m) for n, (_, m) in zip(inputs, (first, second), strict=True) if m is not None]
    if not masks:
        return name, None
    wide = [m if site.shape(n) == shape else site.expand(m, shape) for n, m in masks]
    return site.add(first[0], second[0]), wide[0] if len(wide) == 1 else site.op_("Or", *wide)


def _again(site: Site, node: onnx.NodeProto, value: str) -> str:
    """Return the node's result on another first input."""
    made = site.make(node.op_type, [value, *node.input[1:]])[0]
    site.nodes[-1].attribute.extend(node.attribute)
    return made


def _choice(site: Site, inputs: list[str], shape: tuple[int, ...], depth: int) -> tuple[str, str | None] | None:
    """Return `unmasked` of a choice between two values."""
    condition, sides = inputs[0], [unmasked(site, n, depth - 1) for n in inputs[1:]]
    if sides[0] is None or sides[1] is None:
        return None
    if sides[0][1] is None and sides[1][1] is None:
        return site.where(condition, sides[0][0], sides[1][0]), None
    wide = site.expand(condition, shape) if site.shape(condition) != shape else condition
    whole = []
    for name, (value, mask) in zip(inputs[1:], sides, strict=True):  # type: ignore[misc]
        constant = site.constant(name)
        everywhere = constant is not None and bool(np.isneginf(constant).all())
        if mask and not everywhere:
            return None
        whole.append((value, everywhere))
    (first, first_masked), (second, second_masked) = whole
    if first_masked and second_masked:
        return None
    mask = wide if first_masked else site.op_("Not", wide)
    kept = second if first_masked else first
    return site.expand(kept, shape), mask


RULE = Rule(
    "masked-softmax",
    frozenset({"Softmax"}),
    "a score 16 below the smallest has a weight below e^-16 of any other's: nothing that a 32-bit float beside 1 shows",
    masked_softmax,
)
