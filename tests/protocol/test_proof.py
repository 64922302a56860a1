"""`proof.json`: what is read, what is ignored, what is malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkml.errors import MalformedArtifact
from zkml.protocol.field import R
from zkml.protocol.proof import Proof, proof_from_data, proof_to_data, read_proof

GOOD: dict[str, Any] = {"instances": [["01" + "00" * 31]], "proof": [1, 2, 255]}


def test_a_proof_is_written_as_it_is_read() -> None:
    proof = proof_from_data(GOOD)
    assert proof == Proof(((1,),), bytes([1, 2, 255]))
    assert proof_from_data(proof_to_data(proof)) == proof


def test_what_ezkl_adds_for_people_is_ignored() -> None:
    extra: dict[str, Any] = {"protocol": None, "split": None, "pretty_public_inputs": {}, "timestamp": 1, "version": "23.0.5"}
    assert proof_from_data(GOOD | extra | {"hex_proof": "0x0102ff"}) == proof_from_data(GOOD | {"hex_proof": None})


BAD: list[dict[str, Any]] = [
    {"instances": None},
    {"instances": [[1]]},
    {"instances": [["0x" + "00" * 31]]},
    {"instances": [["00" * 31]]},
    {"instances": [[R.to_bytes(32, "little").hex()]]},
    {"instances": [["zz" * 32]]},
    {"instances": ["00" * 32]},
    {"proof": "0x0102ff"},
    {"proof": [256]},
    {"proof": [-1]},
    {"proof": [1.0]},
    {"proof": [True]},
    {"proof": [None]},
    {"hex_proof": "0x0102fe"},
    {"hex_proof": "0102ff"},
    {"hex_proof": 5},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_a_broken_proof_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedArtifact):
        proof_from_data(GOOD | change)


@pytest.mark.parametrize("key", GOOD)
def test_both_keys_are_needed(key: str) -> None:
    with pytest.raises(MalformedArtifact, match=key):
        proof_from_data({k: v for k, v in GOOD.items() if k != key})


def test_a_duplicate_key_is_malformed() -> None:
    text = json.dumps(GOOD)
    with pytest.raises(MalformedArtifact, match="duplicate"):
        read_proof((text[:-1] + ', "proof": [9]}').encode())


@given(data=st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789proofinstances', max_size=80).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    try:
        read_proof(data)
    except MalformedArtifact:
        return
