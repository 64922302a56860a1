"""Small proving keys in both forms, written from their description: `python -m tests.vectors.write_keys`.

    keys/zkml.key    prover.key of the circuit `simulated_three_phases` (rust_ext/crates/prover/src/key/file.rs has the form)
    keys/ezkl.key    pk.key of `simulated_one_chunk`; what the Rust engine does not read of it is zeros

Columns are drawn, not those that the circuits commit to: decoders do not compare them.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from tests.vectors.read import protocol
from zkml.protocol import Protocol
from zkml.protocol.field import P, R
from zkml.protocol.points import G1Point

ROOT = Path(__file__).parent / "keys"
CIRCUITS = {"zkml": "simulated_three_phases", "ezkl": "simulated_one_chunk"}
SEED = 2026
SEALED, HEADER, ALIGN = 104, 136, 64
MONTGOMERY = 1 << 256


def little(size: int, *values: int) -> bytes:
    return b"".join(v.to_bytes(size, "little", signed=v < 0) for v in values)


def big(*values: int) -> bytes:
    return b"".join(v.to_bytes(4, "big") for v in values)


def sealed(key: bytes, fixed: int) -> bytes:
    """Return a key of our own form with the digests that its content, header and directory of `fixed` columns ask for."""
    body = HEADER + 16 * fixed
    key = key[:56] + hashlib.sha256(key[body:]).digest() + key[88:]
    return key[:SEALED] + hashlib.sha256(key[:SEALED] + key[HEADER:body]).digest() + key[HEADER:]


def own_key(circuit: Protocol, rng: random.Random) -> bytes:
    """Return a key with one column of two-byte integers and one of field elements, and a random permutation."""
    n, fixed, columns = 1 << circuit.k, circuit.num_fixed, len(circuit.permutation.columns)
    small = little(2, *(rng.randrange(-300, 300) for _ in range(n - 3)))
    full = little(32, *(rng.randrange(R) for _ in range(n - 7)))
    places = list(range(columns * n))
    rng.shuffle(places)
    at, body, directory = HEADER + 16 * fixed, b"", b""
    for width, values in ((2, small), (32, full), (4, little(4, *places))):
        padding = -(at + len(body)) % ALIGN
        body += bytes(padding)
        directory += little(4, width, len(values) // width) + little(8, at + len(body))
        body += values
    permutation = directory[-8:]
    header = b"zkml.pk\0" + little(4, 1, circuit.k, fixed, columns) + bytes.fromhex(circuit.circuit_id) + bytes(32)
    header += little(8, at + len(body)) + permutation + bytes(32)
    return sealed(header + directory[: 16 * fixed] + body, fixed)


def raw_point(point: G1Point) -> bytes:
    return little(32, *(v * MONTGOMERY % P for v in point))


def ezkl_key(circuit: Protocol, rng: random.Random) -> bytes:
    """Return a key without selectors: small fixed columns, a permutation of random values."""
    n = 1 << circuit.k
    extended = n << (circuit.degree - 2).bit_length()
    unread = big(extended) + bytes(32 * extended)

    def columns(values: list[list[int]]) -> bytes:
        return big(len(values), *(map(len, values))) + b"".join(
            big(len(column)) + little(32, *(v * MONTGOMERY % R for v in column)) for column in values
        )

    fixed = [[rng.randrange(-5, 5) for _ in range(n)] for _ in range(circuit.num_fixed)]
    sigma = [[rng.randrange(R) for _ in range(n)] for _ in circuit.permutation.columns]
    commitments = map(raw_point, circuit.fixed_commitments + circuit.permutation_commitments)
    key = bytes([3, circuit.k, 1]) + little(4, circuit.num_fixed) + b"".join(commitments) + 3 * unread
    for values in (fixed, sigma):
        count = len(values)
        key += columns(values) + columns([[0] * n] * count) + columns([[0] * extended] * count)
    return key


def keys() -> dict[str, bytes]:
    """Return the keys by form, the same each time."""
    rng = random.Random(SEED)
    return {form: write(protocol(CIRCUITS[form]), rng) for form, write in (("zkml", own_key), ("ezkl", ezkl_key))}


def main() -> None:
    ROOT.mkdir(exist_ok=True)
    for form, key in keys().items():
        (ROOT / f"{form}.key").write_bytes(key)


if __name__ == "__main__":
    main()
