"""Slack through operators that only move elements about."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from zkml.circuit.audit.bounds import Array, Bound, Shape
from zkml.circuit.audit.slack_linear import MAX_PADDED, zero_padded
from zkml.circuit.graph import Op


def _index(raw: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(raw["values"], dtype=np.int64).reshape(raw["dims"])


def rearrange(op: Op, inputs: list[Bound], shape: Shape) -> Bound | None:
    """Return the bound of an operator of wiring, or None when `op` is none.

    Where the rearrangement does not come out in the node's shape, each element may be any of the sources'.
    """
    f = _rearrangement(op, shape)
    if op.name == "Concat":
        axis = op.fields["axis"]
        try:
            return Bound(*(np.concatenate([getattr(x, part) for x in inputs], axis) for part in ("lo", "hi", "err")))
        except ValueError:
            return _union(inputs).widest(shape)
    if op.name in ("ScatterElements", "ScatterND", "GatherND", "GatherElements", "Gather") and f is None:
        return _moved(op, inputs, shape)
    if f is None:
        return None
    try:
        result = inputs[0].map(f)
    except (ValueError, IndexError):
        return _with_zero(inputs[0]).widest(shape)
    return result if result.shape == shape or result.lo.size == np.prod(shape) else _with_zero(inputs[0]).widest(shape)


def _rearrangement(op: Op, shape: Shape) -> Callable[[Array], Array] | None:
    fields = op.fields
    match op.name:
        # EZKL does not mask in Trilu: a finding of its own.
        case "Identity" | "Output" | "Trilu":
            return lambda x: x
        case "Reshape" | "Flatten":
            return lambda x: x.reshape(shape)
        case "MoveAxis":
            return lambda x: np.moveaxis(x, fields["source"], fields["destination"])
        case "MultiBroadcastTo":
            return lambda x: np.broadcast_to(x, shape)
        case "Pad":
            widths = [(int(low), int(high)) for low, high in fields["padding"]]
            return lambda x: zero_padded(x, [(0, 0)] * (x.ndim - len(widths)) + widths)
        case "Slice":
            axis, cut = fields["axis"], slice(fields["start"], fields["end"])
            return lambda x: np.moveaxis(np.moveaxis(x, axis, 0)[cut], 0, axis)
        case "Downsample":
            axis, cut = fields["axis"], slice(fields["modulo"], None, fields["stride"])
            return lambda x: np.moveaxis(np.moveaxis(x, axis, 0)[cut], 0, axis)
        case "Resize":
            return lambda x: _repeat(x, fields["scale_factor"])
        case "Gather" if fields["constant_idx"] is not None:
            return lambda x: np.take(x, _index(fields["constant_idx"]), axis=fields["dim"])
        case "GatherElements" if fields["constant_idx"] is not None:
            return lambda x: np.take_along_axis(x, _index(fields["constant_idx"]), axis=fields["dim"])
    return None


def _repeat(x: Array, factors: list[int]) -> Array:
    if x.size * math.prod(factors) > MAX_PADDED:
        raise ValueError(f"resizing by {factors} makes more than {MAX_PADDED} elements")
    for axis, factor in enumerate(factors):
        x = np.repeat(x, factor, axis=axis)
    return x


def _with_zero(a: Bound) -> Bound:
    """Padding is zero in both runs."""
    return Bound(np.minimum(a.lo, 0), np.maximum(a.hi, 0), a.err)


def _union(inputs: list[Bound]) -> Bound:
    return Bound(*(np.concatenate([getattr(x, part).ravel() for x in inputs]) for part in ("lo", "hi", "err")))


def _moved(op: Op, inputs: list[Bound], shape: Shape) -> Bound:
    """Gather and scatter: with the same indices in both runs an element moves as far as its source; otherwise it may be another
    element altogether."""
    known = op.fields.get("constant_idx", op.fields.get("indices")) is not None
    indices = None if known or len(inputs) < 2 else inputs[1]
    values = [inputs[0], *inputs[(1 if known else 2) :]]
    result = _union(values).widest(shape)
    if indices is not None and indices.err.any():
        return Bound(result.lo, result.hi, np.maximum(result.err, result.hi - result.lo))
    return result
