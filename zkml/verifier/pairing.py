"""Step 10: the product of pairings, over py-ecc's fields. The points of G2 belong to the circuit, so their lines are made once.

F_{p^12} = F_p[w] with w^6 = 9 + i, and (x, y) ↦ (x·w², y·w³) takes the twist into it. The line through two points of the twist
with slope λ, which passes through (x₁, y₁), has at a point (x, y) of G1 the value λ·x·w − y + (y₁ − λ·x₁)·w³. Optimal ate
pairing: Vercauteren, *Optimal pairings* (2008/096); parts of the final exponentiation: Naehrig, Niederhagen, Schwabe (2010/186).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from zkml.protocol.field import P, R
from zkml.protocol.points import IDENTITY, G1Point, G2Point
from zkml.protocol.py_ecc_curve import FQ2, FQ12, LOOP_DIGITS

Line = tuple[Any, Any]
"""λ and y₁ − λ·x₁, of F_{p²}."""

_XI = FQ2([9, 1])
_FROBENIUS_X, _FROBENIUS_Y = _XI ** ((P - 1) // 3), _XI ** ((P - 1) // 2)  # w^{2(p − 1)} and w^{3(p − 1)}
_ZETA = int((_XI ** ((P * P - 1) // 6)).coeffs[0])
"""w^{p² − 1}, which lies in F_p."""


def _step(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Line, tuple[Any, Any]]:
    """Return the line through two points of the twist (the tangent where they are one), and their sum."""
    (x1, y1), (x2, y2) = a, b
    slope = 3 * x1 * x1 / (2 * y1) if a == b else (y2 - y1) / (x2 - x1)
    x3 = slope * slope - x1 - x2
    return (slope, y1 - slope * x1), (x3, slope * (x1 - x3) - y1)


def _frobenius(point: tuple[Any, Any]) -> tuple[Any, Any]:
    x, y = (FQ2([c.coeffs[0], -c.coeffs[1]]) for c in point)
    return x * _FROBENIUS_X, y * _FROBENIUS_Y


@lru_cache(maxsize=64)
def lines(point: G2Point) -> tuple[tuple[Line, ...], ...]:
    """Return the lines of the Miller loop: those of each digit of 6u + 2, then the two for Q^p and −Q^{p²}."""
    q = FQ2(point[:2]), FQ2(point[2:])
    out = []
    now = q
    for digit in LOOP_DIGITS:
        line, now = _step(now, now)
        group = [line]
        if digit:
            line, now = _step(now, (q[0], q[1] * digit))
            group.append(line)
        out.append(tuple(group))
    first = _frobenius(q)
    x, y = _frobenius(first)
    last, now = _step(now, first)
    out.append((last, _step(now, (x, -y))[0]))
    return tuple(out)


def _value(line: Line, at: G1Point) -> Any:
    x, y = at
    (slope_re, slope_im), (rest_re, rest_im) = (tuple(map(int, part.coeffs)) for part in line)
    coefficients = [0] * 12  # a + b·i = (a − 9b) + b·w^6
    coefficients[0] = -y
    coefficients[1], coefficients[7] = (slope_re - 9 * slope_im) * x, slope_im * x
    coefficients[3], coefficients[9] = rest_re - 9 * rest_im, rest_im
    return FQ12([c % P for c in coefficients])


def miller(pairs: Sequence[tuple[G2Point, G1Point]]) -> Any:
    """Return the product of the Miller loops of all pairs; those with the identity of G1 count 1."""
    proper = [(lines(q), at) for q, at in pairs if at != IDENTITY]
    f = FQ12.one()
    for i in range(len(LOOP_DIGITS) + 1):
        if 0 < i < len(LOOP_DIGITS):
            f = f * f
        for groups, at in proper:
            for line in groups[i]:
                f = f * _value(line, at)
    return f


def in_final_kernel(f: Any) -> bool:
    """Tell whether f^((p^12 − 1)/r) = 1, f not zero, with (p^12 − 1)/r = (p^6 − 1)·(p² + 1)·((p^4 − p² + 1)/r)."""
    conjugate = FQ12([-c if j % 2 else c for j, c in enumerate(f.coeffs)])  # f^(p^6): w^(p^6) = −w
    f = conjugate / f
    f = FQ12([c * pow(_ZETA, j, P) for j, c in enumerate(f.coeffs)]) * f
    return bool(f ** ((P**4 - P**2 + 1) // R) == FQ12.one())
