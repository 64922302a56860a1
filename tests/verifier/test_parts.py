"""The verifier's parts against plainer statements of the same thing."""

from __future__ import annotations

import random

from py_ecc.optimized_bn128.optimized_curve import normalize

from tests.vectors import read
from tests.vectors.layout import sections
from zkml.protocol.field import P, R, inverse, inverses, omega
from zkml.protocol.py_ecc_curve import FQ, FQ2, FQ12, add, final_exponentiate, multiply, pairing
from zkml.verifier.curve import linear_combination
from zkml.verifier.evaluation import instance_at, lagrange_at, lagrange_run
from zkml.verifier.opening import interpolated_at
from zkml.verifier.pairing import in_final_kernel, miller
from zkml.verifier.transcript import Transcript, keccak256


def test_keccak_is_ethereum_s() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_a_squeeze_after_a_squeeze_hashes_a_byte_more() -> None:
    t = Transcript()
    t.absorb_scalar(1)
    t.absorb_scalar(2)
    first = keccak256((1).to_bytes(32, "big") + (2).to_bytes(32, "big"))
    assert t.squeeze() == int.from_bytes(first, "big") % R
    assert t.squeeze() == int.from_bytes(keccak256(first + b"\x01"), "big") % R


def test_a_squeeze_after_one_scalar_alone_hashes_a_byte_more() -> None:
    t = Transcript()
    t.absorb_scalar(7)
    assert t.squeeze() == int.from_bytes(keccak256((7).to_bytes(32, "big") + b"\x01"), "big") % R


def test_buckets_agree_with_point_by_point_multiplication() -> None:
    rng = random.Random(1)
    points = [read.protocol("linear").fixed_commitments[i] for i in range(12)] + [(0, 0), (1, 2), (1, 2)]
    terms = [(p, rng.choice([0, 1, R - 1, rng.randrange(R)])) for p in points]
    expected = (FQ.one(), FQ.one(), FQ.zero())
    for (x, y), scalar in terms:
        if (x, y) != (0, 0):
            expected = add(expected, multiply((FQ(x), FQ(y), FQ.one()), scalar))
    assert linear_combination(terms) == tuple(int(c) for c in normalize(expected))
    assert linear_combination([]) == (0, 0)
    assert linear_combination([((1, 2), 5), ((1, P - 2), 5)]) == (0, 0)


def test_the_miller_loop_from_lines_is_that_of_py_ecc() -> None:
    points = read.protocol("linear").points
    at = next(p for p in read.protocol("linear").fixed_commitments if p != (0, 0))
    lifted = (FQ(at[0]), FQ(at[1]), FQ.one())
    both = FQ12.one()
    for q in (points.g2, points.tau_g2):
        both *= pairing((FQ2(q[:2]), FQ2(q[2:]), FQ2.one()), lifted, final_exponentiate=False)
    assert miller([(points.g2, at), (points.tau_g2, at)]) == both
    assert miller([(points.g2, (0, 0))]) == FQ12.one()


def test_the_final_exponentiation_in_three_parts_is_that_of_py_ecc() -> None:
    rng = random.Random(2)
    f = FQ12([rng.randrange(P) for _ in range(12)])
    assert not in_final_kernel(f)
    assert final_exponentiate(f) != FQ12.one()
    # What an exponentiation by r leaves has an order that the final one removes.
    assert in_final_kernel(f**R)
    assert final_exponentiate(f**R) == FQ12.one()


def test_many_inverses_are_those_of_each() -> None:
    values = [1, 5, R - 1, 12345]
    assert inverses(values) == [inverse(a) for a in values]
    assert inverses([]) == []


def test_a_run_of_lagrange_polynomials_wraps_around() -> None:
    protocol = read.protocol("simulated_gates_only")
    x = 987654321
    x_n = pow(x, protocol.n, R)
    for first, count in ((-3, 7), (protocol.n - 2, 4), (0, 0)):
        expected = [lagrange_at(protocol, first + i, x, x_n) for i in range(count)]
        assert lagrange_run(protocol, first, count, x, x_n) == expected


def test_lagrange_polynomials_sum_to_one_and_interpolate_instances() -> None:
    protocol = read.protocol("simulated_gates_only")
    x, n, w = 123456789, protocol.n, omega(protocol.k)
    x_n = pow(x, n, R)
    assert sum(lagrange_at(protocol, i, x, x_n) for i in range(n)) % R == 1
    values = (3, 0, R - 4, 17)
    rows = [pow(w, i, R) for i in range(n)]
    padded = [*values, *[0] * (n - len(values))]
    for rotation in (-2, 0, 1):
        at = x * pow(w, rotation % n, R) % R
        assert instance_at(protocol, values, rotation, x, x_n) == interpolated_at(rows, padded, at)


def test_interpolation_returns_the_polynomial() -> None:
    points, u = [5, 9, R - 2], 77
    assert interpolated_at(points, [p * p + 3 for p in points], u) == (u * u + 3) % R


def test_the_layout_of_the_vectors_covers_the_proof() -> None:
    for kind in read.KINDS:
        protocol = read.protocol(kind)
        parts = sections(protocol)
        assert parts[-1].offset + parts[-1].size * parts[-1].count == protocol.proof_length == len(read.proof(kind).proof)
