"""`IVerifier` (contracts/src/IVerifier.sol) as its callers see it: selectors, calldata, and an answer as a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from zkml.errors import MismatchedArtifacts
from zkml.verdict import Verdict
from zkml.verifier.transcript import keccak256

WORD = 32


def selector(signature: str) -> bytes:
    """Return the four bytes by which a function or an error of this signature is known."""
    return keccak256(signature.encode())[:4]


VERIFY_PROOF = selector("verifyProof(bytes,uint256[])")
CIRCUIT_ID = selector("circuitId()")
INSTANCE_COUNT = selector("instanceCount()")

MALFORMED_PROOF = selector("MalformedProof(uint256)")
MALFORMED_INSTANCES = selector("MalformedInstances(uint256)")
WRONG_KEY = selector("WrongKey(bytes32)")

_ERROR_STRING = selector("Error(string)")
_PANIC = selector("Panic(uint256)")
MAX_REASON = 200


def word(value: int) -> bytes:
    return value.to_bytes(WORD, "big")


def encode_call(proof: bytes, instances: Sequence[int]) -> bytes:
    """Return the calldata of `verifyProof(proof, instances)` in the ABI's standard layout."""
    padded = proof + bytes(-len(proof) % WORD)
    head = word(2 * WORD) + word(3 * WORD + len(padded))
    body = word(len(proof)) + padded + word(len(instances)) + b"".join(word(v) for v in instances)
    return VERIFY_PROOF + head + body


def reason_of(revert: bytes) -> str:
    """Return what revert data says, for people: an error of `IVerifier`, a reason string, a panic, or its first bytes."""
    found, rest = revert[:4], revert[4:]
    if len(rest) == WORD:
        number = int.from_bytes(rest, "big")
        if found == MALFORMED_PROOF:
            return f"MalformedProof({number})"
        if found == MALFORMED_INSTANCES:
            return f"MalformedInstances({number})"
        if found == WRONG_KEY:
            return f"WrongKey(0x{rest.hex()})"
        if found == _PANIC:
            return f"Panic(0x{number:02x})"
    if found == _ERROR_STRING and len(rest) >= 2 * WORD:
        length = int.from_bytes(rest[WORD : 2 * WORD], "big")
        text = rest[2 * WORD : 2 * WORD + min(length, MAX_REASON)].decode(errors="replace")
        return f"Error({text!r})"
    if not revert:
        return "no reason given"
    return "0x" + revert[:68].hex() + ("…" if len(revert) > 68 else "")


def verdict_of(success: bool, output: bytes, circuit_id: str | None = None) -> Verdict:
    """Return the verdict that a call of `verifyProof` gave: its return data, or its revert data.

    Raises `MismatchedArtifacts` when no `IVerifier` answers so: the address holds something else.
    """
    if success:
        if output == word(1):
            return Verdict("accepted", circuit_id)
        if output == word(0):
            reason = "the contract answers false: an equation does not hold, or a public value is outside its domain"
            return Verdict("rejected", circuit_id, reason=reason)
        shown = reason_of(output) if output else "nothing"
        raise MismatchedArtifacts(
            f"the contract answers {shown}, which is no verdict", hint="is this the verifier's address?", code="no-verifier"
        )
    found, rest = output[:4], output[4:]
    if len(rest) == WORD:
        number = int.from_bytes(rest, "big")
        if found == MALFORMED_PROOF:
            return Verdict("malformed", circuit_id, where=f"proof[{number}]", reason=reason_of(output))
        if found == MALFORMED_INSTANCES:
            return Verdict("malformed", circuit_id, where=f"instances[{number}]", reason=reason_of(output))
        if found == WRONG_KEY:
            return Verdict("malformed", circuit_id, where="key", reason=reason_of(output))
    raise MismatchedArtifacts(
        f"the contract reverts, but not as a verifier does: {reason_of(output)}",
        hint="is this the verifier's address?",
        code="no-verifier",
    )
