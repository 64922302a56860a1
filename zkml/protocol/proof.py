"""A proof as it travels: EZKL's `proof.json`, of which we read the instances and the bytes.

Unknown keys are ignored, for EZKL writes several that inform people; `hex_proof` repeats the bytes and must agree when it is
there, since other tools read that one. Trailing bytes are found when the proof is read against a Protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from zkml.errors import MalformedArtifact
from zkml.files import parse_json
from zkml.protocol.field import R
from zkml.protocol.json_numbers import integer

MAX_PROOF_JSON_BYTES = 64 << 20
MAX_PROOF_BYTES = 16 << 20
MAX_INSTANCE_COLUMNS = 1 << 16

_FELT = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Proof:
    """The public values, one list a column, each canonical (below R); and the bytes of the argument."""

    instances: tuple[tuple[int, ...], ...]
    proof: bytes


def _bad(where: str, problem: str) -> MalformedArtifact:
    return MalformedArtifact(f"proof {where}: {problem}", code="proof", details={"where": where})


def _value(text: Any, where: str) -> int:
    if not isinstance(text, str) or not _FELT.fullmatch(text):
        raise _bad(where, "not 64 hex digits")
    value = int.from_bytes(bytes.fromhex(text), "little")
    if value >= R:
        raise _bad(where, "not a canonical scalar")
    return value


def proof_from_data(data: Any) -> Proof:
    """Return the proof in the JSON data of a `proof.json`. Raises `MalformedArtifact`, naming the place."""
    if not isinstance(data, dict):
        raise _bad("top level", "not an object")
    for key in ("instances", "proof"):
        if key not in data:
            raise _bad(key, "missing")
    columns = data["instances"]
    if not isinstance(columns, list) or len(columns) > MAX_INSTANCE_COLUMNS:
        raise _bad("instances", "not a list of columns")
    instances = []
    for c, column in enumerate(columns):
        if not isinstance(column, list):
            raise _bad(f"instances[{c}]", "not a list")
        instances.append(tuple(_value(v, f"instances[{c}][{i}]") for i, v in enumerate(column)))
    raw = data["proof"]
    if not isinstance(raw, list) or len(raw) > MAX_PROOF_BYTES:
        raise _bad("proof", "not a list of bytes")
    for i, byte in enumerate(raw):
        if not isinstance(byte, int) or isinstance(byte, bool) or not 0 <= byte <= 255:
            raise _bad(f"proof[{i}]", "not a byte")
    proof = bytes(raw)
    text = data.get("hex_proof")
    if text is not None and (not isinstance(text, str) or text != "0x" + proof.hex()):
        raise _bad("hex_proof", "does not agree with proof")
    return Proof(tuple(instances), proof)


def proof_to_data(proof: Proof) -> dict[str, Any]:
    """Return the proof in the form that `proof_from_data` and EZKL read."""
    return {
        "instances": [[v.to_bytes(32, "little").hex() for v in column] for column in proof.instances],
        "proof": list(proof.proof),
        "hex_proof": "0x" + proof.proof.hex(),
    }


def read_proof(data: bytes) -> Proof:
    """Return the proof in the bytes of a `proof.json`. Raises `MalformedArtifact`."""
    if len(data) > MAX_PROOF_JSON_BYTES:
        raise _bad("top level", f"more than {MAX_PROOF_JSON_BYTES} bytes")
    return proof_from_data(parse_json(data, what="proof", parse_int=integer))
