"""Slack through tables, comparisons, roots, reciprocals and softmax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkml.circuit.audit.bounds import Array, Bound, Shape, above, add, kept, lost, multiply, negate
from zkml.circuit.audit.functions import exp_fields, real_table, rounded, spread
from zkml.circuit.audit.slack_linear import total
from zkml.circuit.graph import Op

Booleans = npt.NDArray[np.bool_]
MAX_TABLE = 1 << 23
MAX_DISTANCES = 64


@dataclass(frozen=True)
class Limits:
    """What the circuit's digits and tables can hold: |value| ≤ largest; table arguments from low to high."""

    largest: float
    low: int
    high: int


def lookup(op: Op, a: Bound, limits: Limits) -> Bound:
    """A table fixes its value: two arguments err apart give entries of one window of err + 1 entries."""
    if a.lo.size == 0:
        return a
    low = max(_reach(float(a.lo.min()), limits.low), limits.low)
    high = min(_reach(float(a.hi.max()), limits.high), limits.high)
    if high < low:
        low, high = limits.low, limits.high
    if high - low > MAX_TABLE:
        return lost(a.shape)
    real = real_table(op.name, op.fields, np.arange(low, high + 1, dtype=np.float64))
    if real is None:
        return lost(a.shape)
    least, most = rounded(real)
    err = np.zeros(a.shape)
    distances = _distances(a.err, least.size)
    if distances.size:
        far = np.array([spread(least, most, int(distance)) for distance in distances])
        at = np.searchsorted(distances, np.minimum(a.err, float(least.size)))
        err = np.where(a.err > 0, far[at], 0.0)
    return Bound(np.full(a.shape, least.min()), np.full(a.shape, most.max()), err)


def _reach(end: float, otherwise: int) -> int:
    return int(end) if np.isfinite(end) else otherwise


def _distances(err: Array, size: int) -> Array:
    """Return the distances to tabulate, ascending; every error (at most the table's size) is at most one of them."""
    found: Array = np.unique(np.minimum(err[err > 0], float(size)))
    if found.size > MAX_DISTANCES:
        found = found[np.linspace(0, found.size - 1, MAX_DISTANCES).astype(int)]
    return found


def leaky_relu(op: Op, a: Bound) -> Bound:
    """max(t, 0), or t·2^scale above zero and t·slope below: no steeper than its steeper side."""
    slope = float(op.fields["slope"])
    if slope == 0:
        return Bound(np.maximum(a.lo, 0), np.maximum(a.hi, 0), a.err)
    up = 2.0 ** int(op.fields["scale"])
    # The quantised slope is an integer at that scale; one more unit covers its rounding.
    down = float(np.ceil(abs(slope) * up)) + 1
    steep = max(up, down)
    reach = a.magnitude * steep
    return Bound(np.where(a.lo >= 0, a.lo * up, -reach), reach, a.err * steep)


def absolute(a: Bound) -> Bound:
    lo = np.where((a.lo <= 0) & (a.hi >= 0), 0.0, np.minimum(np.abs(a.lo), np.abs(a.hi)))
    return Bound(lo, a.magnitude, a.err)


def sign(a: Bound) -> Bound:
    """The sign of zero may be any of −1, 0, 1: its digits do not tell."""
    certain = (a.lo > 0) | (a.hi < 0)
    ones = np.ones(a.shape)
    across = np.where(a.err > 0, 2.0, 1.0)
    return Bound(np.where(a.lo > 0, ones, -ones), np.where(a.hi < 0, -ones, ones), np.where(certain, 0.0, across))


def step(a: Bound, unit: float) -> Bound:
    """Floor, ceil and round to multiples of `unit`."""
    with np.errstate(invalid="ignore"):
        return Bound(a.lo - unit, a.hi + unit, np.ceil(a.err / unit) * unit)


def decided(difference: Bound, always: Booleans, never: Booleans) -> Bound:
    """A comparison of a value: known where it holds always or never, else as sure as its argument."""
    known = always | never
    flips = np.where(known | (difference.err == 0), 0.0, 1.0)
    return Bound(np.where(always, 1.0, 0.0), np.where(never, 0.0, 1.0), flips)


def compare(name: str, a: Bound, b: Bound) -> Bound:
    if name in ("Less", "LessEqual"):
        return compare("Greater" if name == "Less" else "GreaterEqual", b, a)
    d = add(a, negate(b))
    if name == "Greater":
        return decided(d, d.lo > 0, d.hi <= 0)
    if name == "GreaterEqual":
        return decided(d, d.lo >= 0, d.hi < 0)
    return decided(d, (d.lo == 0) & (d.hi == 0), (d.lo > 0) | (d.hi < 0))


def logic(inputs: list[Bound]) -> Bound:
    """A Boolean function of Boolean values: it can change only where an argument can."""
    err = np.minimum(sum(x.err for x in inputs), 1.0)
    zeros = np.zeros(np.shape(err))
    return Bound(zeros, zeros + 1, np.asarray(err, dtype=np.float64))


def iff(mask: Bound, a: Bound, b: Bound) -> Bound:
    lo, hi = np.minimum(a.lo, b.lo), np.maximum(a.hi, b.hi)
    err = np.where(mask.err > 0, hi - lo, np.maximum(a.err, b.err))
    return Bound(lo, hi, np.where(np.isnan(err), np.inf, err))


def recip(a: Bound, scale_in: float, scale_out: float, eps: float, limits: Limits) -> Bound:
    """Return bounds of the integer x nearest to S/t, S = scale_in·scale_out, which the local-optimum rule enforces.

    For t and t' of one sign, at least m in magnitude and err apart, |S/t − S/t'| ≤ S·err/(m(m + err)), and rounding adds one at
    most. At t = 0 the value is the constant scale_out/eps. With the same t there is one answer, but for the tie |t| = 2S.
    """
    s = scale_in * scale_out
    positive, negative = a.lo > 0, a.hi < 0
    least = np.maximum(np.where(positive, a.lo, -a.hi), 1.0)
    with np.errstate(all="ignore"):
        apart = above(s * a.err / (least * (least + a.err)) + 1)
        top = s / least + 0.5
    tie = (a.magnitude >= 2 * s).astype(np.float64)
    err = np.where(a.err == 0, tie, np.where(positive | negative, apart, np.inf))
    reach = np.where(positive | negative, top, max(s, scale_out / eps if eps > 0 else np.inf))
    lo = np.where(positive, 0.0, -reach)
    hi = np.where(negative, 0.0, reach)
    return kept(Bound(np.floor(lo), np.ceil(hi), err), limits.largest)


def sqrt(a: Bound, scale: float) -> Bound:
    """Return bounds of the integer nearest to √(t·scale), 0 below zero; the sign is a finding of its own."""
    low, high = np.maximum(a.lo, 0), np.maximum(a.hi, 0)
    with np.errstate(all="ignore"):
        # √ is concave: two roots are farthest apart at the low end.
        apart = above(np.sqrt(scale) * (np.sqrt(low + a.err) - np.sqrt(low)) + 1)
    err = np.where(a.err == 0, 0.0, np.where(np.isnan(apart), np.inf, apart))
    return Bound(np.floor(np.sqrt(low * scale)), np.ceil(np.sqrt(high * scale)), err)


def softmax(op: Op, a: Bound, shape: Shape, limits: Limits) -> Bound:
    """Return bounds of exp(x − max)·recip(Σ exp(x − max)), before the rescale that follows.

    The maximum moves by the largest error of its slice. The element that is the maximum has exp(0), so the sum is never below
    it and the reciprocal is bounded.
    """
    axes, scale_in, scale_out = op.fields["axes"], float(op.fields["input_scale"]), float(op.fields["output_scale"])
    if len(axes) != 1:
        return lost(shape)
    axis = (int(axes[0]),)
    top = Bound(*(x.max(axis, keepdims=True) for x in (a.lo, a.hi, a.err)))
    difference = add(a, negate(Bound(*(np.broadcast_to(x, a.shape) for x in (top.lo, top.hi, top.err)))))
    difference = Bound(difference.lo, np.minimum(difference.hi, 0), difference.err)
    exps = lookup(Op("Exp", "lookup", exp_fields(scale_in)), difference, limits)
    one = float(np.floor(scale_in))
    exps = Bound(np.maximum(exps.lo, 0), exps.hi, exps.err)
    sums = total(exps, axis)
    sums = Bound(np.maximum(sums.lo, one), np.maximum(sums.hi, one), sums.err)
    shares = recip(sums, scale_out, scale_out, float(op.fields["eps"]), limits)
    return multiply(exps, shares.map(lambda x: np.broadcast_to(x, exps.shape)))
