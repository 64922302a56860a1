"""Poseidon against the published vectors (circomlib's t = 2 constants; hashes as EZKL gives them)."""

from __future__ import annotations

from zkml.protocol.ezkl.poseidon import constants, inverse_matrix, poseidon_hash
from zkml.protocol.field import R


def test_the_constants_are_the_published_ones() -> None:
    rounds, m = constants()
    assert rounds[0][0] == 0x09C46E9EC68E9BD4FE1FAABA294CBA38A71AA177534CDD1B6C7DC0DBD0ABD7A7
    assert rounds[63][1] == 0x269E4B5B7A2EB21AFD567970A717CEEC5BD4184571C254FDC06E03A7FF8378F0
    assert m[0][0] == 0x066F6F85D6F68A85EC10345351A23A3AAF07F38AF8C952A7BCECA70BD2AF7AD5
    assert m[1][1] == 0x1274E649A32ED355A31A6ED69724E1ADADE857E86EB5C3A121BCD147943203C8


def test_the_inverse_matrix_inverts() -> None:
    m = constants()[1]
    inv = inverse_matrix(m)
    product = [[sum(m[i][t] * inv[t][j] for t in range(2)) % R for j in range(2)] for i in range(2)]
    assert product == [[1, 0], [0, 1]]


def test_hashes_are_ezkl_s() -> None:
    assert poseidon_hash([5]) == 0x212C8CB31BB08141841EFBCF4216D0E83F1A1E5A1EB3099DC552B903CB85AF60
    assert poseidon_hash([1, 2, 3]) == 0x2C3294B916F404517529C048D4EC3FB21CD0F370184A5729B71D4E499F8B5259
