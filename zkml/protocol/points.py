"""Points of BN254 as plain integers, and the three SRS points that a verifier needs.

A point of G1 is an affine pair (x, y); the identity is (0, 0), which is not on the curve y² = x³ + 3. A point of G2 is
(x.c0, x.c1, y.c0, y.c1) with coordinates c0 + c1·i, i² = −1, on the twist y² = x³ + 3/(9 + i).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from zkml.errors import MalformedArtifact
from zkml.protocol.field import P, R

G1Point = tuple[int, int]
G2Point = tuple[int, int, int, int]

IDENTITY: G1Point = (0, 0)
G1_GENERATOR: G1Point = (1, 2)
G2_GENERATOR: G2Point = (
    0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
    0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
    0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
    0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
)

MONTGOMERY_INVERSE = pow(1 << 256, -1, P)
"""halo2's raw files hold coordinates multiplied by 2^256."""


def on_g1(point: G1Point) -> bool:
    """Tell whether canonical coordinates satisfy the curve equation; the identity (0, 0) counts."""
    x, y = point
    if x >= P or y >= P:
        return False
    return point == IDENTITY or (y * y - x * x * x - 3) % P == 0


def _mul2(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


_inv82 = pow(82, -1, P)  # 3/(9 + i) = 3·(9 − i)/82
TWIST_B = (27 * _inv82 % P, -3 * _inv82 % P)


@lru_cache(maxsize=64)
def in_g2(point: G2Point) -> bool:
    """Tell whether a point lies on the twist and in the subgroup of order R, and is not the identity."""
    if any(not 0 <= c < P for c in point):
        return False
    x, y = (point[0], point[1]), (point[2], point[3])
    cubed = _mul2(_mul2(x, x), x)
    square = _mul2(y, y)
    if square != ((cubed[0] + TWIST_B[0]) % P, (cubed[1] + TWIST_B[1]) % P):
        return False
    # The twist has a cofactor, so the order is checked by multiplying, with py-ecc's formulas.
    from zkml.protocol.py_ecc_curve import FQ2, is_inf, multiply  # noqa: PLC0415  (0.1 s to import)

    return bool(is_inf(multiply((FQ2(x), FQ2(y), FQ2.one()), R)))


@dataclass(frozen=True)
class VerifierPoints:
    """[1]₁, [1]₂ and [τ]₂ of a structured reference string. Raises `MalformedArtifact` unless they are valid.

    Both generators are the standard ones: then trust in an SRS is trust in [τ]₂ alone.
    """

    g1: G1Point
    g2: G2Point
    tau_g2: G2Point

    def __post_init__(self) -> None:
        if self.g1 != G1_GENERATOR:
            raise MalformedArtifact("srs.g1 is not the generator (1, 2)", code="srs-points")
        if self.g2 != G2_GENERATOR:
            raise MalformedArtifact("srs.g2 is not the generator of EIP-197", code="srs-points")
        if not in_g2(self.tau_g2):
            raise MalformedArtifact("srs.tau_g2 is not a point of the group G2", code="srs-points")

    @property
    def digest(self) -> str:
        """SHA-256 of [τ]₂ (128 bytes: x.c0, x.c1, y.c0, y.c1, big-endian), 64 hex digits: names the ceremony."""
        return hashlib.sha256(b"".join(c.to_bytes(32, "big") for c in self.tau_g2)).hexdigest()


def raw_g1(data: bytes) -> G1Point:
    """Return the point in 64 bytes of halo2's raw form (Montgomery, little-endian). Raises `MalformedArtifact`."""
    x, y = int.from_bytes(data[:32], "little"), int.from_bytes(data[32:64], "little")
    if len(data) != 64 or x >= P or y >= P:
        raise MalformedArtifact("a coordinate is not below the modulus", code="point")
    point = (x * MONTGOMERY_INVERSE % P, y * MONTGOMERY_INVERSE % P)
    if not on_g1(point):
        raise MalformedArtifact("a point is not on the curve", code="point")
    return point


def points_from_srs(data: bytes) -> VerifierPoints:
    """Return the verifier's points of a whole halo2 SRS file (k, 2·2^k points of G1, two of G2), checking its length only.

    Raises `MalformedArtifact`. That the powers belong to [τ]₂ is the business of whoever imports the file.
    """
    if len(data) < 4:
        raise MalformedArtifact("the srs is shorter than its header", code="srs")
    k = int.from_bytes(data[:4], "little")
    if not 1 <= k <= 28 or len(data) != 4 + (128 << k) + 256:
        raise MalformedArtifact(f"the srs says k = {k} and has {len(data)} bytes, which disagree", code="srs")

    def raw_g2(raw: bytes) -> G2Point:
        c = [int.from_bytes(raw[i : i + 32], "little") for i in range(0, 128, 32)]
        if any(v >= P for v in c):
            raise MalformedArtifact("a coordinate of the srs is not below the modulus", code="srs")
        a, b, d, e = (v * MONTGOMERY_INVERSE % P for v in c)
        return a, b, d, e

    return VerifierPoints(raw_g1(data[4:68]), raw_g2(data[-256:-128]), raw_g2(data[-128:]))
