"""Selectors become fixed columns: one each, or several that are never active together in one column.

A combined column q holds t on the rows of its t-th member, whose expression is q·∏_{root ≠ t} (root − q): non-zero exactly there,
though not 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import Node, degrees, reachable
from zkml.protocol.ezkl.packing import leaf_selectors
from zkml.protocol.ezkl.system import ConstraintSystem

MAX_COMPARISONS = 1 << 25


@dataclass(frozen=True)
class Combination:
    """The selectors of one column, in order of their values 1, 2, …; a single member writes 1."""

    members: tuple[int, ...]


def selector_degrees(cs: ConstraintSystem) -> list[int]:
    """Return for each selector the largest degree of a gate with it; 0 for complex and unused ones."""
    degree = degrees(cs.build.nodes)
    held = leaf_selectors(cs.build.nodes, cs.simple)
    out = [0] * len(cs.simple)
    for gate in cs.gates:
        for s in held[gate]:
            out[s] = max(out[s], degree[gate])
    return out


def combinations(selector_degree: Sequence[int], active: Sequence[int], degree: int) -> list[Combination]:
    """Return the columns, in order. `active[s]` has bit i set where selector s is on in row i; `degree` is D."""
    out = [Combination((s,)) for s, d in enumerate(selector_degree) if d == 0]
    rest = [s for s, d in enumerate(selector_degree) if d > 0]
    placed: set[int] = set()
    comparisons = 0
    for position, first in enumerate(rest):
        if first in placed:
            continue
        members, rows, d = [first], active[first], selector_degree[first] - 1
        for s in rest[position + 1 :]:
            comparisons += 1
            if comparisons > MAX_COMPARISONS:
                raise MalformedArtifact("the selectors take too long to combine", code="too-large")
            if d + len(members) == degree:
                break
            if s in placed or active[s] & rows:
                continue
            larger = max(d, selector_degree[s] - 1)
            if larger + len(members) + 1 > degree:
                continue
            members.append(s)
            placed.add(s)
            rows |= active[s]
            d = larger
        out.append(Combination(tuple(members)))
    return out


def replacements(cs: ConstraintSystem, columns: Iterable[Combination]) -> dict[int, int]:
    """Allocate and query the columns; return the node that replaces each selector."""
    e = cs.build
    out: dict[int, int] = {}
    for combination in columns:
        q = cs.fixed(cs.fixed_column())
        size = len(combination.members)
        for value, selector in enumerate(combination.members, 1):
            node = q
            for root in range(1, size + 1):
                if root != value:
                    node = e.product(node, e.sub(e.constant(root), q))
            out[selector] = node
    return out


def substituted(cs: ConstraintSystem, roots: Sequence[int], replacement: Mapping[int, int]) -> dict[int, int]:
    """Return for every node that `roots` use the node with its selectors replaced."""
    e = cs.build
    count = len(e.nodes)
    used = reachable(e.nodes, roots)
    out: dict[int, int] = {}
    for i in range(count):
        if not used[i]:
            continue
        node = e.nodes[i]
        match node.kind:
            case "selector":
                out[i] = replacement[node.a]
            case "neg" | "scaled":
                out[i] = e.add(Node(node.kind, out[node.a], node.b))
            case "sum" | "product":
                out[i] = e.add(Node(node.kind, out[node.a], out[node.b]))
            case _:
                out[i] = i
    return out
