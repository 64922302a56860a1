"""Every word of the calldata changed, and the verdicts of the Rust verifier that a contract is held against."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from tests.contract.verdicts import Contract, matches
from zkml.protocol import Proof, Protocol
from zkml.protocol.field import R
from zkml.verdict import Verdict
from zkml.verifier import Policy
from zkml.verifier.native import NativeVerifier

LENIENT = Policy(allow_unsafe_srs=True, allow_unaudited=True)
AT_LEAST = 200

Case = tuple[bytes, list[int]]


def words_of(protocol: Protocol) -> int:
    return protocol.proof_length // 32 + sum(protocol.instance_rows)


def rounds_for(protocol: Protocol) -> int:
    """Return how often each word is changed, so that there are at least AT_LEAST changes."""
    return -(-AT_LEAST // words_of(protocol))


def changed_words(good: Proof, rounds: int, seed: str) -> Iterator[Case]:
    """Yield the good proof with one word of the proof or one instance changed, every one of them `rounds` times."""
    rng = random.Random(seed)
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


class Rust:
    """The Rust verifier of one circuit; values that no proof.json can hold are malformed before it sees them."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.verifier = NativeVerifier(protocol)

    def check(self, proof: bytes, flat: list[int]) -> Verdict:
        columns, at = [], 0
        for rows in self.protocol.instance_rows:
            columns.append(tuple(flat[at : at + rows]))
            at += rows
        return self.verifier.check(Proof(tuple(columns), proof), LENIENT)


def assert_same_verdicts(contract: Contract, good: Proof, rounds: int, seed: str) -> Counter[str]:
    """Hold the contract against Rust on every changed word, and return how often each verdict was given."""
    rust = Rust(contract.protocol)
    assert rust.check(good.proof, [v for column in good.instances for v in column]).accepted
    assert contract.accepts(good)
    counts: Counter[str] = Counter()
    for proof, instances in changed_words(good, rounds, seed):
        expected = rust.check(proof, instances)
        found = contract.outcome(proof, instances)
        assert found[0] != "accepted", counts.total()
        assert matches(found, expected), (counts.total(), found, expected)
        counts[found[0] if found[2] is None else f"step {found[2]}"] += 1
    return counts
