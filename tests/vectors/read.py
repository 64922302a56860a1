"""The vectors, read for the Python verifier."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.vectors.mutate import apply
from zkml.protocol import Proof, Protocol, decode, read_proof

ROOT = Path(__file__).parent / "verify"
KINDS = sorted(folder.name for folder in ROOT.iterdir())


@cache
def protocol_bytes(kind: str) -> bytes:
    return (ROOT / kind / "protocol.json").read_bytes()


@cache
def protocol(kind: str) -> Protocol:
    return decode(protocol_bytes(kind))


@cache
def proof_bytes(kind: str) -> bytes:
    return (ROOT / kind / "proof.json").read_bytes()


@cache
def proof(kind: str) -> Proof:
    return read_proof(proof_bytes(kind))


@cache
def mutations(kind: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((ROOT / kind / "mutations.json").read_bytes())["mutations"])


def mutated(kind: str, mutation: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return the bytes of the Protocol and of the proof that a mutation asks to verify."""
    good = proof(kind)
    instances, data, circuit = apply(mutation["edits"], good.instances, good.proof)
    return protocol_bytes(circuit or kind), json.dumps({"instances": instances, "proof": list(data)}).encode()
