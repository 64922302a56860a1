"""The scalar field of BN254: constants, and the few helpers beyond Python's own integers.

Elements are plain integers in 0..R−1. Source of the constants: EIP-197 and `ff`'s description of the field (generator 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

P = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47
"""The modulus of the curve's coordinates."""

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
"""The modulus of scalars: the order of the curve."""

GENERATOR = 7
TWO_ADICITY = 28
ROOT_OF_UNITY = pow(GENERATOR, (R - 1) >> TWO_ADICITY, R)
"""A primitive 2^28-th root of unity."""

DELTA = pow(GENERATOR, 1 << TWO_ADICITY, R)
"""Separates the cosets of the permutation argument: column c uses δ^c·⟨ω⟩."""


@cache
def omega(k: int) -> int:
    """Return the primitive 2^k-th root of unity that spans the rows of a circuit of 2^k rows."""
    return pow(ROOT_OF_UNITY, 1 << (TWO_ADICITY - k), R)


def inverse(a: int) -> int:
    """Return 1/a. Raises `ZeroDivisionError` for zero: callers exclude it first."""
    if a % R == 0:
        raise ZeroDivisionError("zero has no inverse")
    return pow(a, -1, R)


def inverses(values: Sequence[int]) -> list[int]:
    """Return 1/a for each a, with one inversion (Montgomery's trick). Raises `ZeroDivisionError` when one is zero."""
    products = [1]
    for a in values:
        products.append(products[-1] * a % R)
    left = inverse(products.pop())
    out = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):  # invariant: left = 1/(values[0]·…·values[i])
        out[i] = left * products[i] % R
        left = left * values[i] % R
    return out


def to_signed(a: int) -> int:
    """Return the representative of a canonical scalar in −(R−1)/2..(R−1)/2."""
    return a if a <= R // 2 else a - R


def felt_hex(a: int) -> str:
    """Return `0x` and 64 lower-case digits."""
    return f"0x{a:064x}"
