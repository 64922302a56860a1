"""Every word of the calldata changed: the contract's verdict is that of the Rust verifier, and none is accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

import pytest

from tests.contract.verdicts import Contract, Interpreted, matches
from tests.vectors import read
from zkml.contract import FORMS, Form, generate
from zkml.protocol import Proof
from zkml.protocol.field import R
from zkml.verdict import Verdict
from zkml.verifier import Policy
from zkml.verifier.native import NativeVerifier

LENIENT = Policy(allow_unsafe_srs=True, allow_unaudited=True)
AT_LEAST = 200

Case = tuple[bytes, list[int]]


def changed_words(kind: str, rounds: int) -> Iterator[Case]:
    """Yield the good proof with one word of the proof or one instance changed, every one of them `rounds` times."""
    rng = random.Random(kind)
    good = read.proof(kind)
    instances = [v for column in good.instances for v in column]
    for turn in range(rounds):
        for at in range(0, len(good.proof), 32):
            old = int.from_bytes(good.proof[at : at + 32], "big")
            new = another(old, turn, rng)
            yield good.proof[:at] + new.to_bytes(32, "big") + good.proof[at + 32 :], instances
        for i, old in enumerate(instances):
            yield good.proof, [*instances[:i], another(old, turn, rng), *instances[i + 1 :]]


def another(old: int, turn: int, rng: random.Random) -> int:
    """Return another word: one more, any scalar, one bit flipped, the modulus more, or any word, by turns."""
    choices = ((old + 1) % 2**256, rng.randrange(R), old ^ 1 << rng.randrange(256), (old + R) % 2**256, rng.randrange(2**256))
    new = choices[turn % len(choices)]
    return new if new != old else old ^ 1


@cache
def native(kind: str) -> NativeVerifier:
    return NativeVerifier(read.protocol(kind))


def rust(kind: str, proof: bytes, flat: list[int]) -> Verdict:
    """Return the Rust verifier's verdict; values that no proof.json can hold are malformed before it sees them."""
    columns, at = [], 0
    for rows in read.protocol(kind).instance_rows:
        columns.append(tuple(flat[at : at + rows]))
        at += rows
    return native(kind).check(Proof(tuple(columns), proof), LENIENT)


def assert_same_verdicts(contract: Contract, kind: str, rounds: int) -> int:
    count = 0
    for proof, instances in changed_words(kind, rounds):
        expected = rust(kind, proof, instances)
        found = contract.outcome(proof, instances)
        assert found[0] != "accepted"
        assert matches(found, expected), (count, found, expected)
        count += 1
    return count


def rounds_for(kind: str) -> int:
    words = read.protocol(kind).proof_length // 32 + sum(read.protocol(kind).instance_rows)
    return max(2, -(-AT_LEAST // words))


@pytest.mark.parametrize("kind", read.KINDS)
def test_every_word_changed_once_has_the_verdict_of_rust(kind: str) -> None:
    contract = Interpreted(read.protocol(kind))
    good = read.proof(kind)
    assert contract.accepts(good)
    assert assert_same_verdicts(contract, kind, 1) >= read.protocol(kind).proof_length // 32


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", read.KINDS)
def test_at_least_200_changes_have_the_verdict_of_rust_in_every_form(kind: str, form: Form) -> None:
    contract = Contract(read.protocol(kind), generate(read.protocol(kind), form))
    assert contract.accepts(read.proof(kind))
    assert assert_same_verdicts(contract, kind, rounds_for(kind)) >= AT_LEAST


def test_no_change_of_the_abi_s_own_words_is_accepted() -> None:
    kind = "simulated_gates_only"
    contract = Contract(read.protocol(kind), generate(read.protocol(kind), "single"))
    proof = read.proof(kind)
    good = contract.calldata(proof.proof, [])
    assert contract.evm.call(contract.address, good).output == (1).to_bytes(32, "big")
    own = [4, 36, 68, 100 + len(proof.proof)]  # the offsets of proof and instances, and both lengths
    for at in own:
        for value in (0, 1, 31, 32, 64, 96, len(proof.proof), 2**255, 2**256 - 1):
            changed = good[:at] + value.to_bytes(32, "big") + good[at + 32 :]
            if changed != good:
                called = contract.evm.call(contract.address, changed)
                assert not called.success or called.output == bytes(32), (at, value)
    for changed in (good + b"\0", good + bytes(32), good[:-1], good[:-32], good[:4]):
        assert not contract.evm.call(contract.address, changed).success
