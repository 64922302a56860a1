"""The Poseidon module of EZKL's hashed tensors: its constants and its gates (width 2, rate 1, x⁵, 8 full and 56 partial rounds).

Source: Grassi et al., "Poseidon" (USENIX Security 2021), with the reference Grain generator of its appendix. The gates take a
full round, two partial rounds at once, or one absorbed element, a row each.
"""

from __future__ import annotations

from functools import cache

from zkml.protocol.ezkl.system import ConstraintSystem
from zkml.protocol.field import R, inverse

FULL_ROUNDS = 8
PARTIAL_ROUNDS = 56
WIDTH = 2
FIELD_BITS = 254

Matrix = tuple[tuple[int, int], tuple[int, int]]


class _Grain:
    """The self-shrinking 80-bit generator."""

    def __init__(self) -> None:
        header = ((1, 2), (0, 4), (FIELD_BITS, 12), (WIDTH, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS, 10))
        text = "".join(f"{value:0{bits}b}" for value, bits in header) + "1" * 30
        self.state = [int(bit) for bit in text]
        for _ in range(160):
            self._step()

    def _step(self) -> int:
        s = self.state
        bit = s[62] ^ s[51] ^ s[38] ^ s[23] ^ s[13] ^ s[0]
        self.state = [*s[1:], bit]
        return bit

    def element(self) -> int:
        out = 0
        for _ in range(FIELD_BITS):
            while True:
                keep, bit = self._step(), self._step()
                if keep:
                    break
            out = out << 1 | bit
        return out


@cache
def constants() -> tuple[tuple[tuple[int, int], ...], Matrix]:
    """Return the round constants (one pair a round) and the mixing matrix M."""
    grain = _Grain()

    def below_r() -> int:
        while (value := grain.element()) >= R:
            pass
        return value

    rounds = tuple((below_r(), below_r()) for _ in range(FULL_ROUNDS + PARTIAL_ROUNDS))
    x0, x1, y0, y1 = (grain.element() % R for _ in range(4))
    return rounds, (
        (inverse(x0 + y0), inverse(x0 + y1)),
        (inverse(x1 + y0), inverse(x1 + y1)),
    )


def inverse_matrix(m: Matrix) -> Matrix:
    d = inverse(m[0][0] * m[1][1] - m[0][1] * m[1][0])
    return (m[1][1] * d % R, -m[0][1] * d % R), (-m[1][0] * d % R, m[0][0] * d % R)


def poseidon_hash(message: list[int]) -> int:
    """Return the hash of a message: state (0, 2⁶⁴); add an element to the first word and permute; the first word at the end."""
    rounds, m = constants()
    s0, s1 = 0, 1 << 64
    half = FULL_ROUNDS // 2
    for element in message:
        s0 = (s0 + element) % R
        for i, (c0, c1) in enumerate(rounds):
            s0, s1 = pow(s0 + c0, 5, R), (s1 + c1) % R
            if i < half or i >= half + PARTIAL_ROUNDS:
                s1 = pow(s1, 5, R)
            s0, s1 = (m[0][0] * s0 + m[0][1] * s1) % R, (m[1][0] * s0 + m[1][1] * s1) % R
    return s0


def poseidon_module(cs: ConstraintSystem, *, public_hash: bool) -> None:
    """Add the module's columns, its three selectors and gates; with a public hash also the instance column."""
    e = cs.build
    _, m = constants()
    inv = inverse_matrix(m)
    s0, s1 = cs.advice_column(), cs.advice_column()
    cs.enable_equality("advice", s0)
    cs.enable_equality("advice", s1)
    sb = cs.advice_column()
    a0, a1, b0, b1 = (cs.fixed_column() for _ in range(4))
    cs.enable_constant(b0)
    if public_hash:
        cs.enable_equality("instance", cs.instance_column())
    cs.enable_equality("fixed", b1)
    full, partial, pad = (cs.selector(simple=True) for _ in range(3))

    def fifth(x: int) -> int:
        square = e.product(x, x)
        return e.product(e.product(square, square), x)

    next0, cur0 = cs.advice(s0, 1), cs.advice(s0)
    add0, cur1, add1 = cs.fixed(a0), cs.advice(s1), cs.fixed(a1)
    next1 = cs.advice(s1, 1)
    boxed = (fifth(e.sum(cur0, add0)), fifth(e.sum(cur1, add1)))
    for t, after in enumerate((next0, next1)):
        mixed = e.sum(e.scaled(boxed[0], m[t][0]), e.scaled(boxed[1], m[t][1]))
        cs.gate(e.product(full, e.sub(mixed, after)))

    box = cs.advice(sb)
    more0, more1 = cs.fixed(b0), cs.fixed(b1)
    middle = [e.sum(e.scaled(box, m[i][0]), e.scaled(e.sum(cur1, add1), m[i][1])) for i in range(2)]
    before = [e.sum(e.scaled(next0, inv[i][0]), e.scaled(next1, inv[i][1])) for i in range(2)]
    cs.gate(e.product(partial, e.sub(fifth(e.sum(cur0, add0)), box)))
    cs.gate(e.product(partial, e.sub(fifth(e.sum(middle[0], more0)), before[0])))
    cs.gate(e.product(partial, e.sub(e.sum(middle[1], more1), before[1])))

    last1 = cs.advice(s1, -1)
    last0 = cs.advice(s0, -1)
    cs.gate(e.product(pad, e.sub(e.sum(last0, cur0), next0)))
    cs.gate(e.product(pad, e.sub(last1, next1)))
