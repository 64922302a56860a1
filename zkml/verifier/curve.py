"""Step 10: sums of points, in Jacobian coordinates (x/z², y/z³) over Python integers, and the pairing equation."""

from __future__ import annotations

from collections.abc import Sequence

from zkml.protocol.field import P, R
from zkml.protocol.points import IDENTITY, G1Point, VerifierPoints
from zkml.verifier.pairing import in_final_kernel, miller

SCALAR_BITS = 254

Jacobian = tuple[int, int, int]

_ZERO: Jacobian = (1, 1, 0)


def double(point: Jacobian) -> Jacobian:
    """Return 2·point (y² = x³ + 3 has no point of order 2, so y ≠ 0)."""
    x, y, z = point
    b = y * y % P
    d = 4 * x * b % P
    e = 3 * x * x % P
    x3 = (e * e - 2 * d) % P
    return x3, (e * (d - x3) - 8 * b * b) % P, 2 * y * z % P


def add(p: Jacobian, q: Jacobian) -> Jacobian:
    """Return p + q for any two points."""
    (x1, y1, z1), (x2, y2, z2) = p, q
    if z1 == 0:
        return q
    if z2 == 0:
        return p
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u = x1 * z2z2 % P
    h = (x2 * z1z1 - u) % P
    s = y1 * z2 * z2z2 % P
    r = (y2 * z1 * z1z1 - s) % P
    if h == 0:
        return _ZERO if r else double(p)
    hh = h * h % P
    hhh, v = h * hh % P, u * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s * hhh) % P, h * z1 * z2 % P


def affine(point: Jacobian) -> G1Point:
    """Return the point as a pair."""
    x, y, z = point
    if z == 0:
        return IDENTITY
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _window(count: int) -> int:
    """Return the width of a digit that makes the fewest additions: (254/c)·(count + 2^{c+1})."""
    return min(range(1, 13), key=lambda c: -(-SCALAR_BITS // c) * (count + (2 << c)))


def linear_combination(terms: Sequence[tuple[G1Point, int]]) -> G1Point:
    """Return Σ scalar·point (Pippenger's method: buckets of equal digits)."""
    lifted = [((x, y, 1), s % R) for (x, y), s in terms if (x, y) != IDENTITY and s % R]
    c = _window(len(lifted))
    total = _ZERO
    for window in range(-(-SCALAR_BITS // c) - 1, -1, -1):
        for _ in range(c):
            total = double(total)
        buckets = [_ZERO] * (1 << c)
        for point, scalar in lifted:
            digit = scalar >> (c * window) & ((1 << c) - 1)
            if digit:
                buckets[digit] = add(buckets[digit], point)
        # Σ digit·bucket as a sum of running sums.
        running = partial = _ZERO
        for bucket in reversed(buckets[1:]):
            running = add(running, bucket)
            partial = add(partial, running)
        total = add(total, partial)
    return affine(total)


def opening_holds(points: VerifierPoints, terms: Sequence[tuple[G1Point, int]], w_prime: G1Point) -> bool:
    """Tell whether e(W′, [τ]₂)·e(−F, [1]₂) = 1, F the sum of `terms`."""
    x, y = linear_combination(terms)
    minus_f = x, -y % P
    return in_final_kernel(miller([(points.tau_g2, w_prime), (points.g2, minus_f)]))
