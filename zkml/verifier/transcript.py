"""The Fiat–Shamir transcript: Keccak-256 over everything said so far, as EZKL's contracts compute it.

State: a buffer. Absorbing appends; squeezing hashes the buffer (with a byte 0x01 after it when it is exactly 32 bytes long,
so that two challenges in a row differ) and leaves the hash as the new buffer; the challenge is that hash modulo R.
"""

from __future__ import annotations

from Crypto.Hash import keccak

from zkml.protocol.field import R
from zkml.protocol.points import G1Point


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


class Transcript:
    """See the module."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def absorb_scalar(self, value: int) -> None:
        """Append 32 bytes, big-endian."""
        self._buffer += value.to_bytes(32, "big")

    def absorb_point(self, point: G1Point) -> None:
        """Append x and y, 32 bytes each, big-endian; the identity is 64 zero bytes."""
        self.absorb_scalar(point[0])
        self.absorb_scalar(point[1])

    def squeeze(self) -> int:
        data = bytes(self._buffer)
        digest = keccak256(data + b"\x01" if len(data) == 32 else data)
        self._buffer = bytearray(digest)
        return int.from_bytes(digest, "big") % R
