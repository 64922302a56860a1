"""Five hundred seeded edits of every kind of proof: neither verifier accepts one, and their verdicts are the same."""

from __future__ import annotations

import random

import pytest

from tests.vectors import read
from tests.vectors.layout import sections
from zkml.protocol import Proof, Protocol
from zkml.protocol.field import R
from zkml.verifier import Policy, check
from zkml.verifier.outcome import Malformed
from zkml.verifier.reading import read_message
from zkml.verifier.verify import check_instances

pytestmark = pytest.mark.slow

EDITS = 500
LENIENT = Policy(allow_unsafe_srs=True, allow_unaudited=True)


def edited(protocol: Protocol, good: Proof, rng: random.Random) -> Proof:
    """Return the proof with one field changed: a bit, a random or shifted scalar, a copied point, a length, an instance."""
    data = bytearray(good.proof)
    parts = sections(protocol)
    section = rng.choice(parts)
    at = section.at(rng.randrange(section.count))
    choice = rng.randrange(6)
    columns = [list(column) for column in good.instances]
    if choice == 0:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif choice == 1 and section.kind == "scalar":
        data[at : at + 32] = rng.randrange(R).to_bytes(32, "big")
    elif choice == 2 and section.kind == "scalar":
        shifted = int.from_bytes(data[at : at + 32], "big") + rng.choice([1, R - 1, R])
        data[at : at + 32] = (shifted if rng.random() < 0.3 else shifted % R).to_bytes(32, "big")
    elif choice == 3 and any(columns):
        column = rng.choice([c for c in columns if c])
        row = rng.randrange(len(column))
        column[row] = rng.choice([(column[row] + 1) % R, rng.randrange(R), R - 1 - column[row]])
    elif choice == 4:
        size = rng.choice([0, len(data) - 1, rng.randrange(len(data)), len(data) + 1, len(data) + 32])
        data = data[:size] + bytes(max(0, size - len(data)))
    else:
        points = [s.at(i) for s in parts if s.kind == "point" for i in range(s.count)]
        a, b = rng.sample(points, 2)
        data[a : a + 64] = data[b : b + 64]
    return Proof(tuple(tuple(column) for column in columns), bytes(data))


def parses(protocol: Protocol, proof: Proof) -> bool:
    try:
        check_instances(protocol, proof.instances)
        read_message(protocol, proof.proof)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize("kind", read.KINDS)
def test_no_edit_is_accepted_and_both_verifiers_agree(kind: str) -> None:
    native = pytest.importorskip("zkml.verifier.native", reason="the native extension is not built")
    protocol, good = read.protocol(kind), read.proof(kind)
    verifier = native.NativeVerifier(protocol)
    assert verifier.check(good, LENIENT).outcome == "accepted"
    rng = random.Random(f"edits of {kind}")
    for count in range(EDITS):
        proof = edited(protocol, good, rng)
        if proof == good:
            continue
        verdict = verifier.check(proof, LENIENT)
        if not parses(protocol, proof):
            assert verdict.outcome == "malformed", (count, verdict)
        elif outside := protocol.statement.outside_domain(proof.instances):
            assert (verdict.outcome, verdict.step) == ("rejected", 1), (count, outside)
        else:
            assert (verdict.outcome, verdict.step) == ("rejected", 10), (count, verdict)
        plain = check(protocol, proof, LENIENT)
        assert (plain.outcome, plain.step) == (verdict.outcome, verdict.step), count
