"""Walks over a graph and the graphs inside its attributes."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

MAX_NESTING = 16


def subgraphs(graph: onnx.GraphProto, depth: int = 0) -> Iterator[onnx.GraphProto]:
    """Yield `graph` and every graph inside the attributes of its nodes, outermost first, down to `MAX_NESTING`."""
    yield graph
    if depth >= MAX_NESTING:
        return
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from subgraphs(attribute.g, depth + 1)
            for inner in attribute.graphs:
                yield from subgraphs(inner, depth + 1)


def tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.NodeProto | None, onnx.TensorProto]]:
    """Yield (name, node that holds it or None, tensor) for all initializers and tensor attributes, inner graphs included."""
    for inner in subgraphs(graph):
        for tensor in inner.initializer:
            yield tensor.name, None, tensor
        for sparse in inner.sparse_initializer:
            yield sparse.values.name, None, sparse.values
            yield f"{sparse.values.name} (indices)", None, sparse.indices
        for node in inner.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t.name or f"{attribute.name} of {node.name or node.op_type}", node, attribute.t
                for tensor in attribute.tensors:
                    yield tensor.name or f"{attribute.name} of {node.name or node.op_type}", node, tensor
                if attribute.HasField("sparse_tensor"):
                    yield f"{attribute.name} of {node.name or node.op_type}", node, attribute.sparse_tensor.values


def outer_names(node: onnx.NodeProto) -> set[str]:
    """Return every name that a node reads: its inputs and what the graphs inside it take from outside."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for inner in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
            made = {i.name for i in inner.input} | {t.name for t in inner.initializer}
            for child in inner.node:
                names |= outer_names(child) - made
                made |= set(child.output)
            names |= {o.name for o in inner.output} - made
    return names
