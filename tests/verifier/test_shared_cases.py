"""Proofs of every kind of EZKL circuit, made and accepted by EZKL's wheel: digests equal, proofs accepted, tampering noticed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vectors.layout import sections
from tests.verifier import shared_cases
from zkml.protocol.ezkl import digest_candidates
from zkml.protocol.field import R
from zkml.protocol.proof import proof_to_data
from zkml.verifier import Policy, check

pytestmark = pytest.mark.skipif(not shared_cases.NAMES, reason="the shared fixtures are not on this machine")

LENIENT = Policy(allow_unsafe_srs=True, allow_unaudited=True)

QUICK = ("linear", "sigmoid_mc3", "matmul2", "hash_all", "topk")
"""Those verified in every run; the others are slow."""


def by_speed(names: list[str]) -> list[object]:
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", shared_cases.NAMES)
def test_the_digest_is_ezkl_s(name: str) -> None:
    wanted = shared_cases.ezkl_digest(name)
    if wanted is None:
        pytest.skip("EZKL cannot print this key's digest")
    candidates = digest_candidates(shared_cases.settings(name), shared_cases.key(name))
    assert wanted in [digest for _, digest in candidates]


@pytest.mark.parametrize("name", by_speed(shared_cases.NAMES))
def test_ezkl_s_proof_is_accepted(name: str) -> None:
    verdict = check(shared_cases.protocol(name), shared_cases.proof(name), LENIENT)
    assert verdict.outcome == "accepted", verdict


@pytest.mark.parametrize("name", by_speed(shared_cases.NAMES))
def test_a_flipped_byte_is_never_accepted(name: str) -> None:
    good = shared_cases.proof(name)
    at = random.Random(name).randrange(len(good.proof))
    data = bytearray(good.proof)
    data[at] ^= 1
    verdict = check(shared_cases.protocol(name), replace(good, proof=bytes(data)), LENIENT)
    assert verdict.outcome in ("rejected", "malformed")


@pytest.mark.slow
@pytest.mark.ezkl
@pytest.mark.parametrize("name", shared_cases.NAMES)
def test_ezkl_and_both_verifiers_agree_on_the_proof_and_on_a_changed_evaluation(name: str, tmp_path: Path) -> None:
    ezkl = pytest.importorskip("ezkl")
    native = pytest.importorskip("zkml.verifier.native", reason="the native extension is not built")
    folder = shared_cases.CASES / name
    k = shared_cases.settings(name)["run_args"]["logrows"]
    srs = str(shared_cases.CASES / "srs" / f"k{k}.srs")
    settings, key = str(folder / "settings.json"), str(folder / "vk.key")
    assert ezkl.verify(str(folder / "proof.json"), settings, key, srs) is True

    good, protocol = shared_cases.proof(name), shared_cases.protocol(name)
    section = next(s for s in sections(protocol) if s.name == "fixed evaluation")
    data = bytearray(good.proof)
    value = int.from_bytes(data[section.offset : section.offset + 32], "big")
    data[section.offset : section.offset + 32] = ((value + 1) % R).to_bytes(32, "big")
    changed = replace(good, proof=bytes(data))
    path = tmp_path / "proof.json"
    # Written by us the good proof is still good to EZKL, so it is the change that it refuses below.
    path.write_text(json.dumps(proof_to_data(good)))
    assert ezkl.verify(str(path), settings, key, srs) is True
    verifier = native.NativeVerifier(protocol)
    assert verifier.check(good, LENIENT).accepted
    path.write_text(json.dumps(proof_to_data(changed)))
    assert check(protocol, changed, LENIENT).step == verifier.check(changed, LENIENT).step == 10
    # EZKL says no by an exception.
    with pytest.raises(RuntimeError):
        ezkl.verify(str(path), settings, key, srs)
