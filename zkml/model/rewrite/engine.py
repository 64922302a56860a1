"""Applies rules to a graph until none applies any more, and remembers what became of each of the user's nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from zkml.errors import InternalFault, ModelError
from zkml.model.fold import settle
from zkml.model.model import Rewritten
from zkml.model.opset import LEAST_OPSET, opset_of
from zkml.model.rewrite.rule import Applied, Rule
from zkml.model.rewrite.site import Site
from zkml.model.shapes import known_shapes
from zkml.model.walk import outer_names

MAX_ROUNDS = 24
MAX_NODES = 200_000
MAX_WEIGHT_BYTES = 1 << 29
"""What all rewrites of a model together may make."""


def rewrite(proto: onnx.ModelProto, rules: Sequence[Rule]) -> tuple[onnx.ModelProto, tuple[Rewritten, ...]]:
    """Return a settled model in which no rule applies, computing the same, and what became of the nodes that were replaced.

    `proto` is settled already and all its nodes have names. In each round the first rule that applies to a node replaces it; then
    constants are folded and shapes inferred again. Raises `ModelError` when the result would be too large, `InternalFault` when
    the rules come to no end.
    """
    if opset_of(proto) < LEAST_OPSET:
        return proto, ()
    by_op: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        for op in sorted(rule.ops):
            by_op.setdefault((rule.domain, op), []).append(rule)
    users = {node.name: node.op_type for node in proto.graph.node}
    log: list[Applied] = []
    made_bytes = 0
    for _ in range(MAX_ROUNDS):
        copy = onnx.ModelProto()
        copy.CopyFrom(proto)
        applied, size = _round(copy, by_op)
        if not applied:
            return proto, _trace(log, users, proto)
        log += applied
        made_bytes += size
        if made_bytes > MAX_WEIGHT_BYTES or len(copy.graph.node) > MAX_NODES:
            raise ModelError(
                f"rewriting node {applied[-1].node} ({applied[-1].op}) for the compiler makes the model too large",
                hint="use smaller dimensions, or --no-rewrite",
                code="too-large",
                node=applied[-1].node,
            )
        proto = settle(copy)
    last = log[-1]
    raise InternalFault(
        f"rewriting came to no end at node {last.node} ({last.op}, rule {last.rule})",
        hint="compile with --no-rewrite",
        code="rewrite-loop",
        node=last.node,
    )


def _round(proto: onnx.ModelProto, by_op: Mapping[tuple[str, str], Sequence[Rule]]) -> tuple[list[Applied], int]:
    """Apply at most one rule to each node of `proto`, in place; return what was applied and the bytes of constants made."""
    graph = proto.graph
    shapes = known_shapes(proto)
    constants = {t.name: t for t in graph.initializer}
    outputs = {o.name for o in graph.output}
    inner = {name for node in graph.node for name in outer_names(node) - set(node.input)}
    read = {name for node in graph.node for name in outer_names(node)} | outputs
    taken = {v.name for v in [*graph.input, *graph.initializer]} | {o for n in graph.node for o in n.output}
    taken |= {n.name for n in graph.node}
    makers = {o: node for node in graph.node for o in node.output if o}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in outer_names(node):
            readers.setdefault(name, []).append(node)
    versions = {o.domain or "ai.onnx": o.version for o in proto.opset_import}
    renamed: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    applied: list[Applied] = []
    size = 0
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        opset = opset_of(proto)
        done = None
        for rule in by_op.get((node.domain or "ai.onnx", node.op_type), ()):
            site = Site(node, node.name, opset, shapes, constants, read, taken, makers, readers, frozenset(outputs), versions)
            values = rule.replace(site)
            if values is not None:
                done = rule, site, values
                break
        if done is None:
            nodes.append(node)
            continue
        rule, site, values = done
        renamed |= _connect(site, values, outputs | inner)
        shapes |= {new: shapes[old] for old, new in renamed.items() if old in shapes and new not in shapes}
        makers = {k: n for k, n in makers.items() if k not in node.output} | {o: n for n in site.nodes for o in n.output}
        nodes += site.nodes
        graph.initializer.extend(site.weights)
        constants |= {t.name: t for t in site.weights}
        size += sum(t.ByteSize() for t in site.weights)
        applied.append(Applied(rule.name, node.name, node.op_type, tuple(n.name for n in site.nodes)))
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    if applied:
        _drop_dead(graph)
    return applied, size


def _connect(site: Site, values: Sequence[str], fixed: set[str]) -> dict[str, str]:
    """Give the replacing values the names of the node's outputs; return the outputs whose readers must read another name.

    A value of `fixed` name that is no output of a new node gets an `Identity`.
    """
    renamed: dict[str, str] = {}
    makers = {o for n in site.nodes for o in n.output}
    moved: dict[str, str] = {}
    for old, new in zip(site.node.output, values, strict=False):
        if not old or not new:
            continue
        source = moved.get(new, new)
        if source in makers:
            makers.discard(source)
            moved[new] = old
            for node in site.nodes:
                for names in (node.input, node.output):
                    for i, name in enumerate(names):
                        if name == source:
                            names[i] = old
        elif old in fixed:
            site.op_("Identity", source)
            site.nodes[-1].output[0] = old
        else:
            renamed[old] = source
    return renamed


def _drop_dead(graph: onnx.GraphProto) -> None:
    """Remove nodes none of whose outputs is read, the outputs' makers excepted."""
    needed = {o.name for o in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed |= outer_names(node)
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(kept)]
    del graph.node[:]
    graph.node.extend(copies)


def _trace(log: Sequence[Applied], users: Mapping[str, str], proto: onnx.ModelProto) -> tuple[Rewritten, ...]:
    """Return for each of the user's nodes that was replaced the rules and the nodes that are left of it, in the user's order."""
    origin: dict[str, str] = {}
    rules: dict[str, dict[str, None]] = {}
    for a in log:
        user = origin.get(a.node, a.node)
        rules.setdefault(user, {})[a.rule] = None
        origin |= dict.fromkeys(a.made, user)
    left: dict[str, list[str]] = {user: [] for user in rules}
    for node in proto.graph.node:
        if node.name in origin:
            left[origin[node.name]].append(node.name)
    return tuple(Rewritten(u, op, tuple(rules[u]), tuple(left[u])) for u, op in users.items() if u in rules)
