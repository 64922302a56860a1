"""Random changes of good proofs, in number: none may be accepted, none may panic.

    python -m tests.verifier_rust.mutations --count 100000 --seed 1

Prints a JSON object: the seed, how many changes of each kind were made, and a histogram of the verdicts (a step, or
`malformed`). The verdict that each kind must have follows from how the change is made: words that stay canonical leave a
well-formed proof, which the final equation must stop. Exits 1 and names the first change that has another verdict.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.vectors.read import KINDS, proof, protocol
from zkml.protocol import Proof, Protocol
from zkml.protocol.field import P, R
from zkml.verdict import Verdict
from zkml.verifier import Policy
from zkml.verifier.native import NativeVerifier

OPEN = Policy(allow_unsafe_srs=True, allow_unaudited=True)
POINT, SCALAR = 64, 32


@dataclass(frozen=True)
class Target:
    """One circuit with a good proof; where its points and scalars stand."""

    kind: str
    protocol: Protocol
    good: Proof
    verifier: NativeVerifier

    @property
    def scalars(self) -> range:
        start = POINT * (self.protocol.num_points - 2)
        return range(start, start + SCALAR * self.protocol.num_evaluations, SCALAR)

    @property
    def points(self) -> list[int]:
        last = len(self.good.proof)
        return [*range(0, self.scalars.start, POINT), last - 2 * POINT, last - POINT]


def target(kind: str) -> Target:
    return Target(kind, protocol(kind), proof(kind), NativeVerifier(protocol(kind)))


def random_point(rng: random.Random) -> bytes:
    """Return a random point of the curve, found by trying x (p ≡ 3 mod 4, so a root is a power)."""
    while True:
        x = rng.randrange(P)
        square = (x**3 + 3) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x.to_bytes(32, "big") + rng.choice([y, P - y]).to_bytes(32, "big")


def written(t: Target, at: int, data: bytes) -> Proof:
    raw = t.good.proof
    return Proof(t.good.instances, raw[:at] + data + raw[at + len(data) :])


def bit_flip(t: Target, rng: random.Random) -> Proof:
    at = rng.randrange(len(t.good.proof))
    return written(t, at, bytes([t.good.proof[at] ^ (1 << rng.randrange(8))]))


def scalar_random(t: Target, rng: random.Random) -> Proof:
    return written(t, rng.choice(t.scalars), rng.randrange(R).to_bytes(SCALAR, "big"))


def scalar_shifted(t: Target, rng: random.Random) -> Proof:
    at = rng.choice(t.scalars)
    value = int.from_bytes(t.good.proof[at : at + SCALAR], "big") + rng.choice([1, -1, 2])
    return written(t, at, (value % R).to_bytes(SCALAR, "big"))


def scalar_plus_r(t: Target, rng: random.Random) -> Proof:
    at = rng.choice(t.scalars)
    return written(t, at, (int.from_bytes(t.good.proof[at : at + SCALAR], "big") + R).to_bytes(SCALAR, "big"))


def point_random(t: Target, rng: random.Random) -> Proof:
    return written(t, rng.choice(t.points), random_point(rng))


def point_negated(t: Target, rng: random.Random) -> Proof:
    at = rng.choice(t.points)
    y = int.from_bytes(t.good.proof[at + 32 : at + POINT], "big")
    return written(t, at + 32, (-y % P).to_bytes(32, "big"))


def point_identity(t: Target, rng: random.Random) -> Proof:
    return written(t, rng.choice(t.points), bytes(POINT))


def point_off_curve(t: Target, rng: random.Random) -> Proof:
    at = rng.choice(t.points)
    return written(t, at, rng.randrange(P).to_bytes(32, "big"))


def swapped(t: Target, rng: random.Random, places: Sequence[int], size: int) -> Proof:
    a, b = rng.sample(list(places), 2)
    raw = bytearray(t.good.proof)
    raw[a : a + size], raw[b : b + size] = raw[b : b + size], raw[a : a + size]
    return Proof(t.good.instances, bytes(raw))


def scalars_swapped(t: Target, rng: random.Random) -> Proof:
    return swapped(t, rng, t.scalars, SCALAR)


def points_swapped(t: Target, rng: random.Random) -> Proof:
    return swapped(t, rng, t.points, POINT)


def instance_changed(t: Target, rng: random.Random) -> Proof:
    columns = [list(column) for column in t.good.instances]
    filled = [column for column in columns if column]
    if filled:
        column = rng.choice(filled)
        row = rng.randrange(len(column))
        column[row] = (column[row] + rng.choice([1, -1, rng.randrange(R)])) % R
    else:
        columns.append([1])
    return Proof(tuple(map(tuple, columns)), t.good.proof)


def truncated(t: Target, rng: random.Random) -> Proof:
    return Proof(t.good.instances, t.good.proof[: rng.randrange(len(t.good.proof))])


def extended(t: Target, rng: random.Random) -> Proof:
    return Proof(t.good.instances, t.good.proof + rng.randbytes(rng.choice([1, 32, 64, rng.randrange(1, 500)])))


def everything_random(t: Target, rng: random.Random) -> Proof:
    raw = bytearray(t.good.proof)
    for at in t.points:
        raw[at : at + POINT] = random_point(rng)
    for at in t.scalars:
        raw[at : at + SCALAR] = rng.randrange(R).to_bytes(SCALAR, "big")
    return Proof(t.good.instances, bytes(raw))


FINAL, PARSE, ANY = "10", "malformed", None
"""The verdict that a kind must have: the final equation, no parse, or anything but acceptance."""

Change = Callable[[Target, random.Random], Proof]
KINDS_OF_CHANGE: tuple[tuple[Change, int, str | None], ...] = (
    (bit_flip, 10, ANY),
    (scalar_random, 12, FINAL),
    (scalar_shifted, 8, FINAL),
    (scalar_plus_r, 5, PARSE),
    (point_random, 12, FINAL),
    (point_negated, 6, ANY),  # the identity is its own negative
    (point_identity, 5, FINAL),
    (point_off_curve, 6, PARSE),
    (scalars_swapped, 8, FINAL),
    (points_swapped, 6, FINAL),
    (instance_changed, 8, ANY),  # step 1 where the tensor has a domain
    (truncated, 6, PARSE),
    (extended, 6, PARSE),
    (everything_random, 2, FINAL),
)


def label(verdict: Verdict) -> str:
    return str(verdict.step) if verdict.outcome == "rejected" else verdict.outcome


def run(count: int, seed: int, kinds: Sequence[str] = KINDS) -> dict[str, object]:
    """Return the histogram of `count` changes. Raises `AssertionError` at the first that has the wrong verdict."""
    rng = random.Random(seed)
    targets = [target(kind) for kind in kinds]
    changes, weights, expected = zip(*KINDS_OF_CHANGE, strict=True)
    must = dict(zip(changes, expected, strict=True))
    made: Counter[str] = Counter()
    histogram: dict[str, Counter[str]] = {change.__name__: Counter() for change in changes}
    skipped = 0
    start = time.perf_counter()
    while sum(made.values()) < count:
        t = rng.choice(targets)
        change = rng.choices(changes, weights)[0]
        changed = change(t, rng)
        if changed == t.good:  # two equal words swapped, the identity put or negated where it was
            skipped += 1
            continue
        verdict = t.verifier.check(changed, OPEN)
        made[t.kind] += 1
        histogram[change.__name__][label(verdict)] += 1
        if verdict.accepted or (must[change] is not None and label(verdict) != must[change]):
            raise AssertionError(f"change {sum(made.values())} of seed {seed}, {change.__name__} of {t.kind}: {verdict}")
    total = sum(histogram.values(), Counter[str]())
    return {
        "seed": seed,
        "changes": count,
        "without_effect": skipped,
        "accepted": total["accepted"],
        "reached_the_final_equation": round(total["10"] / count, 4),
        "seconds": round(time.perf_counter() - start, 1),
        "verdicts": dict(sorted(total.items())),
        "by_change": {name: dict(sorted(counter.items())) for name, counter in histogram.items()},
        "by_circuit": dict(sorted(made.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="change good proofs at random and check that none is accepted")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--circuits", nargs="*", default=list(KINDS))
    arguments = parser.parse_args()
    try:
        print(json.dumps(run(arguments.count, arguments.seed, arguments.circuits), indent=2))
    except AssertionError as error:
        print(f"mutations: error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
