"""Step 10: sums of points and the pairing, with py-ecc's formulas (projective coordinates over Python integers)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zkml.protocol.field import P, R
from zkml.protocol.points import IDENTITY, G1Point, VerifierPoints
from zkml.protocol.py_ecc_curve import FQ, FQ2, FQ12, add, double, is_inf, neg, pairing

SCALAR_BITS = 254

_ZERO = (FQ.one(), FQ.one(), FQ.zero())


def _window(count: int) -> int:
    """Return the width of a digit that makes the fewest additions: (254/c)·(count + 2^{c+1})."""
    return min(range(1, 13), key=lambda c: -(-SCALAR_BITS // c) * (count + (2 << c)))


def linear_combination(terms: Sequence[tuple[G1Point, int]]) -> Any:
    """Return Σ scalar·point as a projective point (Pippenger's method: buckets of equal digits)."""
    lifted = [((FQ(p[0]), FQ(p[1]), FQ.one()), s % R) for p, s in terms if p != IDENTITY and s % R]
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
    return total


# Coefficients are those of 1, w, …, w^11 with w^6 = 9 + i, so w^(p²) = w·ζ with ζ = (9 + i)^((p² − 1)/6), a number of F_p.
_ZETA = int((FQ2([9, 1]) ** ((P * P - 1) // 6)).coeffs[0])


def in_final_kernel(f: Any) -> bool:
    """Tell whether f^((p^12 − 1)/r) = 1, f not zero, with (p^12 − 1)/r = (p^6 − 1)·(p² + 1)·((p^4 − p² + 1)/r)."""
    conjugate = FQ12([-c if j % 2 else c for j, c in enumerate(f.coeffs)])  # f^(p^6): w^(p^6) = −w
    f = conjugate / f
    f = FQ12([c * pow(_ZETA, j, P) for j, c in enumerate(f.coeffs)]) * f
    return bool(f ** ((P**4 - P**2 + 1) // R) == FQ12.one())


def _g2(point: tuple[int, int, int, int]) -> Any:
    return FQ2(point[:2]), FQ2(point[2:]), FQ2.one()


def opening_holds(points: VerifierPoints, terms: Sequence[tuple[G1Point, int]], w_prime: G1Point) -> bool:
    """Tell whether e(W′, [τ]₂)·e(−F, [1]₂) = 1, F the sum of `terms`."""
    f = linear_combination(terms)
    product = FQ12.one()
    if w_prime != IDENTITY:
        lifted = (FQ(w_prime[0]), FQ(w_prime[1]), FQ.one())
        product *= pairing(_g2(points.tau_g2), lifted, final_exponentiate=False)
    if not is_inf(f):
        product *= pairing(_g2(points.g2), neg(f), final_exponentiate=False)
    return in_final_kernel(product)
