"""Which lookup tuples share one logUp argument, and the degree D of the whole system.

Tuples are grouped by table; groups are ordered by the *text* of their table expressions (so column 10 precedes column 2);
inside a group a tuple joins the first argument that stays within the degree which the system has anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.protocol.expression import Node
from zkml.protocol.ezkl.system import ConstraintSystem
from zkml.protocol.ezkl.text import identifier
from zkml.protocol.protocol import Lookup


@dataclass(frozen=True)
class Group:
    """All tuples looked up in one table, in order of creation."""

    key: str
    table: tuple[int, ...]
    inputs: tuple[tuple[int, ...], ...]


def grouped(cs: ConstraintSystem) -> list[Group]:
    """Return the lookups by table, in byte order of the tables' identifiers."""
    keys: dict[tuple[int, ...], str] = {}
    members: dict[str, tuple[tuple[int, ...], list[tuple[int, ...]]]] = {}
    for lookup in cs.lookups:
        key = keys.get(lookup.table)
        if key is None:
            key = keys[lookup.table] = "".join(identifier(cs, e) for e in lookup.table)
        members.setdefault(key, (lookup.table, []))[1].append(lookup.inputs)
    return [Group(key, members[key][0], tuple(members[key][1])) for key in sorted(members)]


def tuple_degree(degree: Sequence[int], entries: Sequence[int]) -> int:
    return max(degree[e] for e in entries)


def packed(groups: Sequence[Group], gates: Sequence[int], degree: Sequence[int]) -> list[Lookup]:
    """Return the arguments, given the degree of every node."""
    least = max((degree[g] for g in gates), default=0)
    for group in groups:
        table = tuple_degree(degree, group.table)
        least = max(least, max(3, table + 2) + max(tuple_degree(degree, t) for t in group.inputs))
    out: list[Lookup] = []
    for group in groups:
        table = tuple_degree(degree, group.table)
        bins: list[tuple[int, list[tuple[int, ...]]]] = []  # (Σ tuple degrees, tuples)
        for entry in group.inputs:
            d = tuple_degree(degree, entry)
            for i, (total, tuples) in enumerate(bins):
                if max(3 + len(tuples), table + total + 2) + d <= least:
                    bins[i] = (total + d, [*tuples, entry])
                    break
            else:
                bins.append((d, [entry]))
        out.extend(Lookup(tuple(tuples), group.table) for _, tuples in bins)
    return out


def system_degree(arguments: Sequence[Lookup], gates: Sequence[int], degree: Sequence[int]) -> int:
    """Return D: the largest degree of gates and arguments, at least 3."""
    out = max(3, max((degree[g] for g in gates), default=0))
    for argument in arguments:
        total = sum(tuple_degree(degree, t) for t in argument.inputs)
        out = max(out, 3 + len(argument.inputs), tuple_degree(degree, argument.table) + total + 2)
    return out


def leaf_selectors(nodes: Sequence[Node], simple: Sequence[bool]) -> list[frozenset[int]]:
    """Return for every node the simple selectors in it."""
    none: frozenset[int] = frozenset()
    out: list[frozenset[int]] = []
    for node in nodes:
        match node.kind:
            case "selector":
                out.append(frozenset((node.a,)) if simple[node.a] else none)
            case "neg" | "scaled":
                out.append(out[node.a])
            case "sum" | "product":
                a, b = out[node.a], out[node.b]
                out.append(a if not b or a == b else (b if not a else a | b))
            case _:
                out.append(none)
    return out
