"""Two runs of one circuit on the same input, element by element: where their values lie, and how far apart they may be.

A `Bound` holds for every tensor of two satisfying assignments at once: the honest one, which rounds as EZKL's witness
generator does, and any other. Both values lie in [lo, hi] and differ by `err` at most. Values are integers in float64: below 2^53
every operation on them is exact, beyond it results are widened by more than the rounding of a sum of 2^20 terms. `err` of
infinity means that no bound is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Shape = tuple[int, ...]

EXACT = float(1 << 53)
WIDEN = 1e-9
"""Relative widening beyond 2^53: a sum of 2^20 products loses less than 2^20 · 2^-52 = 2.4e-10."""


@dataclass(frozen=True)
class Bound:
    lo: Array
    hi: Array
    err: Array

    @property
    def shape(self) -> Shape:
        return self.lo.shape

    @property
    def exact(self) -> bool:
        """Whether the values are known constants."""
        return bool(np.array_equal(self.lo, self.hi)) and not self.err.any()

    @property
    def magnitude(self) -> Array:
        return np.maximum(np.abs(self.lo), np.abs(self.hi))

    def map(self, f: Callable[[Array], Array]) -> Bound:
        """Apply a rearrangement of elements to all three arrays."""
        return Bound(f(self.lo), f(self.hi), f(self.err))

    def widest(self, shape: Shape) -> Bound:
        """Return a tensor of another shape, each element of which may be any element of this one (the same in both runs)."""
        if self.lo.size == 0:
            return constant(np.zeros(shape))
        return Bound(np.full(shape, self.lo.min()), np.full(shape, self.hi.max()), np.full(shape, self.err.max()))

    def within(self, low: float, high: float) -> Bound:
        """Return the bound, knowing that the circuit holds both values to [low, high].

        Two values in one interval differ by its width at most.
        """
        lo, hi = np.clip(self.lo, low, high), np.clip(self.hi, low, high)
        return Bound(lo, hi, np.minimum(self.err, hi - lo))


def constant(values: npt.ArrayLike) -> Bound:
    array = np.asarray(values, dtype=np.float64)
    return Bound(array, array, np.zeros_like(array))


def free(shape: Shape, low: float, high: float) -> Bound:
    """Return a tensor that both runs share and of which only the range is known."""
    return Bound(np.full(shape, low), np.full(shape, high), np.zeros(shape))


def lost(shape: Shape) -> Bound:
    return Bound(np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, np.inf))


def settled(lo: Array, hi: Array, err: Array, magnitude: Array | None = None) -> Bound:
    """Return a bound from float results: NaN (0·∞, ∞ − ∞) becomes infinite, large values are widened.

    `magnitude` bounds the partial sums behind lo and hi where they may cancel.
    """
    lo = np.where(np.isnan(lo), -np.inf, lo)
    hi = np.where(np.isnan(hi), np.inf, hi)
    err = np.where(np.isnan(err) | (err >= EXACT), np.inf, err)
    size = np.maximum(np.abs(lo), np.abs(hi)) if magnitude is None else magnitude
    size = np.where(np.isnan(size), np.inf, size)
    widen = np.where(size < EXACT, 0.0, size * WIDEN)
    with np.errstate(invalid="ignore"):
        lo = np.where(np.isinf(size), -np.inf, lo - widen)
        hi = np.where(np.isinf(size), np.inf, hi + widen)
    return Bound(lo, hi, err)


def above(real: Array) -> Array:
    """Return the largest integer not above a real bound, after widening it for the float operations behind it."""
    return np.floor(real * (1 + WIDEN) + WIDEN)


def add(a: Bound, b: Bound) -> Bound:
    return settled(a.lo + b.lo, a.hi + b.hi, a.err + b.err)


def negate(a: Bound) -> Bound:
    return Bound(-a.hi, -a.lo, a.err)


def scale(a: Bound, factor: float) -> Bound:
    ends = np.stack([a.lo * factor, a.hi * factor])
    return settled(ends.min(0), ends.max(0), a.err * abs(factor))


def multiply(a: Bound, b: Bound) -> Bound:
    """a'b' − ab = a'(b' − b) + b(a' − a)."""
    with np.errstate(invalid="ignore", over="ignore"):
        ends = np.stack([a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi])
        # 0·∞ is 0 here: a factor that is zero stays zero.
        ends = np.where(np.isnan(ends), 0.0, ends)
        err = _product(a.magnitude, b.err) + _product(b.magnitude, a.err)
    return settled(ends.min(0), ends.max(0), err)


def _product(magnitude: Array, err: Array) -> Array:
    """magnitude · err, where no error stays none however large the magnitude."""
    return np.where(err == 0, 0.0, np.where(magnitude == 0, 0.0, magnitude * err))


def bilinear(f: Callable[[Array, Array], Array], a: Bound, b: Bound) -> Bound:
    """Return bounds of f, which is linear in each argument with coefficients 0 and 1 (a matrix product, a convolution).

    A known factor b gives f(b⁺, lo) + f(b⁻, hi) and errors f(|b|, err); otherwise magnitudes are multiplied as in `multiply`.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        if a.exact and not b.exact:
            return bilinear(lambda x, y: f(y, x), b, a)
        size = f(a.magnitude, b.magnitude)
        if b.exact:
            up, down = np.maximum(b.lo, 0), np.minimum(b.lo, 0)
            err = f(a.err, np.abs(b.lo)) if a.err.any() else np.zeros_like(size)
            return settled(f(a.lo, up) + f(a.hi, down), f(a.hi, up) + f(a.lo, down), err, size)
        err = np.zeros_like(size)
        if a.err.any():
            err = err + f(a.err, b.magnitude)
        if b.err.any():
            err = err + f(a.magnitude, b.err)
        nonnegative = bool((a.lo >= 0).all() and (b.lo >= 0).all())
        return settled(f(a.lo, b.lo) if nonnegative else -size, size, err, size)


def divide(t: Bound, d: int, largest: float) -> Bound:
    """Return bounds of the quotient that EZKL checks: |t − q·d| ≤ d − 1, |q| ≤ largest.

    The honest quotient is nearest: |t − q·d| ≤ h with h = ⌊d/2⌋. From |t' − t| ≤ err follows
    |q' − q|·d ≤ err + (d − 1) + h, hence |q' − q| ≤ ⌊(err + d − 1 + h)/d⌋. A known t that d divides has one quotient.
    """
    if d == 1:
        return t
    h = d // 2
    err = np.floor_divide(t.err + (d - 1 + h), d)
    err = np.where(np.isnan(err), np.inf, err)
    with np.errstate(invalid="ignore"):
        divisible = (t.lo == t.hi) & (t.err == 0) & (np.mod(t.lo, d) == 0) & (np.abs(t.lo) < EXACT)
        lo = np.where(divisible, t.lo / d, -np.floor_divide(-t.lo + (d - 1), d))
        hi = np.where(divisible, t.hi / d, np.floor_divide(t.hi + (d - 1), d))
    lo = np.where(np.isnan(lo), -np.inf, lo)
    hi = np.where(np.isnan(hi), np.inf, hi)
    return kept(Bound(lo, hi, np.where(divisible, 0.0, err)), largest)


def kept(b: Bound, largest: float) -> Bound:
    """Return the bound of a value that the circuit holds to `largest` in magnitude by its digits.

    The range bounds the values; it does not revive a bound on the difference that was lost, for that would be no use to anyone.
    """
    inside = b.within(-largest, largest)
    return Bound(inside.lo, inside.hi, np.where(np.isinf(b.err), np.inf, inside.err))
