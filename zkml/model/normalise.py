"""Valid ONNX made into ONNX that EZKL reads, with nothing lost: after each step onnxruntime computes the same."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zkml.model.fold import drop_unused, settle
from zkml.model.load import make_model
from zkml.model.model import Model, Rewritten
from zkml.model.shapes import infer, known_shapes
from zkml.model.simplify import inlined, name_nodes, simplify
from zkml.model.structure import check_weights

WINDOWED = {"Conv": "W", "ConvTranspose": "W", "MaxPool": None, "AveragePool": None, "LpPool": None}
"""Operators with strides; the spatial rank is that of the first input less two."""


INDEXED = {"Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"}
ADDED = {"float", "double", "float16", "int32", "int64"}


def normalise(model: Model, *, rewrite: bool = True) -> Model:
    """Return the model that is compiled: functions inlined, constants folded, defaults that EZKL lacks written out, shapes
    pinned, and, with `rewrite`, operators that EZKL refuses or gets wrong rewritten into others (see `zkml.model.rewrite`).

    Normalising the result again changes nothing. Raises `ModelError` when a function cannot be inlined, or the result is too
    large.
    """
    proto = settle(inlined(model.proto))
    rewrites: tuple[Rewritten, ...] = ()
    notes = model.notes
    if rewrite:
        simple = simplify(proto)
        proto, rewrites, notes = simple.proto, simple.rewrites, (*notes, *simple.notes)
    check_weights(proto)
    count_from_the_front(proto)
    expand_by_adding(proto)
    write_strides(proto, {name: len(t.shape) for name, t in known_shapes(proto).items()})
    drop_empty_inputs(proto)
    name_nodes(proto)
    drop_remarks(proto)
    drop_unused(proto.graph)
    proto = infer(proto)
    shapes = known_shapes(proto)
    pin_values(proto, set(shapes))
    return make_model(model.path, proto, model.digest, shapes, notes, rewrites)


def write_strides(proto: onnx.ModelProto, ranks: dict[str, int]) -> None:
    """Write out `strides` of ones where a convolution or pooling has none."""
    for node in proto.graph.node:
        if node.op_type not in WINDOWED or node.domain not in ("", "ai.onnx"):
            continue
        rank = ranks.get(node.input[0])
        if rank is not None and not any(a.name == "strides" for a in node.attribute):
            node.attribute.append(helper.make_attribute("strides", [1] * (rank - 2)))


def drop_empty_inputs(proto: onnx.ModelProto) -> None:
    """Drop trailing inputs with an empty name, and give `Pad` its default value where a later input needs the place."""
    graph = proto.graph
    types = {v.name: v.type.tensor_type.elem_type for v in [*graph.input, *graph.value_info, *graph.output]}
    types |= {t.name: t.data_type for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Pad" and len(node.input) > 3 and not node.input[2]:
            name = _new_name(graph, f"{node.output[0]}.zero")
            kind = helper.tensor_dtype_to_np_dtype(types.get(node.input[0], onnx.TensorProto.FLOAT))
            graph.initializer.append(numpy_helper.from_array(kind.type(0).reshape(()), name))
            node.input[2] = name
        while node.input and not node.input[-1]:
            node.input.pop()


def count_from_the_front(proto: onnx.ModelProto) -> None:
    """Turn constant negative indices of gathers and scatters into the positive ones that mean the same."""
    graph = proto.graph
    constants = {t.name: t for t in graph.initializer}
    shapes = known_shapes(proto)
    for node in graph.node:
        if node.op_type not in INDEXED or node.input[1] not in constants or node.input[0] not in shapes:
            continue
        indices = numpy_helper.to_array(constants[node.input[1]])
        if not (indices < 0).any():
            continue
        shape = np.asarray(shapes[node.input[0]].shape, dtype=indices.dtype)
        if node.op_type in ("GatherND", "ScatterND"):
            batch = next((a.i for a in node.attribute if a.name == "batch_dims"), 0)
            limit = shape[batch : batch + indices.shape[-1]]
        else:
            limit = shape[next((a.i for a in node.attribute if a.name == "axis"), 0)]
        name = _new_name(graph, f"{node.input[1]}.positive")
        graph.initializer.append(numpy_helper.from_array(np.where(indices < 0, indices + limit, indices), name))
        node.input[1] = name


def expand_by_adding(proto: onnx.ModelProto) -> None:
    """Replace `Expand` of numbers to a constant shape by the addition of zeros of that shape: EZKL's broadcast of a dimension
    that is not the first repeats in the wrong order, its addition does not."""
    graph = proto.graph
    constants = {t.name for t in graph.initializer}
    shapes = known_shapes(proto)
    for node in graph.node:
        if node.op_type != "Expand" or node.domain not in ("", "ai.onnx"):
            continue
        source, result = shapes.get(node.input[0]), shapes.get(node.output[0])
        if source is None or result is None or source.dtype not in ADDED or node.input[1] not in constants:
            continue
        kind = helper.tensor_dtype_to_np_dtype(onnx.TensorProto.DataType.Value(source.dtype.upper()))
        name = _new_name(graph, f"{node.output[0]}.zeros")
        graph.initializer.append(numpy_helper.from_array(np.zeros(result.shape, dtype=kind), name))
        node.op_type = "Add"
        node.input[1] = name


def _new_name(graph: onnx.GraphProto, wanted: str) -> str:
    taken = {t.name for t in graph.initializer} | {o for n in graph.node for o in n.output}
    taken |= {v.name for v in graph.input}
    while wanted in taken:
        wanted += "_"
    return wanted


def drop_remarks(proto: onnx.ModelProto) -> None:
    """Drop documentation and metadata: they would make the file's digest depend on who exported it."""
    del proto.metadata_props[:]
    proto.ClearField("doc_string")
    proto.graph.ClearField("doc_string")
    del proto.graph.metadata_props[:]
    for node in proto.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]:
        value.ClearField("doc_string")


def pin_values(proto: onnx.ModelProto, known: set[str]) -> None:
    """Drop inner shapes that still have a name instead of a number."""
    kept = [v for v in proto.graph.value_info if v.name in known]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(kept)
