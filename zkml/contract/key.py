"""Keys as data: the code of contracts that do nothing but hold bytes.

A data contract's code is one zero byte (STOP: nobody can run it) and up to 24,575 bytes of the key; its code hash commits to
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkml.contract.templates import render
from zkml.verifier.transcript import keccak256

CHUNK = 24_575


def chunks(data: bytes) -> list[bytes]:
    """Return the pieces of a key, one for each contract."""
    return [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)] or [b""]


def code_hash(chunk: bytes) -> bytes:
    """Return the hash of the code of a data contract: EXTCODEHASH."""
    return keccak256(b"\0" + chunk)


def digest(data: bytes) -> bytes:
    """Return the digest of a key in one or more contracts: Keccak-256 of their code hashes."""
    return keccak256(b"".join(code_hash(chunk) for chunk in chunks(data)))


def key_source(name: str, circuit_id: str, chunk: bytes, notes: Sequence[str] = ()) -> str:
    """Return the Solidity of a data contract; `notes` say what its words are, in order, as far as there are any."""
    words = []
    for i in range(0, len(chunk), 32):
        words.append((chunk[i : i + 32].hex(), notes[i // 32] if i // 32 < len(notes) else ""))
    return render("Key.sol.j2", {"name": name, "circuit_id": circuit_id, "words": words})
