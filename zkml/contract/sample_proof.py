"""A made-up proof: well formed and false.

It walks every step of a verifier and fails at the last, so it costs what a real one does.
"""

from __future__ import annotations

import hashlib

from zkml.protocol.field import P, R
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol


def _numbers(protocol: Protocol, label: str, index: int) -> int:
    """Return 256 bits that depend on the circuit, the label and the index."""
    text = f"{protocol.circuit_id}/{label}/{index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest(), "big")


def _point(protocol: Protocol, index: int) -> bytes:
    """Return a point on y² = x³ + 3, by trying abscissas; p is 3 modulo 4."""
    x = _numbers(protocol, "point", index) % P
    while True:
        square = (x * x * x + 3) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x.to_bytes(32, "big") + y.to_bytes(32, "big")
        x = (x + 1) % P


def made_up_proof(protocol: Protocol) -> Proof:
    """Return a well-formed proof that does not hold, the same for every call, with instances inside their domains."""
    instances = [[_numbers(protocol, f"column {c}", i) % R for i in range(rows)] for c, rows in enumerate(protocol.instance_rows)]
    for t in protocol.statement.tensors:
        if t.domain is not None:
            low, high = t.domain
            for i in range(t.length):
                instances[t.column][t.row + i] = (low + _numbers(protocol, t.name, i) % (high - low + 1)) % R
    before = protocol.num_points - 2
    points = [_point(protocol, i) for i in range(protocol.num_points)]
    scalars = [(_numbers(protocol, "scalar", i) % R).to_bytes(32, "big") for i in range(protocol.num_evaluations)]
    return Proof(tuple(map(tuple, instances)), b"".join([*points[:before], *scalars, *points[before:]]))
