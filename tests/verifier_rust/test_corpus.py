"""What the fuzzer kept, replayed: no input makes a decoder or the verifier panic, and both implementations take the same ones."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.read import proof, protocol, protocol_bytes
from tests.vectors.write_keys import CIRCUITS, HEADER, keys, sealed
from tests.vectors.write_keys import ROOT as KEYS
from tests.verifier_rust.test_decoders_agree import native_protocol, outcome, plain_protocol
from zkml._core.prover import read_key
from zkml.circuit.graph import Graph
from zkml.errors import MalformedArtifact, MismatchedArtifacts
from zkml.protocol import read_proof
from zkml.protocol.field import R
from zkml.protocol.proof import Proof
from zkml.verdict import Verdict
from zkml.verifier import Policy, check
from zkml.verifier.native import NativeVerifier, proof_from_json

KEPT = Path(__file__).parents[2] / "rust_ext" / "fuzz" / "kept"
OPEN = Policy(allow_unsafe_srs=True, allow_unaudited=True)
GOOD_KEYS = {form: (KEYS / f"{form}.key").read_bytes() for form in CIRCUITS}
PLAIN_EVERY = 25
"""Of the proofs so many go to the plain verifier too."""


def inputs(target: str) -> Iterator[bytes]:
    with tarfile.open(KEPT / f"{target}.tar.xz") as archive:
        for entry in archive:
            member = archive.extractfile(entry)
            assert member is not None
            yield member.read()


@pytest.mark.parametrize(
    ("target", "native", "plain"),
    [("protocol_decode", native_protocol, plain_protocol), ("proof_json", proof_from_json, read_proof)],
)
def test_both_decoders_take_the_same_inputs(target: str, native: Callable[[bytes], Any], plain: Callable[[bytes], Any]) -> None:
    good = 0
    for number, data in enumerate(inputs(target)):
        value = outcome(native, data)
        assert value == outcome(plain, data), (number, data[:200])
        good += value is not None
    assert good >= 5


def test_a_circuit_is_refused_or_written_back() -> None:
    good = 0
    for data in inputs("graph_decode"):
        try:
            graph = Graph.parse(data)
        except MalformedArtifact:
            continue
        assert graph.encode() == data
        good += 1
    assert good >= 5


def test_the_good_keys_are_those_of_their_description() -> None:
    assert keys() == GOOD_KEYS


def edited(data: bytes) -> tuple[str, bytes]:
    """Return the form of key and the key that an input of `key_decode` stands for (the target describes the form)."""
    form, rest = ("zkml", "ezkl")[data[0] & 1], data[1:]
    key = bytearray(rest if data[0] & 2 else GOOD_KEYS[form])
    while not data[0] & 2 and len(rest) >= 3:
        place, length = int.from_bytes(rest[:2], "big"), rest[2]
        word, rest = rest[3 : 3 + length], rest[3 + length :]
        if word:
            key += bytes(max(0, place + len(word) - len(key)))
            key[place : place + len(word)] = word
        else:
            del key[place:]
    columns = protocol(CIRCUITS["zkml"]).num_fixed
    if data[0] & 4 and form == "zkml" and len(key) >= HEADER + 16 * columns:
        return form, sealed(bytes(key), columns)
    return form, bytes(key)


def test_a_key_is_refused_or_read_to_its_last_column() -> None:
    read = {"zkml": 0, "ezkl": 0}
    refused = dict(read)
    for number, data in enumerate(filter(None, inputs("key_decode"))):
        form, key = edited(data)
        try:
            assert read_key(protocol_bytes(CIRCUITS[form]), key) in read
            read[form] += 1
        except (MalformedArtifact, MismatchedArtifacts):
            refused[form] += 1
            assert key != GOOD_KEYS[form], number
    assert min(read.values()) >= 2
    assert min(refused.values()) >= 10


def changed(data: bytes, good: Proof) -> Proof:
    """Return the proof that an input of `proof_verify` stands for (the target describes the form)."""
    mode, rest = data[0], data[1:]
    if mode & 2:
        return Proof(good.instances, rest)
    proof_bytes, columns = bytearray(good.proof), [list(column) for column in good.instances]
    while len(rest) >= 3:
        place, length = int.from_bytes(rest[:2], "big"), rest[2]
        word, rest = rest[3 : 3 + length], rest[3 + length :]
        if place <= len(proof_bytes):
            fitting = word[: len(proof_bytes) - place]
            proof_bytes[place : place + len(fitting)] = fitting
        elif columns[0] and len(word) >= 32:
            value = int.from_bytes(word[:32], "big")
            columns[0][0] = value if value < R else columns[0][0]
    return Proof(tuple(map(tuple, columns)), bytes(proof_bytes))


def test_no_kept_change_of_a_proof_is_accepted() -> None:
    kinds = ("linear", "matmul_freivalds")
    verifiers = [NativeVerifier(protocol(kind)) for kind in kinds]
    verdicts: list[Verdict] = []
    for number, data in enumerate(filter(None, inputs("proof_verify"))):
        which = data[0] & 1
        good = proof(kinds[which])
        candidate = changed(data, good)
        verdict = verifiers[which].check(candidate, OPEN)
        assert verdict.accepted == (candidate == good), number
        if number % PLAIN_EVERY == 0:
            plain = check(protocol(kinds[which]), candidate, OPEN)
            assert (plain.outcome, plain.step) == (verdict.outcome, verdict.step), number
        verdicts.append(verdict)
    assert {v.outcome for v in verdicts} >= {"malformed", "rejected"}
