"""`InferenceSettlement` (contracts/src/InferenceSettlement.sol) on a chain: is it that contract, what is settled, what would be.

Digests are made here and not asked for, so that a node can neither change what is settled nor whose request it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from web3 import Web3

from zkml.contract.evm import Called
from zkml.contract.interface import MALFORMED_INSTANCES, MALFORMED_PROOF, WORD, reason_of, selector, word
from zkml.contract.rpc import Rpc, checked, require_answer
from zkml.errors import MismatchedArtifacts
from zkml.verifier.transcript import keccak256

CODE_HASH = bytes.fromhex("5cf371d527b8acd08460f04eb8ed6f19714585371b2b20cdde109fd3a8306fd7")
"""Keccak-256 of the contract's code with zeros for its router's address; a test compiles it anew."""

INFERENCES = "(bytes32,bytes32,bytes32,uint256[],bytes)[]"
SETTLE = selector(f"settle({INFERENCES})")
SETTLED_AT = selector("settledAt(bytes32,bytes32,bytes32)")
ROUTER = selector("ROUTER()")

ALREADY_SETTLED = selector("AlreadySettled(bytes32,bytes32,bytes32)")
PROOF_REJECTED = selector("ProofRejected(bytes32,bytes32,bytes32)")
OUT_OF_SERVICE = {
    selector(signature): signature.partition("(")[0]
    for signature in (
        "UnknownCircuit(bytes32)",
        "NotYetActive(bytes32,uint256)",
        "Retired(bytes32,uint256)",
        "Stopped(bytes32)",
        "CodeChanged(bytes32)",
        "EnforcedPause()",
        "WrongKey(bytes32)",
    )
}
"""What reverts for a circuit whatever the proof: the router's errors, and that of a verifier without its key."""


@dataclass(frozen=True)
class Inference:
    """What the contract settles: see the contract. Digests are 32 bytes."""

    circuit_id: bytes
    salt: bytes
    blob_id: bytes
    instances: tuple[int, ...]
    proof: bytes

    @property
    def statement(self) -> bytes:
        """What the contract's `statementOf` gives."""
        return keccak256(b"".join(word(v) for v in self.instances))


@dataclass(frozen=True)
class Settlement:
    """The contract at an address of a chain, as the requester `requester` meets it; made by `open_settlement`."""

    rpc: Rpc
    address: str
    router: str
    requester: str

    def request_id(self, salt: bytes) -> bytes:
        """What the contract's `requestIdOf` gives for this requester."""
        return keccak256(word(self.rpc.chain_id) + word(int(self.address, 16)) + word(int(self.requester, 16)) + salt)

    def settled_at(self, inference: Inference) -> int:
        """Return the time of the block in which the requester settled this, in seconds since 1970; 0 when that did not happen."""
        data = SETTLED_AT + inference.circuit_id + self.request_id(inference.salt) + inference.statement
        return int.from_bytes(require_answer(self.rpc.view(self.address, data), "settledAt"), "big")

    def try_settle(self, inferences: Sequence[Inference]) -> Called:
        """Return what settling these in one transaction would do now, and the node's estimate of its gas."""
        return self.rpc.call(self.address, encode_settle(inferences), self.requester)


def encode_settle(inferences: Sequence[Inference]) -> bytes:
    """Return the calldata of `settle(inferences)`."""
    values = [(i.circuit_id, i.salt, i.blob_id, i.instances, i.proof) for i in inferences]
    return SETTLE + bytes(Web3().codec.encode([INFERENCES], [values]))


def open_settlement(rpc: Rpc, address: str, requester: str) -> Settlement:
    """Return the contract at `address`. Raises `UsageError` on what is no address, `MismatchedArtifacts` on another contract."""
    code = rpc.code(checked(address))
    if not code:
        raise MismatchedArtifacts(f"there is no contract at {address} on chain {rpc.chain_id}", code="no-contract")
    router = require_answer(rpc.view(address, ROUTER), "ROUTER()")
    if keccak256(code.replace(router, bytes(WORD))) != CODE_HASH:
        raise MismatchedArtifacts(
            f"{address} holds another contract than InferenceSettlement",
            hint="contracts/script/Deploy.s.sol deploys it, by the settings of contracts/foundry.toml",
            code="no-settlement",
        )
    return Settlement(rpc, Web3.to_checksum_address(address), Web3.to_checksum_address("0x" + router[12:].hex()), requester)


def fault_of(revert: bytes) -> str:
    """Return what is wrong with a proof for which `settle` reverts so.

    Raises `MismatchedArtifacts` when it is not the proof: its circuit is not in service.
    """
    found = revert[:4]
    if found in OUT_OF_SERVICE:
        raise MismatchedArtifacts(
            f"the settlement's router does not verify this circuit: {OUT_OF_SERVICE[found]}",
            hint="its registrar registers the circuit's verifier: docs/onchain.md",
            code="not-in-service",
        )
    if found == PROOF_REJECTED:
        return "ProofRejected: an equation does not hold, or a public value is outside its domain"
    if found in (MALFORMED_PROOF, MALFORMED_INSTANCES):
        return reason_of(revert)
    return f"the verifier reverts: {reason_of(revert)}"
