"""Step 2: the bytes of a proof, as points and scalars in the order of docs/verifier.md, section "Messages"."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.protocol.field import R
from zkml.protocol.points import G1Point, on_g1
from zkml.protocol.protocol import Protocol
from zkml.verifier.outcome import Malformed


@dataclass(frozen=True)
class Message:
    """What the prover sent. Evaluations are at x unless their name says otherwise.

    `z_evals[j]` = z_j at x, ωx and, but for the last, ω^last·x; `lookup_evals[i]` = φ_i at x and ωx, m_i at x.
    """

    advice_comms: tuple[G1Point, ...]
    m_comms: tuple[G1Point, ...]
    z_comms: tuple[G1Point, ...]
    phi_comms: tuple[G1Point, ...]
    random_comm: G1Point
    h_comms: tuple[G1Point, ...]
    advice_evals: tuple[int, ...]
    fixed_evals: tuple[int, ...]
    random_eval: int
    sigma_evals: tuple[int, ...]
    z_evals: tuple[tuple[int, ...], ...]
    lookup_evals: tuple[tuple[int, int, int], ...]
    w_comm: G1Point
    w_prime_comm: G1Point


def columns_by_phase(protocol: Protocol) -> list[list[int]]:
    """Return the advice columns of every phase: the order of their commitments."""
    out: list[list[int]] = [[] for _ in range(protocol.num_phases)]
    for column, phase in enumerate(protocol.advice_phases):
        out[phase].append(column)
    return out


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def _take(self) -> int:
        value = int.from_bytes(self.data[self.at : self.at + 32], "big")
        self.at += 32
        return value

    def point(self, name: str) -> G1Point:
        start = self.at
        point = (self._take(), self._take())
        if not on_g1(point):
            raise Malformed(f"proof[{start}..{self.at}] {name}", "not a point of the curve in canonical coordinates")
        return point

    def points(self, name: str, count: int) -> tuple[G1Point, ...]:
        return tuple(self.point(f"{name}[{i}]") for i in range(count))

    def scalar(self, name: str) -> int:
        start = self.at
        value = self._take()
        if value >= R:
            raise Malformed(f"proof[{start}..{self.at}] {name}", "not a canonical scalar")
        return value

    def scalars(self, name: str, count: int) -> tuple[int, ...]:
        return tuple(self.scalar(f"{name}[{i}]") for i in range(count))


def read_message(protocol: Protocol, data: bytes) -> Message:
    """Return the message in the bytes of a proof. Raises `Malformed`: wrong length, a scalar ≥ R, a point off the curve."""
    if len(data) != protocol.proof_length:
        raise Malformed("proof length", f"{len(data)} bytes, where this circuit has {protocol.proof_length}")
    r = _Reader(data)
    lookups, products = len(protocol.lookups), protocol.num_products
    advice: dict[int, G1Point] = {}
    for columns in columns_by_phase(protocol):
        for column in columns:
            advice[column] = r.point(f"advice_comms[{column}]")
    m_comms = r.points("m_comms", lookups)
    z_comms = r.points("z_comms", products)
    phi_comms = r.points("phi_comms", lookups)
    random_comm = r.point("random_comm")
    h_comms = r.points("h_comms", protocol.degree - 1)
    advice_evals = r.scalars("advice_evals", len(protocol.advice_queries))
    fixed_evals = r.scalars("fixed_evals", len(protocol.fixed_queries))
    random_eval = r.scalar("random_eval")
    sigma_evals = r.scalars("sigma_evals", len(protocol.permutation.columns))
    z_evals = tuple(r.scalars(f"z_evals[{j}]", 3 if j < products - 1 else 2) for j in range(products))
    lookup_evals = []
    for i in range(lookups):
        phi, phi_next, m = r.scalars(f"lookup_evals[{i}]", 3)
        lookup_evals.append((phi, phi_next, m))
    return Message(
        advice_comms=tuple(advice[column] for column in range(len(advice))),
        m_comms=m_comms,
        z_comms=z_comms,
        phi_comms=phi_comms,
        random_comm=random_comm,
        h_comms=h_comms,
        advice_evals=advice_evals,
        fixed_evals=fixed_evals,
        random_eval=random_eval,
        sigma_evals=sigma_evals,
        z_evals=z_evals,
        lookup_evals=tuple(lookup_evals),
        w_comm=r.point("w_comm"),
        w_prime_comm=r.point("w_prime_comm"),
    )
