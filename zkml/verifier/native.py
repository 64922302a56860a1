"""The fast verifier: the same Protocol, proof and policy in, the same verdict out as `zkml.verifier.verify`."""

from __future__ import annotations

from zkml._core import verifier as _native
from zkml.protocol.encoding import canonical_bytes
from zkml.protocol.field import R
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol
from zkml.verdict import Verdict
from zkml.verifier.policy import Audit, Policy

STRICT = Policy()


def proof_from_json(data: bytes) -> Proof:
    """Return the proof in the bytes of a `proof.json`, decoded natively. Raises `MalformedArtifact`."""
    columns, proof = _native.parse_proof_json(data)
    instances = tuple(tuple(int.from_bytes(column[i : i + 32], "big") for i in range(0, len(column), 32)) for column in columns)
    return Proof(instances, proof)


class NativeVerifier:
    """One circuit, ready to check proofs. Raises `MalformedArtifact` when the native decoder refuses the Protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.native = _native.Verifier(canonical_bytes(protocol))

    def check(self, proof: Proof, policy: Policy = STRICT, audit: Audit | None = None) -> Verdict:
        """Return the verdict on one proof: malformed, else rejected, else refused by the policy, else accepted."""
        message = words(self.protocol, proof)
        if isinstance(message, Verdict):
            return message
        return verdict(self.protocol, self.native.check(*message), policy, audit)


def words(protocol: Protocol, proof: Proof) -> tuple[list[bytes], bytes] | Verdict:
    """Return the instance columns as 32-byte words, and the proof's bytes; or the verdict on a value that has none."""
    for c, column in enumerate(proof.instances):
        for i, value in enumerate(column):
            if not 0 <= value < R:
                where = f"instances[{c}][{i}]"
                return Verdict("malformed", protocol.circuit_id, where=where, reason="not a canonical scalar")
    return [b"".join(v.to_bytes(32, "big") for v in column) for column in proof.instances], proof.proof


def verdict(protocol: Protocol, answer: _native.Answer, policy: Policy, audit: Audit | None) -> Verdict:
    """Return the native answer as a verdict, after the policy had its say on a proof that holds."""
    outcome, step, where, reason = answer
    if outcome == "accepted" and (refusal := policy.refusal(protocol, audit)):
        return Verdict("refused", protocol.circuit_id, policy=refusal[0], reason=refusal[1])
    return Verdict(outcome, protocol.circuit_id, step=step, where=where, reason=reason)


def check(protocol: Protocol, proof: Proof, policy: Policy = STRICT, audit: Audit | None = None) -> Verdict:
    """Return the verdict on one proof. For many proofs of a circuit keep a `NativeVerifier`; for many at once, `check_batch`."""
    return NativeVerifier(protocol).check(proof, policy, audit)
