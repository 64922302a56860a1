"""Expressions over the scalar field as a shared graph, and their text in Yul.

The graph holds the circuit's own nodes and the verifier's identities alike, so a product that a gate and a lookup both use is
computed once. The Yul text reduces lazily: every value carries a bound B (it is at most B·r), sums stay plain additions while
B·r fits a word, and `mulmod` takes operands of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from zkml.protocol.field import R

Op = Literal["leaf", "const", "neg", "add", "sub", "mul"]

MAX_BOUND = (2**256 - 1) // R
"""How many times r fits a word: 5."""

MAX_DEPTH = 9
"""Stack words that one expression may take; the machine reaches 16 deep, and the surrounding block needs some of them."""

WORD_COST = 6
"""Gas of reading a word at a constant place: PUSH2 and MLOAD."""


class Expr(NamedTuple):
    """One node: `name` for leaves, `a` the value of a constant, `a` and `b` operands (indices of earlier nodes)."""

    op: Op
    a: int = 0
    b: int = 0
    name: str = ""


class Dag:
    """Makes nodes, each distinct one once, with the simplifications that need no knowledge of values."""

    def __init__(self) -> None:
        self.nodes: list[Expr] = []
        self._index: dict[Expr, int] = {}

    def _add(self, node: Expr) -> int:
        found = self._index.get(node)
        if found is None:
            found = self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def _constant_of(self, i: int) -> int | None:
        node = self.nodes[i]
        return node.a if node.op == "const" else None

    def leaf(self, name: str) -> int:
        return self._add(Expr("leaf", name=name))

    def const(self, value: int) -> int:
        return self._add(Expr("const", value % R))

    def neg(self, a: int) -> int:
        value = self._constant_of(a)
        if value is not None:
            return self.const(-value)
        node = self.nodes[a]
        return node.a if node.op == "neg" else self._add(Expr("neg", a))

    def add(self, a: int, b: int) -> int:
        x, y = self._constant_of(a), self._constant_of(b)
        if x is not None and y is not None:
            return self.const(x + y)
        if x == 0:
            return b
        if y == 0:
            return a
        if self.nodes[b].op == "neg":
            return self._add(Expr("sub", a, self.nodes[b].a))
        if self.nodes[a].op == "neg":
            return self._add(Expr("sub", b, self.nodes[a].a))
        return self._add(Expr("add", min(a, b), max(a, b)))

    def sub(self, a: int, b: int) -> int:
        return self.add(a, self.neg(b))

    def mul(self, a: int, b: int) -> int:
        x, y = self._constant_of(a), self._constant_of(b)
        if x is not None and y is not None:
            return self.const(x * y)
        for value, other in ((x, b), (y, a)):
            if value == 0:
                return self.const(0)
            if value == 1:
                return other
            if value == R - 1:
                return self.neg(other)
        return self._add(Expr("mul", min(a, b), max(a, b)))

    def operands(self, i: int) -> tuple[int, ...]:
        node = self.nodes[i]
        if node.op in ("leaf", "const"):
            return ()
        return (node.a,) if node.op == "neg" else (node.a, node.b)

    def evaluate(self, leaves: dict[str, int]) -> list[int]:
        """Return the value of every node: the plain twin of the Yul text, for tests."""
        out: list[int] = []
        for node in self.nodes:
            match node.op:
                case "leaf":
                    value = leaves[node.name]
                case "const":
                    value = node.a
                case "neg":
                    value = -out[node.a]
                case "add":
                    value = out[node.a] + out[node.b]
                case "sub":
                    value = out[node.a] - out[node.b]
                case "mul":
                    value = out[node.a] * out[node.b]
            out.append(value % R)
        return out


@dataclass(frozen=True)
class Piece:
    """A node as Yul text: the stack words it takes to evaluate, its bound in units of r, its gas."""

    text: str
    depth: int
    bound: int
    cost: int


def literal(value: int) -> str:
    """Return a constant of the field as Yul: small ones in decimal, small negative ones as r − c."""
    if value < 1 << 32:
        return str(value)
    if R - value < 1 << 32:
        return f"sub(r, {R - value})"
    return f"0x{value:064x}"


def _constant(value: int) -> Piece:
    negative = value >= 1 << 32 and R - value < 1 << 32
    return Piece(literal(value), 2 if negative else 1, 1, 9 if negative else 3)


def _multiple_of_r(bound: int) -> str:
    return "r" if bound == 1 else f"mul({bound}, r)"


def _negated(a: Piece) -> Piece:
    return Piece(f"sub({_multiple_of_r(a.bound)}, {a.text})", a.depth + 2, a.bound, a.cost + 6 + 6 * (a.bound > 1))


def _sum(a: Piece, b: Piece) -> Piece:
    if a.depth > b.depth:  # the second operand is evaluated first, with the stack still empty
        a, b = b, a
    if a.bound + b.bound <= MAX_BOUND:
        return Piece(f"add({a.text}, {b.text})", max(b.depth, a.depth + 1), a.bound + b.bound, a.cost + b.cost + 3)
    return Piece(f"addmod({a.text}, {b.text}, r)", max(b.depth + 1, a.depth + 2), 1, a.cost + b.cost + 11)


def _product(a: Piece, b: Piece) -> Piece:
    if a.depth > b.depth:
        a, b = b, a
    return Piece(f"mulmod({a.text}, {b.text}, r)", max(b.depth + 1, a.depth + 2), 1, a.cost + b.cost + 11)


class YulText:
    """Writes expressions of one graph as Yul; `new_word` gives the name of a fresh word for a shared value.

    A value used several times is kept in a word when that is cheaper than computing it again, and whenever the stack would
    grow too deep. `leaf` is how a word of the layout is read.
    """

    def __init__(
        self, dag: Dag, roots: Sequence[int], new_word: Callable[[], str], leaf: Literal["mload", "calldataload"] = "mload"
    ) -> None:
        self._dag = dag
        self._new_word = new_word
        self._leaf = leaf
        self._pieces: dict[int, Piece] = {}
        self._uses = [0] * len(dag.nodes)
        seen: set[int] = set()
        for root in roots:
            self._uses[root] += 1
            stack = [root]
            while stack:
                node = stack.pop()
                if node in seen:
                    continue
                seen.add(node)
                for operand in dag.operands(node):
                    self._uses[operand] += 1
                    stack.append(operand)

    def _inline(self, i: int) -> Piece:
        node = self._dag.nodes[i]
        match node.op:
            case "leaf":
                return Piece(f"{self._leaf}({node.name})", 1, 1, WORD_COST)
            case "const":
                return _constant(node.a)
            case "neg":
                return _negated(self._pieces[node.a])
            case "add":
                return _sum(self._pieces[node.a], self._pieces[node.b])
            case "sub":
                return _sum(self._pieces[node.a], _negated(self._pieces[node.b]))
            case "mul":
                return _product(self._pieces[node.a], self._pieces[node.b])

    def write(self, root: int) -> tuple[list[str], Piece]:
        """Return the statements that must come first, and the piece whose text is the value of `root`."""
        statements: list[str] = []
        stack = [(root, False)]
        while stack:
            i, ready = stack.pop()
            if i in self._pieces:
                continue
            if not ready:
                stack.append((i, True))
                stack.extend((operand, False) for operand in reversed(self._dag.operands(i)))
                continue
            piece = self._inline(i)
            if self._dag.nodes[i].op not in ("leaf", "const"):
                uses = self._uses[i]
                shared = uses > 1 and uses * piece.cost > piece.cost + WORD_COST * (1 + uses)
                if shared or piece.depth > MAX_DEPTH:
                    word = self._new_word()
                    statements.append(f"mstore({word}, {piece.text})")
                    piece = Piece(f"mload({word})", 1, piece.bound, WORD_COST)
            self._pieces[i] = piece
        return statements, self._pieces[root]
