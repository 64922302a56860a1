"""Step 9: SHPLONK (Boneh, Drake, Fisch, Gabizon 2020, "BDFG21", section 4) down to one pairing equation.

Every opened polynomial P has a set S of rotations. With Z_S(u) = ∏_{ρ∈S}(u − x·ω^ρ), r_P the polynomial through P's evaluations,
super = the union of all sets, d_i = Z_{super∖S_i}(u) and c_i = d_i/d_0:

    F = Σ_i v^i·c_i·Σ_j y′^j·(P_ij − r_ij(u)·[1]) − Z_{S_0}(u)·W + u·W′,        e(W′, [τ]₂) = e(F, [1]₂)

Sets are numbered by first appearance, polynomials inside a set likewise. Two polynomials with equal commitments stay two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zkml.protocol.field import R, inverse
from zkml.protocol.points import G1Point
from zkml.protocol.protocol import Protocol
from zkml.verifier.challenges import Challenges
from zkml.verifier.outcome import Rejected
from zkml.verifier.reading import Message

Term = tuple[G1Point, int]


@dataclass
class Opened:
    """One polynomial: its commitment as a combination of points, and its evaluations by rotation."""

    commitment: list[Term]
    evals: dict[int, int] = field(default_factory=dict)


def opened_polynomials(protocol: Protocol, message: Message, h_eval: int, x_n: int) -> list[Opened]:
    """Return all opened polynomials in order of first appearance among the queries.

    Order of the queries: advice; z_j at x and ωx; z_j at ω^last·x, from the last but one *down*; φ, m of each lookup; fixed; σ;
    h, as Σ x^{n·i}·h_i; the random polynomial.
    """
    polynomials: dict[tuple[str, int], Opened] = {}

    def query(name: str, index: int, commitment: G1Point, rotation: int, value: int) -> None:
        polynomials.setdefault((name, index), Opened([(commitment, 1)])).evals[rotation] = value

    for q, value in zip(protocol.advice_queries, message.advice_evals, strict=True):
        query("advice", q.column, message.advice_comms[q.column], q.rotation, value)
    for j, z in enumerate(message.z_evals):
        query("z", j, message.z_comms[j], 0, z[0])
        query("z", j, message.z_comms[j], 1, z[1])
    for j in range(len(message.z_evals) - 2, -1, -1):
        query("z", j, message.z_comms[j], protocol.last_rotation, message.z_evals[j][2])
    for i, (phi, phi_next, m) in enumerate(message.lookup_evals):
        query("phi", i, message.phi_comms[i], 0, phi)
        query("phi", i, message.phi_comms[i], 1, phi_next)
        query("m", i, message.m_comms[i], 0, m)
    for q, value in zip(protocol.fixed_queries, message.fixed_evals, strict=True):
        query("fixed", q.column, protocol.fixed_commitments[q.column], q.rotation, value)
    for i, value in enumerate(message.sigma_evals):
        query("sigma", i, protocol.permutation_commitments[i], 0, value)
    pieces: list[Term] = []
    power = 1
    for h in message.h_comms:
        pieces.append((h, power))
        power = power * x_n % R
    polynomials["h", 0] = Opened(pieces, {0: h_eval})
    query("random", 0, message.random_comm, 0, message.random_eval)
    return list(polynomials.values())


def vanishing_at(points: list[int], u: int) -> int:
    """Return ∏ (u − point)."""
    out = 1
    for point in points:
        out = out * (u - point) % R
    return out


def interpolated_at(points: list[int], values: list[int], u: int) -> int:
    """Return at u the polynomial of least degree through (point, value); the points are distinct."""
    out = 0
    for i, (p, value) in enumerate(zip(points, values, strict=True)):
        others = points[:i] + points[i + 1 :]
        out += value * vanishing_at(others, u) * inverse(vanishing_at(others, p))
    return out % R


def combine(protocol: Protocol, message: Message, c: Challenges, polynomials: list[Opened]) -> tuple[list[Term], G1Point]:
    """Return F, as a combination of points, and W′. Raises `Rejected` (step 9) where a denominator would be zero."""
    if c.x == 0:
        raise Rejected(9, "the challenge x is zero, so all points of evaluation coincide")
    sets: dict[frozenset[int], list[Opened]] = {}
    for polynomial in polynomials:
        sets.setdefault(frozenset(polynomial.evals), []).append(polynomial)
    union = frozenset[int]().union(*sets)
    point = {rotation: c.x * pow(protocol.omega, rotation % protocol.n, R) % R for rotation in union}

    first = next(iter(sets))
    d_0 = vanishing_at([point[rotation] for rotation in union - first], c.u)
    if d_0 == 0:
        raise Rejected(9, "the challenge u is a point of evaluation")
    inverse_d_0 = inverse(d_0)
    terms: list[Term] = []
    constant = 0
    v_i = 1
    for rotations, members in sets.items():
        points = [point[rotation] for rotation in rotations]
        # c_i = Z_{super∖S_i}(u) / Z_{super∖S_0}(u)
        weight = v_i * vanishing_at([point[rotation] for rotation in union - rotations], c.u) * inverse_d_0 % R
        for polynomial in members:
            terms += [(comm, weight * factor % R) for comm, factor in polynomial.commitment]
            r_u = interpolated_at(points, [polynomial.evals[rotation] for rotation in rotations], c.u)
            constant = (constant + weight * r_u) % R
            weight = weight * c.y_prime % R
        v_i = v_i * c.v % R
    z_0 = vanishing_at([point[rotation] for rotation in first], c.u)
    terms += [
        (protocol.points.g1, -constant % R),
        (message.w_comm, -z_0 % R),
        (message.w_prime_comm, c.u),
    ]
    return terms, message.w_prime_comm
