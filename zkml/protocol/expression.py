"""Polynomial expressions as a list of nodes: operands come before what uses them, so there are no cycles and no recursion.

Node kinds (a, b are indices of earlier nodes):

    constant v · advice q · fixed q · instance q (q: index of a query) · challenge i · neg a · sum a b · product a b · scaled a v

`selector s` exists only while a constraint system is being built: selectors are replaced before a Protocol is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from zkml.errors import MalformedArtifact
from zkml.protocol.field import R

Kind = Literal["constant", "advice", "fixed", "instance", "challenge", "selector", "neg", "sum", "product", "scaled"]

LEAVES = frozenset({"constant", "advice", "fixed", "instance", "challenge", "selector"})
UNARY = frozenset({"neg", "scaled"})

MAX_NODES = 1 << 22
MAX_BUILD_STEPS = 1 << 22
"""How many expressions a builder may be asked for, repeated ones included: bounds the time that hostile settings cost."""


class Node(NamedTuple):
    """One node: `a` is an operand, a query, or a constant's value; `b` the second operand or the factor of `scaled`."""

    kind: Kind
    a: int
    b: int = 0


def operands(node: Node) -> tuple[int, ...]:
    """Return the indices of the nodes that this one uses."""
    if node.kind in LEAVES:
        return ()
    return (node.a,) if node.kind in UNARY else (node.a, node.b)


def degrees(nodes: Sequence[Node]) -> list[int]:
    """Return the degree of every node: constants and challenges 0, columns and selectors 1, sums the larger, products the sum."""
    out: list[int] = []
    for node in nodes:
        match node.kind:
            case "constant" | "challenge":
                out.append(0)
            case "advice" | "fixed" | "instance" | "selector":
                out.append(1)
            case "neg" | "scaled":
                out.append(out[node.a])
            case "sum":
                out.append(max(out[node.a], out[node.b]))
            case "product":
                out.append(out[node.a] + out[node.b])
    return out


def reachable(nodes: Sequence[Node], roots: Iterable[int]) -> list[bool]:
    """Return for every node whether one of `roots` uses it."""
    used = [False] * len(nodes)
    for root in roots:
        used[root] = True
    for i in range(len(nodes) - 1, -1, -1):
        if used[i]:
            for operand in operands(nodes[i]):
                used[operand] = True
    return used


def post_order(nodes: Sequence[Node], roots: Iterable[int]) -> list[int]:
    """Return the reachable nodes in post-order of first visit, left operand first."""
    seen: set[int] = set()
    order: list[int] = []
    for root in roots:
        stack = [(root, False)]
        while stack:
            index, ready = stack.pop()
            if ready:
                order.append(index)
                continue
            if index in seen:
                continue
            seen.add(index)
            stack.append((index, True))
            stack.extend((operand, False) for operand in reversed(operands(nodes[index])) if operand not in seen)
    return order


class Builder:
    """Makes nodes, each distinct one once. Raises `MalformedArtifact` beyond `MAX_NODES` nodes or `MAX_BUILD_STEPS` calls."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}
        self._steps = 0

    def add(self, node: Node) -> int:
        self._steps += 1
        found = self._index.get(node)
        if found is None:
            found = self._index[node] = len(self.nodes)
            self.nodes.append(node)
        if found >= MAX_NODES or self._steps > MAX_BUILD_STEPS:
            raise MalformedArtifact("the constraint system needs too many expressions", code="too-large")
        return found

    def constant(self, value: int) -> int:
        return self.add(Node("constant", value % R))

    def neg(self, a: int) -> int:
        return self.add(Node("neg", a))

    def sum(self, a: int, b: int) -> int:
        return self.add(Node("sum", a, b))

    def sub(self, a: int, b: int) -> int:
        return self.sum(a, self.neg(b))

    def product(self, a: int, b: int) -> int:
        return self.add(Node("product", a, b))

    def scaled(self, a: int, factor: int) -> int:
        return self.add(Node("scaled", a, factor % R))
