"""The generated verifier: it takes the good proof and gives every edit of it the stated outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.verdicts import Contract, Interpreted, edited
from tests.vectors import read
from zkml.contract import FORMS, Form, calldata, generate
from zkml.contract.calldata import decode
from zkml.errors import MalformedArtifact, UsageError

COMPILED_ALONE = ("linear_not_compressed",)
"""Each compiles for some seconds, in each form; all circuits are held against the universal verifier, compiled once."""


def assert_every_edit_has_its_outcome(contract: Contract, kind: str) -> None:
    good = read.proof(kind)
    assert contract.accepts(good)
    tried = 0
    for mutation in read.mutations(kind):
        edit = edited(good, mutation)
        if edit is not None:
            tried += 1
            expected = mutation["outcome"], mutation["where"], mutation["step"]
            assert contract.outcome(*edit) == expected, mutation["name"]
    assert tried > 20


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "kind", [kind if kind in COMPILED_ALONE else pytest.param(kind, marks=pytest.mark.slow) for kind in read.KINDS]
)
def test_a_contract_of_its_own_gives_every_edit_its_outcome(kind: str, form: Form) -> None:
    protocol = read.protocol(kind)
    assert_every_edit_has_its_outcome(Contract(protocol, generate(protocol, form)), kind)


@pytest.mark.parametrize("kind", read.KINDS)
def test_the_universal_verifier_gives_every_edit_its_outcome(kind: str) -> None:
    assert_every_edit_has_its_outcome(Interpreted(read.protocol(kind)), kind)


def test_the_interface_beside_a_verifier_is_the_hand_written_one() -> None:
    ours = Path(__file__).parents[2] / "contracts" / "src" / "IVerifier.sol"
    assert generate(read.protocol("linear"), "single").files["IVerifier.sol"] == ours.read_text()


def test_a_name_that_is_no_identifier_is_refused() -> None:
    with pytest.raises(UsageError):
        generate(read.protocol("linear"), FORMS[0], name="a b")


def test_calldata_decodes_to_what_it_was_made_of() -> None:
    proof = read.proof("simulated_three_phases")
    data = calldata(read.protocol("simulated_three_phases"), proof)
    assert decode(data) == (proof.proof, tuple(v for column in proof.instances for v in column))
    for bad in (data[:-1], data + b"\0", data[:3], b"", data[:4] + b"\xff" * 64, b"\0" + data[1:]):
        with pytest.raises(MalformedArtifact):
            decode(bad)


def test_calldata_for_another_circuit_is_refused() -> None:
    with pytest.raises(MalformedArtifact):
        calldata(read.protocol("linear"), read.proof("argmax"))
