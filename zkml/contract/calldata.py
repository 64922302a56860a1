"""A proof as the call of `verifyProof`: the ABI's encoding, the same bytes for our contracts and for EZKL's."""

from __future__ import annotations

from zkml.contract.interface import VERIFY_PROOF, WORD, encode_call
from zkml.errors import MalformedArtifact
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol


def calldata(protocol: Protocol, proof: Proof) -> bytes:
    """Return the calldata that shows `proof` to a verifier of this circuit.

    Raises `MalformedArtifact` when the shapes differ: the columns of instances, or the length of the proof.
    """
    rows = tuple(len(column) for column in proof.instances)
    if rows != protocol.instance_rows:
        raise MalformedArtifact(
            f"the proof has instance columns of {list(rows)} values, the circuit has {list(protocol.instance_rows)}",
            code="calldata",
        )
    if len(proof.proof) != protocol.proof_length:
        raise MalformedArtifact(
            f"the proof has {len(proof.proof)} bytes, the circuit's have {protocol.proof_length}", code="calldata"
        )
    return encode_call(proof.proof, [value for column in proof.instances for value in column])


def decode(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return the proof's bytes and the instances in calldata. Raises `MalformedArtifact` unless `encode_call` gives it back."""

    def word(at: int) -> int:
        if len(data) < at + WORD:
            raise MalformedArtifact(f"the calldata ends after {len(data)} bytes, within a word", code="calldata")
        return int.from_bytes(data[at : at + WORD], "big")

    if data[:4] != VERIFY_PROOF:
        raise MalformedArtifact("the calldata calls no verifyProof", code="calldata")
    at, to = word(4) + 4, word(36) + 4
    length, count = word(at), word(to)
    if length > len(data) or count > len(data) // WORD:
        raise MalformedArtifact("the calldata promises more than it has", code="calldata")
    proof = data[at + WORD : at + WORD + length]
    instances = tuple(word(to + WORD + WORD * i) for i in range(count))
    if encode_call(proof, instances) != data:
        raise MalformedArtifact("the calldata is not in the abi's usual encoding", code="calldata")
    return proof, instances
