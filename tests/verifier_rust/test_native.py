"""The native verifier and the plain one give the same verdicts on the same files."""

from __future__ import annotations

import json
from functools import cache

import pytest

from tests.vectors.read import KINDS, mutated, mutations, proof, proof_bytes, protocol, protocol_bytes
from zkml._core import verifier as native_module
from zkml.errors import MalformedArtifact
from zkml.protocol import canonical_bytes, decode, read_proof
from zkml.protocol.proof import Proof
from zkml.verdict import Verdict
from zkml.verifier import Policy
from zkml.verifier import check as plain_check
from zkml.verifier.batch import check_batch
from zkml.verifier.native import NativeVerifier, check, proof_from_json

OPEN = Policy(allow_unsafe_srs=True, allow_unaudited=True)
FEW = ("linear", "matmul_freivalds", "hashed_input", "simulated_three_phases")


@cache
def native_verifier(circuit: bytes) -> NativeVerifier:
    return NativeVerifier(decode(circuit))


def native_verdict(circuit: bytes, message: bytes) -> Verdict:
    try:
        return native_verifier(circuit).check(proof_from_json(message), OPEN)
    except MalformedArtifact:
        return Verdict("malformed", where="instances")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_proof_is_accepted_and_the_circuit_id_is_the_same(kind: str) -> None:
    verifier = NativeVerifier(protocol(kind))
    assert verifier.native.circuit_id == protocol(kind).circuit_id
    assert verifier.native.proof_length == protocol(kind).proof_length
    assert verifier.check(proof_from_json(proof_bytes(kind)), OPEN).outcome == "accepted"


@pytest.mark.parametrize("kind", KINDS)
def test_both_decoders_read_the_same_files(kind: str) -> None:
    assert proof_from_json(proof_bytes(kind)) == proof(kind)
    canonical = canonical_bytes(protocol(kind), with_audit=False)
    assert native_module.canonical_protocol(protocol_bytes(kind)) == canonical
    pretty = json.dumps(json.loads(protocol_bytes(kind)), indent=1).encode()
    assert native_module.canonical_protocol(pretty) == canonical


@pytest.mark.parametrize("kind", KINDS)
def test_every_mutation_has_its_stated_outcome(kind: str) -> None:
    for mutation in mutations(kind):
        verdict = native_verdict(*mutated(kind, mutation))
        assert (verdict.outcome, verdict.step) == (mutation["outcome"], mutation["step"]), mutation["name"]


@pytest.mark.parametrize("kind", FEW)
def test_verdicts_and_places_equal_the_plain_verifiers(kind: str) -> None:
    for mutation in mutations(kind)[::20]:
        circuit, message = mutated(kind, mutation)
        try:
            parsed = read_proof(message)
        except MalformedArtifact:
            with pytest.raises(MalformedArtifact):
                proof_from_json(message)
            continue
        plain = plain_check(decode(circuit), parsed, OPEN)
        native = check(decode(circuit), parsed, OPEN)
        assert (native.outcome, native.step, native.circuit_id) == (plain.outcome, plain.step, plain.circuit_id)
        # The plain verifier adds the name of the field.
        assert (plain.where or "").split(" ")[0] == (native.where or "").split(" ")[0], mutation["name"]


def test_the_policy_refuses_only_what_holds() -> None:
    verifier = NativeVerifier(protocol("linear"))
    good = proof("linear")
    assert verifier.check(good).policy == "unsafe-srs"
    bad = Proof(good.instances, good.proof[:-64] + bytes(64))
    assert verifier.check(bad).outcome == "rejected"


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_mixed_batch_names_the_bad_ones(threads: int | None) -> None:
    verifiers = {kind: NativeVerifier(protocol(kind)) for kind in FEW}
    items = [(verifiers[kind], proof(kind)) for kind in FEW * 4]
    good = proof("linear")
    items[4] = (verifiers["linear"], Proof(good.instances, good.proof[:-64] + bytes(64)))
    items[8] = (verifiers["linear"], Proof(good.instances, good.proof[:-1]))
    items[12] = (verifiers["linear"], Proof(((-1, *good.instances[0][1:]),), good.proof))
    verdicts = check_batch(items, OPEN, threads=threads)
    assert [v.outcome for v in verdicts] == [
        {4: "rejected", 8: "malformed", 12: "malformed"}.get(i, "accepted") for i in range(16)
    ]
    assert verdicts[4].step == 10
    assert [v.circuit_id for v in verdicts] == [protocol(kind).circuit_id for kind in FEW * 4]


def test_an_empty_batch_has_no_verdicts_and_zero_threads_are_an_error() -> None:
    assert check_batch([], OPEN) == []
    with pytest.raises(ValueError, match="threads"):
        native_module.check_batch([], 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b'{"instances":[],"proof":[],"proof":[]}',
        b'{"instances":[[]],"proof":[256]}',
        b'{"instances":[[]],"proof":[true]}',
        b'{"instances":[[]],"proof":[1.0]}',
        b'{"instances":[["' + b"f" * 64 + b'"]],"proof":[]}',
        b'{"instances":[["0x' + b"0" * 62 + b'"]],"proof":[]}',
        b'{"instances":[[]],"proof":[1],"hex_proof":"0x02"}',
        b'{"instances":[[]],"proof":[1],"hex_proof":"0X01"}',
        b'{"instances":[[]],"proof":[],"x":NaN}',
        b'{"instances":[[]],"proof":[]} x',
        b'{"instances":[[]],"proof":[],"x":"\xff"}',
    ],
)
def test_hostile_proof_files_are_malformed_to_both(data: bytes) -> None:
    with pytest.raises(MalformedArtifact):
        read_proof(data)
    with pytest.raises(MalformedArtifact) as caught:
        proof_from_json(data)
    assert caught.value.details["where"]


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"instances":' + b"[" * 65])
def test_deep_json_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedArtifact):
        proof_from_json(data)
    with pytest.raises(MalformedArtifact):
        native_module.Verifier(data)


def test_a_protocol_that_breaks_a_bound_is_malformed_to_both() -> None:
    good = json.loads(protocol_bytes("linear"))
    changes = {
        "k": 29,
        "version": 2,
        "degree": 65,
        "blinding_factors": 0,
        "advice_phases": [256] * len(good["advice_phases"]),
        "transcript_digest": "0x" + "f" * 64,
        "gates": [len(good["nodes"])],
        "audit": [],
        "source": {"a": 1.5},
        "statement": {"tensors": []},
        "extra": None,
    }
    for key, value in changes.items():
        data = json.dumps({**good, key: value}).encode()
        with pytest.raises(MalformedArtifact):
            decode(data)
        with pytest.raises(MalformedArtifact):
            native_module.Verifier(data)
