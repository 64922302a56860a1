"""Whether a graph is one: names used once, no cycles, known operators, finite weights, something to compute."""

from __future__ import annotations

from collections import Counter
from math import prod

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.errors import ModelError
from zkml.model.model import node_label
from zkml.model.walk import outer_names, subgraphs, tensors

STANDARD = ("ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training")
MAX_ELEMENTS = 1 << 26
"""Of one value: each is a cell of a circuit, and the largest have 2^28 rows."""
MAX_WEIGHTS = 1 << 27
"""Elements of all weights of a file together."""

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
    newest = onnx.defs.onnx_opset_version()
    if opsets.get("ai.onnx", 0) > newest:
        raise ModelError(
            f"the model is of opset {opsets['ai.onnx']}, and the onnx package here knows none after {newest}",
            hint=f"export with opset {newest} or an earlier one, or update the onnx package",
            code="unknown-opset",
        )
    unknown: list[str] = []
    foreign: list[str] = []
    own = {(f.domain or "ai.onnx", f.name) for f in proto.functions}
    for graph in subgraphs(proto.graph):
        for i, node in enumerate(graph.node):
            domain = node.domain or "ai.onnx"
            if (domain, node.op_type) in own:
                continue
            if domain not in STANDARD:
                foreign.append(f"{node_label(node, i)}: {node.op_type} of {domain}")
                continue
            version = opsets.get(domain)
            if version is None:
                raise ModelError(f"the model uses the domain {domain} and imports no opset of it", code="no-opset")
            try:
                onnx.defs.get_schema(node.op_type, version, "" if domain == "ai.onnx" else domain)
            except onnx.defs.SchemaError:
                unknown.append(f"{node_label(node, i)}: {node.op_type} in opset {version} of {domain}")
    if foreign:
        raise ModelError(
            f"{len(foreign)} node{'s' if len(foreign) > 1 else ''} cannot be compiled, of domains that nothing here defines: "
            + "; ".join(foreign),
            hint="export the operator as a function of the model, or with operators of the standard alone",
            code="unknown-domain",
            node=foreign[0].split(":")[0],
            details={"nodes": foreign},
        )
    if unknown:
        raise ModelError(
            f"{len(unknown)} nodes have operators that do not exist: {'; '.join(unknown)}",
            hint="export again with an opset that has them, or fix the opset of the file",
            code="unknown-operator",
            node=unknown[0].split(":")[0],
            details={"nodes": unknown},
        )


def check_sizes(proto: onnx.ModelProto) -> None:
    """Raise `ModelError` when weights, or a value of known shape, have more elements than a circuit has room for.

    Looks at shapes alone: nothing has been computed or read from other files yet.
    """
    weights = sum(prod(t.dims) for _, _, t in tensors(proto.graph) if all(d >= 0 for d in t.dims))
    if weights > MAX_WEIGHTS:
        raise ModelError(
            f"the weights have {weights:,} elements, and a circuit has room for {MAX_WEIGHTS:,} at most",
            hint="use a smaller model",
            code="too-large",
        )
    makers = {o: (node_label(n, i), n.op_type) for i, n in enumerate(proto.graph.node) for o in n.output if o}
    for value in [*proto.graph.input, *proto.graph.value_info, *proto.graph.output]:
        dims = value.type.tensor_type.shape.dim
        size = prod(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else 0
        if size > MAX_ELEMENTS:
            node, op = makers.get(value.name, (None, ""))
            by = f", made by node {node} ({op})," if node else ""
            raise ModelError(
                f"{value.name!r}{by} has {size:,} elements, and a circuit has room for {MAX_ELEMENTS:,} at most",
                hint="use smaller dimensions (--dim), or a smaller model",
                code="too-large",
                node=node,
            )


def check_text(proto: onnx.ModelProto) -> None:
    """Raise `ModelError` naming every input that holds text."""
    text = [v.name for v in proto.graph.input if v.type.tensor_type.elem_type == onnx.TensorProto.STRING]
    if text:
        raise ModelError(
            f"input{'s' if len(text) > 1 else ''} {', '.join(repr(t) for t in text)} hold{'' if len(text) > 1 else 's'} text",
            hint="a circuit computes with numbers: encode the text outside, and give the model the numbers",
            code="text",
            details={"inputs": text},
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
