"""ONNX graphs written node by node, and the canonical form in which every model of the zoo is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 10
PRODUCER = "zkml model zoo"


class Graph:
    """A graph under construction: every method returns the name of the tensor that it adds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: list[int]) -> str:
        """Add a float32 input of a fixed shape."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def constant(self, name: str, value: npt.ArrayLike, dtype: type = np.float32) -> str:
        """Add a constant tensor."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, *inputs: str, out: str, **attributes: Any) -> str:
        """Add a node named like its one output."""
        self._nodes.append(helper.make_node(operator, list(inputs), [out], name=out, **attributes))
        return out

    def finish(self, output: str, shape: list[int], dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
        """Return the model with one output, in canonical form."""
        outputs = [helper.make_tensor_value_info(output, dtype, shape)]
        graph = helper.make_graph(self._nodes, self._name, self._inputs, outputs, initializer=self._constants)
        return canonical(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]))


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy without what differs between builds: tool names, stack traces, paths, doc strings.

    Raises `onnx.checker.ValidationError` when the model is not valid, and `ValueError` for a shape that is
    not fixed.
    """
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    clean.ir_version = IR_VERSION
    clean.producer_name, clean.producer_version = PRODUCER, ""
    clean.domain, clean.model_version, clean.doc_string = "", 0, ""
    clean.ClearField("metadata_props")
    graph = clean.graph
    graph.doc_string = ""
    graph.ClearField("metadata_props")
    graph.ClearField("value_info")
    for node in graph.node:
        node.doc_string = ""
        node.ClearField("metadata_props")
    for value in (*graph.input, *graph.output):
        value.doc_string = ""
        value.ClearField("metadata_props")
        if any(dim.dim_value <= 0 for dim in value.type.tensor_type.shape.dim):
            raise ValueError(f"{value.name} has a dimension that is not fixed")
    for tensor in graph.initializer:
        tensor.doc_string = ""
        tensor.ClearField("metadata_props")
    _drop_unused_constants(graph)
    onnx.checker.check_model(clean, full_check=True)
    return clean


def _drop_unused_constants(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    graph.ClearField("initializer")
    graph.initializer.extend(kept)


def to_bytes(model: onnx.ModelProto) -> bytes:
    """Return the model's bytes, the same for equal models."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data
