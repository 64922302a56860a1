"""Constants computed once: what does not depend on the inputs becomes an initializer."""

from __future__ import annotations

import contextlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zkml.model.model import Tensor
from zkml.model.session import session
from zkml.model.shapes import infer, known_shapes
from zkml.model.walk import outer_names

MAX_FOLDED_BYTES = 1 << 26
"""A folded constant larger than this stays computed, unless it is no larger than what it was made from."""

RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"}


CONTROL = {"If", "Loop", "Scan"}
"""Nodes whose work has no bound that shapes would show."""

MAX_ROUNDS = 8


def settle(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return `proto` with shapes inferred and constants folded, until folding makes no further shape known."""
    settled = infer(proto)
    for _ in range(MAX_ROUNDS):
        folded = infer(fold_constants(settled))
        if len(folded.graph.node) == len(settled.graph.node):
            return folded
        settled = folded
    return settled


def fold_constants(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model that computes the same with constant subgraphs, `Shape` and `Size` replaced by initializers.

    `proto` carries inferred shapes: only nodes whose results are known to be small are run, so that a file of a few bytes cannot
    ask for all memory. Nodes that draw random numbers or loop, and those that onnxruntime cannot run, stay.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(proto)
    graph = folded.graph
    shapes = known_shapes(proto)
    constants = {t.name: t for t in graph.initializer}
    outputs = {o.name for o in graph.output}
    kept: list[onnx.NodeProto] = []
    pending: list[onnx.NodeProto] = []
    made: set[str] = set()

    for node in graph.node:
        known = _static_value(node, shapes)
        if known is not None and node.output[0] not in outputs:
            tensor = numpy_helper.from_array(known, node.output[0])
            constants[node.output[0]] = tensor
            graph.initializer.append(tensor)
            continue
        names = outer_names(node)
        constant = (
            node.op_type not in RANDOM | CONTROL
            and _is_small(node, shapes)
            and node.domain in ("", "ai.onnx")
            and all(n in constants or n in made for n in names)
            and not outputs & set(node.output)
        )
        if constant:
            pending.append(node)
            made |= {o for o in node.output if o}
        else:
            kept.append(node)

    values = _evaluate(folded, pending, constants)
    failed = [n for n in pending if any(o and o not in values for o in n.output)]
    order = {id(n): i for i, n in enumerate(graph.node)}
    for node in pending:
        if node not in failed:
            graph.initializer.extend(numpy_helper.from_array(values[o], o) for o in node.output if o)
    kept = sorted([*kept, *failed], key=lambda n: order[id(n)])
    copies = []
    for node in kept:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:]
    graph.node.extend(copies)
    drop_unused(graph)
    return folded


def _is_small(node: onnx.NodeProto, shapes: dict[str, Tensor]) -> bool:
    """Return whether all results of a node have known shapes, small or no larger than all that it reads."""
    if any(o and o not in shapes for o in node.output):
        return False
    made = sum(shapes[o].size for o in node.output if o)
    return made <= max(MAX_FOLDED_BYTES // 8, sum(shapes[n].size for n in outer_names(node) if n in shapes))


def _static_value(node: onnx.NodeProto, shapes: dict[str, Tensor]) -> np.ndarray | None:
    """Return the value of `Shape` or `Size` of a tensor of known shape, or of a plain `Constant`; None for other nodes."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "Constant":
        for attribute in node.attribute:
            if attribute.name == "value":
                return numpy_helper.to_array(attribute.t)
            if attribute.name in ("value_float", "value_floats"):
                return np.asarray(helper.get_attribute_value(attribute), dtype=np.float32)
            if attribute.name in ("value_int", "value_ints"):
                return np.asarray(helper.get_attribute_value(attribute), dtype=np.int64)
        return None
    tensor = shapes.get(node.input[0]) if node.op_type in ("Shape", "Size") else None
    if tensor is None:
        return None
    dims = np.asarray(tensor.shape, dtype=np.int64)
    if node.op_type == "Size":
        return np.asarray(dims.prod(), dtype=np.int64)
    bounds = {a.name: a.i for a in node.attribute}
    return dims[slice(bounds.get("start"), bounds.get("end"))]


def _evaluate(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]
) -> dict[str, np.ndarray]:
    """Return the values that onnxruntime gives to the outputs of constant `nodes`; what fails or is too large is left out."""
    values: dict[str, np.ndarray] = {}
    if not nodes:
        return values
    with contextlib.suppress(Exception):
        return _small(_run(model, nodes, constants), nodes, constants)
    for node in nodes:  # one of them cannot run: find out which, keep the others
        have = constants | {name: numpy_helper.from_array(v, name) for name, v in values.items()}
        if all(n in have for n in outer_names(node)):
            with contextlib.suppress(Exception):
                values |= _small(_run(model, [node], have), [node], have)
    return values


def _run(model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]) -> dict[str, np.ndarray]:
    names = [o for n in nodes for o in n.output if o]
    read = {name for n in nodes for name in outer_names(n)}
    graph = helper.make_graph(
        nodes,
        "constants",
        [],
        [onnx.ValueInfoProto(name=name) for name in names],
        [t for name, t in constants.items() if name in read],
    )
    part = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    return dict(zip(names, session(part.SerializeToString()).run(names, {}), strict=True))


def _small(
    values: dict[str, np.ndarray], nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]
) -> dict[str, np.ndarray]:
    """Return the values of the nodes that may be folded: small, or no larger than their inputs; a later one needs its makers."""
    kept: dict[str, np.ndarray] = {}
    for node in nodes:
        names = outer_names(node)
        if any(n not in constants and n not in kept for n in names):
            continue
        before = sum(kept[n].nbytes if n in kept else numpy_helper.to_array(constants[n]).nbytes for n in names)
        made = {o: np.asarray(values[o]) for o in node.output if o}
        if sum(v.nbytes for v in made.values()) <= max(MAX_FOLDED_BYTES, before):
            kept |= made
    return kept


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove initializers and inferred shapes that no node reads any more."""
    read = {name for node in graph.node for name in outer_names(node)} | {o.name for o in graph.output}
    for values in (graph.initializer, graph.value_info):
        kept = [v for v in values if v.name in read]
        del values[:]
        values.extend(kept)
