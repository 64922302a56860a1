"""Proofs made from the secret of a test ceremony, for circuits of shapes that EZKL never makes.

Whoever knows τ can choose every commitment and evaluation at will and solve the last equation for W′:

    (τ − u)·w′ = Σ weights·(commitments − evaluations) − Z_{S_0}(u)·w         (all as discrete logarithms)

Such a proof proves nothing; but a verifier accepts it only if it arrives at exactly this equation.
"""

from __future__ import annotations

import random
from typing import Any

from py_ecc.optimized_bn128.optimized_curve import normalize

from tests.vectors.layout import sections
from zkml.protocol import Column, Lookup, Permutation, Proof, Protocol, Query, Statement, StatementTensor, VerifierPoints
from zkml.protocol.expression import Node
from zkml.protocol.field import R, inverse
from zkml.protocol.points import G1_GENERATOR, G2_GENERATOR, G1Point
from zkml.protocol.py_ecc_curve import FQ, FQ2, multiply
from zkml.verifier.challenges import derive_challenges
from zkml.verifier.evaluation import Evaluations, evaluate_nodes, instance_evaluations, lagrange_values
from zkml.verifier.identities import (
    expected_quotient,
    gate_values,
    lookup_values,
    permutation_column_values,
    permutation_values,
)
from zkml.verifier.opening import combine, opened_polynomials
from zkml.verifier.reading import read_message


class Ceremony:
    """A test ceremony whose secret is known, and the discrete logarithms of the points made with it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tau = rng.randrange(2, R)
        self.logarithms: dict[G1Point, int] = {(0, 0): 0, (1, 2): 1}

    def point(self, logarithm: int | None = None) -> G1Point:
        """Return logarithm·G1, of a random one unless given."""
        s = self.rng.randrange(1, R) if logarithm is None else logarithm % R
        if s == 0:
            return (0, 0)
        x, y = normalize(multiply((FQ(1), FQ(2), FQ.one()), s))
        out = (int(x.n), int(y.n))
        self.logarithms[out] = s
        return out

    def verifier_points(self) -> VerifierPoints:
        base: Any = (FQ2(G2_GENERATOR[:2]), FQ2(G2_GENERATOR[2:]), FQ2.one())
        x, y = normalize(multiply(base, self.tau))
        a, b, c, d = (int(v) for v in (*x.coeffs, *y.coeffs))
        return VerifierPoints(G1_GENERATOR, G2_GENERATOR, (a, b, c, d))


def simulated_proof(protocol: Protocol, ceremony: Ceremony, instances: tuple[tuple[int, ...], ...]) -> Proof:
    """Return a proof of any instances."""
    rng = ceremony.rng
    data = b""
    for section in sections(protocol):
        for _ in range(section.count):
            if section.kind == "point":
                data += b"".join(c.to_bytes(32, "big") for c in ceremony.point())
            else:
                data += rng.randrange(R).to_bytes(32, "big")
    message = read_message(protocol, data)
    c = derive_challenges(protocol, instances, message)
    lagrange = lagrange_values(protocol, c.x)
    evals = Evaluations(
        message.advice_evals,
        message.fixed_evals,
        instance_evaluations(protocol, instances, c.x, lagrange.x_n),
        c.circuit,
    )
    nodes = evaluate_nodes(protocol, evals)
    columns = permutation_column_values(protocol, instances, evals, c.x, lagrange.x_n)
    values = gate_values(protocol, nodes) + permutation_values(protocol, message, c, lagrange, columns)
    for lookup, lookup_evals in zip(protocol.lookups, message.lookup_evals, strict=True):
        values += lookup_values(lookup, lookup_evals, nodes, c, lagrange)
    h_eval = expected_quotient(values, c.y, lagrange)
    terms, _ = combine(protocol, message, c, opened_polynomials(protocol, message, h_eval, lagrange.x_n))
    known = sum(ceremony.logarithms[point] * weight for point, weight in terms[:-1])
    w_prime = ceremony.point(known * inverse(ceremony.tau - c.u))
    return Proof(instances, data[:-64] + b"".join(v.to_bytes(32, "big") for v in w_prime))


def _protocol(ceremony: Ceremony, **shape: Any) -> Protocol:
    fixed, columns = shape["num_fixed"], len(shape["permutation"].columns)
    return Protocol(
        fixed_commitments=tuple(ceremony.point(0 if i == 0 else None) for i in range(fixed)),
        permutation_commitments=tuple(ceremony.point() for _ in range(columns)),
        transcript_digest=ceremony.rng.randrange(R),
        points=ceremony.verifier_points(),
        source={"compiler": "tests", "version": None},
        **shape,
    )


def _tensor(name: str, column: int, row: int, length: int, domain: tuple[int, int] | None) -> StatementTensor:
    return StatementTensor(name, "input", "public", "F32", (length,), 7, column, row, length, domain)


def three_phases(ceremony: Ceremony) -> Protocol:
    """Return a circuit with three phases out of order, two instance columns read at other rows, and lookups of several tuples."""
    nodes = (
        Node("advice", 0),
        Node("advice", 1),
        Node("fixed", 0),
        Node("instance", 0),
        Node("instance", 1),
        Node("challenge", 0),
        Node("challenge", 2),
        Node("product", 0, 1),
        Node("scaled", 7, R - 5),
        Node("neg", 8),
        Node("sum", 9, 5),
        Node("product", 10, 2),
        Node("sum", 11, 3),
        Node("product", 12, 6),
        Node("constant", 3),
        Node("product", 14, 4),
        Node("advice", 4),
        Node("challenge", 1),
        Node("product", 16, 17),
        Node("fixed", 1),
        Node("constant", 0),
    )
    return _protocol(
        ceremony,
        k=5,
        advice_phases=(0, 2, 1, 0),
        num_fixed=2,
        instance_rows=(3, 2),
        challenge_phases=(0, 2, 0, 1),
        advice_queries=(Query(0, 0), Query(0, 1), Query(1, -3), Query(2, 0), Query(3, 2), Query(1, 0), Query(3, 0)),
        fixed_queries=(Query(1, 0), Query(0, -1), Query(0, 0)),
        instance_queries=(Query(1, 0), Query(0, -2)),
        nodes=nodes,
        gates=(13, 15, 20, 13),
        lookups=(Lookup(((0, 16), (18, 1), (15, 14)), (2, 19)), Lookup(((8,),), (16,))),
        permutation=Permutation(
            (Column("advice", 2), Column("instance", 1), Column("fixed", 0), Column("advice", 3), Column("instance", 0)), 2
        ),
        blinding_factors=7,
        degree=7,
        statement=Statement((_tensor("a", 0, 0, 2, (-8, 8)), _tensor("b", 0, 2, 1, None), _tensor("c", 1, 0, 2, None))),
    )


def gates_only(ceremony: Ceremony) -> Protocol:
    """Return a circuit without copies, lookups, fixed columns or instances."""
    return _protocol(
        ceremony,
        k=3,
        advice_phases=(0,),
        num_fixed=0,
        instance_rows=(),
        challenge_phases=(),
        advice_queries=(Query(0, 1), Query(0, 0)),
        fixed_queries=(),
        instance_queries=(),
        nodes=(Node("advice", 0), Node("advice", 1), Node("product", 0, 1), Node("sum", 2, 0)),
        gates=(3,),
        lookups=(),
        permutation=Permutation((), 1),
        blinding_factors=3,
        degree=3,
        statement=Statement(()),
    )


def one_chunk(ceremony: Ceremony) -> Protocol:
    """Return a circuit whose copies fit one product, with more quotient pieces than its identities need."""
    return _protocol(
        ceremony,
        k=4,
        advice_phases=(0, 0),
        num_fixed=1,
        instance_rows=(1, 0),
        challenge_phases=(),
        advice_queries=(Query(1, 0), Query(0, 0), Query(1, -1)),
        fixed_queries=(Query(0, 0),),
        instance_queries=(Query(0, 1),),
        nodes=(Node("advice", 0), Node("instance", 0), Node("fixed", 0), Node("sum", 0, 1), Node("product", 2, 3)),
        gates=(4,),
        lookups=(),
        permutation=Permutation((Column("advice", 1), Column("advice", 0), Column("instance", 0)), 60),
        blinding_factors=5,
        degree=9,
        statement=Statement((_tensor("a", 0, 0, 1, (0, R // 2)),)),
    )


def simulations(rng: random.Random) -> dict[str, tuple[Protocol, Proof]]:
    """Return all simulated kinds with their proofs."""
    out = {}
    for make, instances in (
        (three_phases, ((3, R - 4, 17), (0, R - 1))),
        (gates_only, ()),
        (one_chunk, ((5,), ())),
    ):
        ceremony = Ceremony(rng)
        protocol = make(ceremony)
        out[f"simulated_{make.__name__}"] = (protocol, simulated_proof(protocol, ceremony, instances))
    return out
