"""Expressions as EZKL's halo2 prints them: identifiers (they order the tables) and debug text (it is digested)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import reachable
from zkml.protocol.ezkl.system import ConstraintSystem
from zkml.protocol.field import felt_hex

MAX_TEXT = 256 << 20
"""Characters of digest text that are still printed; EZKL's own largest circuits stay far below."""


def _texts(cs: ConstraintSystem, roots: Sequence[int], style: str) -> dict[int, str]:
    """Return the text of every node that `roots` use, operands first. Raises `MalformedArtifact` beyond `MAX_TEXT`."""
    nodes = cs.build.nodes
    used = reachable(nodes, roots)
    out: dict[int, str] = {}
    total = 0
    for i, node in enumerate(nodes):
        if not used[i]:
            continue
        a, b = out.get(node.a, ""), out.get(node.b, "")
        total += len(a) + len(b)
        if total > MAX_TEXT:
            raise MalformedArtifact("the constraint system is too large to print", code="too-large")
        out[i] = (_identifier if style == "identifier" else _debug)(cs, i, a, b)
    return out


def _identifier(cs: ConstraintSystem, index: int, a: str, b: str) -> str:
    node = cs.build.nodes[index]
    match node.kind:
        case "constant":
            return felt_hex(node.a)
        case "selector":
            return f"selector[{node.a}]"
        case "challenge":
            return f"challenge[{node.a}]"
        case "neg":
            return f"(-{a})"
        case "sum":
            return f"({a}+{b})"
        case "product":
            return f"({a}*{b})"
        case "scaled":
            return f"{a}*{felt_hex(node.b)}"
        case "advice":
            query = cs.advice_queries.items[node.a]
        case "fixed":
            query = cs.fixed_queries.items[node.a]
        case "instance":
            query = cs.instance_queries.items[node.a]
    return f"{node.kind}[{query.column}][{query.rotation}]"


def _debug(cs: ConstraintSystem, index: int, a: str, b: str) -> str:
    node = cs.build.nodes[index]
    match node.kind:
        case "constant":
            return f"Constant({felt_hex(node.a)})"
        case "selector":
            return f"Selector(Selector({node.a}, {'true' if cs.simple[node.a] else 'false'}))"
        case "challenge":
            phase = cs.challenge_phases[node.a]
            return f"Challenge(Challenge {{ index: {node.a}, phase: Phase({phase}) }})"
        case "neg":
            return f"Negated({a})"
        case "sum":
            return f"Sum({a}, {b})"
        case "product":
            return f"Product({a}, {b})"
        case "scaled":
            return f"Scaled({a}, {felt_hex(node.b)})"
        case "advice":
            query = cs.advice_queries.items[node.a]
            name, phase = "Advice", cs.advice_phases[query.column]
        case "fixed":
            query = cs.fixed_queries.items[node.a]
            name, phase = "Fixed", 0
        case "instance":
            query = cs.instance_queries.items[node.a]
            name, phase = "Instance", 0
    later = f", phase: Phase({phase})" if phase else ""
    return f"{name} {{ query_index: {node.a}, column_index: {query.column}, rotation: Rotation({query.rotation}){later} }}"


def identifier(cs: ConstraintSystem, root: int) -> str:
    """Return the identifier of one expression."""
    return _texts(cs, [root], "identifier")[root]


def debug_texts(cs: ConstraintSystem, roots: Iterable[int]) -> dict[int, str]:
    """Return the debug text of expressions and all their parts."""
    return _texts(cs, list(roots), "debug")
