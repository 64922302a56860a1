"""EZKL's fixtures, where this machine has them: the universal verifier takes every one, and no changed evaluation of it."""

from __future__ import annotations

import random

import pytest

from tests.contract.verdicts import Interpreted
from tests.verifier import shared_cases

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not shared_cases.NAMES, reason="the fixtures are not on this machine")
@pytest.mark.parametrize("name", shared_cases.NAMES)
def test_a_fixture_is_accepted_and_its_changes_are_not(name: str) -> None:
    protocol, proof = shared_cases.protocol(name), shared_cases.proof(name)
    contract = Interpreted(protocol)
    instances = [v for column in proof.instances for v in column]
    assert contract.outcome(proof.proof, instances)[0] == "accepted"
    rng = random.Random(name)
    start = 64 * (protocol.num_points - 2)
    for at in rng.sample(range(start, start + 32 * protocol.num_evaluations, 32), 3):
        changed = proof.proof[: at + 31] + bytes([proof.proof[at + 31] ^ 1]) + proof.proof[at + 32 :]
        assert contract.outcome(changed, instances)[0] in ("rejected", "malformed")
