"""Refusals come after the mathematics, in a stated order, and never from what the prover's file claims."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vectors import read
from zkml.errors import MalformedArtifact, ProofRejected, RefusedByPolicy
from zkml.protocol import Proof
from zkml.verifier import Audit, Finding, Policy, check, check_bytes, verify
from zkml.verifier.verify import STRICT

KIND = "simulated_gates_only"
UNSOUND = Finding("unlinked-einsum", "unsound")


def audit(*findings: Finding) -> Audit:
    return Audit(read.protocol(KIND).circuit_id, findings)


def refusal(policy: Policy, known: Audit | None = None) -> str | None:
    found = policy.refusal(read.protocol(KIND), known)
    return None if found is None else found[0]


def test_by_default_an_unknown_srs_is_refused_though_the_proof_holds() -> None:
    verdict = check(read.protocol(KIND), read.proof(KIND))
    assert (verdict.outcome, verdict.policy) == ("refused", "unsafe-srs")


def test_the_rules_apply_in_order() -> None:
    digest = read.protocol(KIND).points.digest
    assert refusal(STRICT, audit(UNSOUND)) == "unsafe-srs"
    assert refusal(Policy(trusted_srs=frozenset({digest}))) == "unaudited"
    assert refusal(Policy(trusted_srs=lambda points: points.digest == digest)) == "unaudited"
    trusting = Policy(trusted_srs=frozenset({digest}))
    assert refusal(trusting, audit(UNSOUND)) == "finding:unlinked-einsum"
    assert refusal(replace(trusting, allow_findings=frozenset({UNSOUND.code})), audit(UNSOUND)) is None
    assert refusal(trusting, audit(Finding("rounding", "slack"), Finding("guessable-hash", "privacy"))) is None
    assert refusal(trusting, audit()) is None


def test_an_audit_of_another_circuit_or_inside_the_file_is_none() -> None:
    trusting = Policy(allow_unsafe_srs=True)
    assert refusal(trusting, Audit("0" * 64)) == "unaudited"
    claimed = replace(read.protocol(KIND), audit={"findings": []})
    assert claimed.circuit_id == read.protocol(KIND).circuit_id
    found = trusting.refusal(claimed, None)
    assert found is not None
    assert found[0] == "unaudited"


def test_a_rejection_is_never_hidden_by_a_refusal() -> None:
    good = read.proof(KIND)
    data = bytearray(good.proof)
    data[-64:] = data[:64]
    assert check(read.protocol(KIND), replace(good, proof=bytes(data))).outcome == "rejected"
    assert check(read.protocol(KIND), replace(good, proof=b"")).outcome == "malformed"


def test_verify_raises_on_all_but_accepted() -> None:
    protocol, good = read.protocol(KIND), read.proof(KIND)
    lenient = Policy(allow_unsafe_srs=True, allow_unaudited=True)
    assert verify(protocol, good, lenient).accepted
    with pytest.raises(RefusedByPolicy):
        verify(protocol, good)
    with pytest.raises(MalformedArtifact):
        verify(protocol, Proof((), b""), lenient)
    swapped = good.proof[:-128] + good.proof[-64:] + good.proof[-128:-64]
    with pytest.raises(ProofRejected):
        verify(protocol, replace(good, proof=swapped), lenient)


def test_bytes_that_do_not_parse_are_a_malformed_verdict() -> None:
    for protocol, proof in ((b"", read.proof_bytes(KIND)), (read.protocol_bytes(KIND), b"{}"), (b"[" * 10**6, b"")):
        verdict = check_bytes(protocol, proof)
        assert verdict.outcome == "malformed"
        assert verdict.where
