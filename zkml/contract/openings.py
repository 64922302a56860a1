"""Step 9, as far as it is known when the contract is generated: sets of rotations, their members, and the sum of points.

Sets and members are those of `zkml/verifier/opening.py`, in its order. With K_{S,ρ} = ∏_{σ∈S∖ρ} 1/(ω^ρ − ω^σ) the value at u of
the polynomial through (ω^ρ·x, e_ρ) is Σ_ρ e_ρ·K_{S,ρ}·x^{−(|S|−1)}·∏_{σ∈S∖ρ}(u − ω^σ·x): only 1/x is left to compute.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkml.protocol.field import R, inverse
from zkml.protocol.points import IDENTITY, G1Point
from zkml.protocol.protocol import Protocol


@dataclass(frozen=True)
class Member:
    """An opened polynomial. `points` names its commitments: the i-th counts x^{n·i} times; `evals` its evaluations by rotation.

    The name of a point of the key is that of the first column with this commitment; an identity has no points at all.
    """

    title: str
    points: tuple[str, ...]
    evals: dict[int, str]


@dataclass(frozen=True)
class OpeningSet:
    """The polynomials opened at the same rotations; `factors[i]` is K of the i-th rotation."""

    rotations: tuple[int, ...]
    factors: tuple[int, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Openings:
    """All sets, the union of their rotations, the key's distinct points by name, and how often each point is summed."""

    sets: tuple[OpeningSet, ...]
    union: tuple[int, ...]
    key_points: dict[str, G1Point]
    uses: dict[str, int]

    @property
    def multiplications(self) -> int:
        """How many points are multiplied by a scalar: all, the generator, W and W′, but not one whose scalar is 1."""
        return len(self.uses) + 3 - self.first_is_plain

    @property
    def first_is_plain(self) -> bool:
        """Whether the first polynomial's commitment enters once, with the scalar 1."""
        points = self.sets[0].members[0].points
        return len(points) > 0 and self.uses[points[0]] == 1


def _factors(protocol: Protocol, rotations: tuple[int, ...]) -> tuple[int, ...]:
    powers = [pow(protocol.omega, rotation % protocol.n, R) for rotation in rotations]
    out = []
    for i, p in enumerate(powers):
        product = 1
        for other in powers[:i] + powers[i + 1 :]:
            product = product * (p - other) % R
        out.append(inverse(product))
    return tuple(out)


def openings(protocol: Protocol) -> Openings:
    """Return the sets in order of first appearance among the queries (docs/verifier.md, step 9)."""
    polynomials: dict[str, tuple[tuple[str, ...], dict[int, str]]] = {}
    key_points: dict[str, G1Point] = {}
    name_of: dict[G1Point, str] = {}

    def query(title: str, points: tuple[str, ...], rotation: int, word: str) -> None:
        polynomials.setdefault(title, (points, {}))[1][rotation] = word

    def key(name: str, point: G1Point) -> tuple[str, ...]:
        if point == IDENTITY:
            return ()
        if point not in name_of:
            name_of[point] = name
            key_points[name] = point
        return (name_of[point],)

    last = protocol.last_rotation
    products = protocol.num_products
    for i, q in enumerate(protocol.advice_queries):
        query(f"advice {q.column}", (f"A_COMM_{q.column}",), q.rotation, f"A_EVAL_{i}")
    for j in range(products):
        query(f"z_{j}", (f"Z_COMM_{j}",), 0, f"Z_EVAL_{j}")
        query(f"z_{j}", (f"Z_COMM_{j}",), 1, f"Z_NEXT_EVAL_{j}")
    for j in range(products - 2, -1, -1):
        query(f"z_{j}", (f"Z_COMM_{j}",), last, f"Z_LAST_EVAL_{j}")
    for i in range(len(protocol.lookups)):
        query(f"φ_{i}", (f"PHI_COMM_{i}",), 0, f"PHI_EVAL_{i}")
        query(f"φ_{i}", (f"PHI_COMM_{i}",), 1, f"PHI_NEXT_EVAL_{i}")
        query(f"m_{i}", (f"M_COMM_{i}",), 0, f"M_EVAL_{i}")
    for i, q in enumerate(protocol.fixed_queries):
        points = key(f"F_COMM_{q.column}", protocol.fixed_commitments[q.column])
        query(f"fixed {q.column}", points, q.rotation, f"F_EVAL_{i}")
    for c, point in enumerate(protocol.permutation_commitments):
        query(f"σ_{c}", key(f"SIGMA_COMM_{c}", point), 0, f"SIGMA_EVAL_{c}")
    query("h", tuple(f"H_COMM_{i}" for i in range(protocol.degree - 1)), 0, "H_EVAL")
    query("random", ("RANDOM_COMM",), 0, "RANDOM_EVAL")

    grouped: dict[frozenset[int], list[Member]] = {}
    uses: dict[str, int] = {}
    for title, (points, evals) in polynomials.items():
        grouped.setdefault(frozenset(evals), []).append(Member(title, points, evals))
        for name in points:
            uses[name] = uses.get(name, 0) + 1
    sets = []
    for rotations, members in grouped.items():
        ordered = tuple(sorted(rotations))
        sets.append(OpeningSet(ordered, _factors(protocol, ordered), tuple(members)))
    union = tuple(sorted({rotation for s in sets for rotation in s.rotations}))
    return Openings(tuple(sets), union, key_points, uses)
