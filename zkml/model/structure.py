"""Whether a graph is one: names used once, no cycles, known operators, finite weights, something to compute."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.errors import ModelError
from zkml.model.model import node_label
from zkml.model.walk import outer_names, subgraphs, tensors

FLOATS = {
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
}


def check_structure(proto: onnx.ModelProto) -> None:
    """Raise `ModelError` unless the graph has inputs, outputs, unique names and no cycle."""
    graph = proto.graph
    weights = {t.name for t in graph.initializer}
    if not graph.node:
        raise ModelError("the model has no nodes", code="no-nodes")
    if not [i for i in graph.input if i.name not in weights]:
        raise ModelError("the model has no inputs: it computes a constant, and there is nothing to prove", code="no-inputs")
    if not graph.output:
        raise ModelError("the model has no outputs", code="no-outputs")
    _check_names(graph)
    _check_order(graph)


def _check_names(graph: onnx.GraphProto) -> None:
    weights = [t.name for t in graph.initializer] + [s.values.name for s in graph.sparse_initializer]
    twice = [name for name, count in Counter(n.name for n in graph.node if n.name).items() if count > 1]
    if twice:
        raise ModelError(f"two nodes are named {twice[0]!r}", code="duplicate-name", node=twice[0])
    made = Counter(weights)
    made.update(i.name for i in graph.input if i.name not in set(weights))
    made.update(o for n in graph.node for o in n.output if o)
    twice = [name for name, count in made.items() if count > 1]
    if twice:
        makers = [node_label(n, i) for i, n in enumerate(graph.node) if twice[0] in n.output]
        raise ModelError(f"the value {twice[0]!r} is made more than once", code="duplicate-name", node=next(iter(makers), None))
    for what, names in (("inputs", graph.input), ("outputs", graph.output)):
        twice = [name for name, count in Counter(v.name for v in names).items() if count > 1]
        if twice:
            raise ModelError(f"two {what} are named {twice[0]!r}", code="duplicate-name")


def _check_order(graph: onnx.GraphProto) -> None:
    """Raise unless every node comes after the makers of what it reads, and everything read has a maker."""
    maker = {o: i for i, n in enumerate(graph.node) for o in n.output if o}
    known = {t.name for t in graph.initializer} | {i.name for i in graph.input}
    known |= {s.values.name for s in graph.sparse_initializer}
    reads = [sorted(outer_names(n)) for n in graph.node]
    for i, names in enumerate(reads):
        for name in names:
            if name not in maker and name not in known:
                label = node_label(graph.node[i], i)
                raise ModelError(f"node {label} reads {name!r}, which nothing makes", code="dangling", node=label)
    for output in graph.output:
        if output.name not in maker and output.name not in known:
            raise ModelError(f"nothing makes the output {output.name!r}", code="dangling")
    sources = [[maker[name] for name in names if name in maker] for names in reads]
    cycle = _find_cycle(sources)
    if cycle:
        labels = [node_label(graph.node[i], i) for i in cycle]
        raise ModelError(f"the graph has a cycle: {' -> '.join([*labels, labels[0]])}", code="cycle", node=labels[0])
    for i, before in enumerate(sources):
        if any(j >= i for j in before):
            label = node_label(graph.node[i], i)
            raise ModelError(
                f"node {label} comes before a node whose output it reads",
                hint="sort the nodes topologically, as ONNX requires",
                code="unsorted",
                node=label,
            )


def _find_cycle(sources: list[list[int]]) -> list[int]:
    """Return the nodes of one cycle in the direction of the data, or an empty list."""
    state = [0] * len(sources)
    for start in range(len(sources)):
        if state[start]:
            continue
        path: list[int] = []
        stack = [(start, iter(sources[start]))]
        state[start] = 1
        path.append(start)
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.pop()
                state[node] = 2
            elif state[following] == 1:
                return path[path.index(following) :][::-1]
            elif state[following] == 0:
                state[following] = 1
                path.append(following)
                stack.append((following, iter(sources[following])))
    return []


def check_operators(proto: onnx.ModelProto) -> None:
    """Raise `ModelError` naming every node of a standard domain whose operator does not exist in the model's opset."""
    opsets = {o.domain or "ai.onnx": o.version for o in proto.opset_import}
    unknown: list[str] = []
    own = {(f.domain or "ai.onnx", f.name) for f in proto.functions}
    for graph in subgraphs(proto.graph):
        for i, node in enumerate(graph.node):
            domain = node.domain or "ai.onnx"
            if domain not in ("ai.onnx", "ai.onnx.ml") or (domain, node.op_type) in own:
                continue
            version = opsets.get(domain)
            if version is None:
                raise ModelError(f"the model uses the domain {domain} and imports no opset of it", code="no-opset")
            try:
                onnx.defs.get_schema(node.op_type, version, "" if domain == "ai.onnx" else domain)
            except onnx.defs.SchemaError:
                unknown.append(f"{node_label(node, i)}: {node.op_type} in opset {version} of {domain}")
    if unknown:
        raise ModelError(
            f"{len(unknown)} nodes have operators that do not exist: {'; '.join(unknown)}",
            hint="export again with an opset that has them, or fix the opset of the file",
            code="unknown-operator",
            node=unknown[0].split(":")[0],
            details={"nodes": unknown},
        )


def check_weights(proto: onnx.ModelProto, *, masks: bool = False) -> bool:
    """Return whether a tensor holds minus infinity, which `masks` allows.

    Raises `ModelError` naming the first tensor that holds NaN or infinity, how many it holds, and the node that reads it.
    """
    masked = False
    for name, holder, tensor in tensors(proto.graph):
        try:
            array = numpy_helper.to_array(tensor)
            values = np.asarray(array) if tensor.data_type in FLOATS else np.zeros(0)
        except (ValueError, TypeError, RuntimeError) as e:
            raise ModelError(f"tensor {name!r} cannot be read: {e}", code="malformed-tensor") from e
        finite = np.isfinite(values)
        separates = holder is not None and holder.op_type == "TreeEnsemble" and name.startswith("membership_values ")
        if bool(finite.all()) or (separates and not np.isinf(values).any()):  # NaN stands between sets of members
            continue
        if masks and not bool((np.isnan(values) | (values > 0))[~finite].any()):
            masked = True
            continue
        bad = np.argwhere(~finite)
        reader = next((node_label(n, i) for g in subgraphs(proto.graph) for i, n in enumerate(g.node) if name in n.input), None)
        node = node_label(holder, 0) if holder is not None else reader
        where = tuple(int(i) for i in bad[0])
        raise ModelError(
            f"initializer {name!r} holds {values[where]} at {list(where)}"
            f" ({len(bad)} of {values.size} values are not finite), read by node {node}",
            hint="a circuit has no such number (the compiler would take NaN for 0): retrain, or replace the values",
            code="weights-not-finite",
            node=node,
        )
    return masked
