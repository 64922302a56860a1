"""Sizes of a model read from its graph: parameters and multiply-accumulates."""

from __future__ import annotations

import math

import onnx
from onnx import TensorProto

FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}


def parameters(model: onnx.ModelProto) -> int:
    """Return the number of elements of all constant float tensors."""
    return sum(math.prod(t.dims) for t in model.graph.initializer if t.data_type in FLOATS)


def multiply_accumulates(model: onnx.ModelProto) -> int:
    """Return the multiplications of one inference in `Conv`, `Gemm`, `MatMul` and `LSTM` nodes, no biases.

    Raises `ValueError` where a shape cannot be inferred.
    """
    shapes = _shapes(model)

    def shape(name: str) -> list[int]:
        if name not in shapes:
            raise ValueError(f"no shape known for {name}")
        return shapes[name]

    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            _, per_group, *kernel = shape(node.input[1])
            total += math.prod(shape(node.output[0])) * per_group * math.prod(kernel)
        elif node.op_type == "MatMul":
            total += math.prod(shape(node.output[0])) * shape(node.input[0])[-1]
        elif node.op_type == "Gemm":
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            total += math.prod(shape(node.output[0])) * shape(node.input[0])[0 if transposed else 1]
        elif node.op_type == "LSTM":
            steps, batch, _ = shape(node.input[0])
            total += steps * batch * (math.prod(shape(node.input[1])) + math.prod(shape(node.input[2])))
    return total


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    return shapes
