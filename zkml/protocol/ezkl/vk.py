"""EZKL's `vk.key` in its raw form: commitments and the rows where each selector is on, nothing else.

    version 3 · k · 1 if selectors were combined · count of fixed commitments (u32 little-endian) · those · the permutation's ·
    with combination, for every selector one bit a row, least significant first

How many permutation columns and selectors there are is not stored: the settings say so. Bytes after the end, which EZKL
ignores, are malformed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkml.errors import MalformedArtifact
from zkml.protocol.points import G1Point, raw_g1

VERSION = 3
HEADER = 7
MAX_VK_BYTES = 1 << 30


@dataclass(frozen=True)
class VerifyingKey:
    """`active[s]` has bit i set where selector s is on in row i; it is None when selectors were not combined."""

    fixed_commitments: tuple[G1Point, ...]
    permutation_commitments: tuple[G1Point, ...]
    active: tuple[int, ...] | None


def _bad(where: str, problem: str) -> MalformedArtifact:
    return MalformedArtifact(f"vk.key {where}: {problem}", code="vk", details={"where": where})


def read_vk(data: bytes, *, k: int, permutation_columns: int, selectors: int) -> VerifyingKey:
    """Return the key of a circuit of 2^k rows. Raises `MalformedArtifact`, naming the place."""
    if len(data) > MAX_VK_BYTES:
        raise _bad("length", f"more than {MAX_VK_BYTES} bytes")
    if len(data) < HEADER:
        raise _bad("header", f"{len(data)} bytes, fewer than {HEADER}")
    if data[0] != VERSION:
        raise _bad("version", f"{data[0]}, not {VERSION}")
    if data[1] != k:
        raise _bad("k", f"{data[1]}, where the settings say {k}")
    if data[2] > 1:
        raise _bad("compression flag", f"{data[2]}, neither 0 nor 1")
    compressed = data[2] == 1
    fixed = int.from_bytes(data[3:7], "little")
    row_bytes = ((1 << k) + 7) // 8
    bits_at = HEADER + 64 * (fixed + permutation_columns)
    expected = bits_at + (selectors * row_bytes if compressed else 0)
    if len(data) != expected:
        raise _bad("length", f"{len(data)} bytes, where the counts ask for {expected}")

    def point(i: int) -> G1Point:
        start = HEADER + 64 * i
        try:
            return raw_g1(data[start : start + 64])
        except MalformedArtifact as e:
            raise _bad(f"commitment {i}", e.message) from e

    commitments = tuple(point(i) for i in range(fixed + permutation_columns))
    active = None
    if compressed:
        active = tuple(
            int.from_bytes(data[bits_at + s * row_bytes : bits_at + (s + 1) * row_bytes], "little") for s in range(selectors)
        )
    return VerifyingKey(commitments[:fixed], commitments[fixed:], active)
