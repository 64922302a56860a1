"""Which float values are known to hold integers, from the nodes that make them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.model.model import Model, Tensor

WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
ROUNDED = ("Floor", "Ceil", "Round", "Sign")
KEEPING = (
    "Add", "Sub", "Mul", "Clip", "Neg", "Abs", "Min", "Max", "Where", "Identity", "Reshape", "Transpose", "Concat", "Slice",
    "Gather", "MatMul", "Conv", "Squeeze", "Unsqueeze", "Expand", "Flatten",
)  # fmt: skip
"""Operators whose result is whole when all the numbers that they read are."""

PARAMETERS = {"Reshape": 1, "Transpose": 1, "Slice": 1, "Gather": 1, "Squeeze": 1, "Unsqueeze": 1, "Expand": 1, "Flatten": 1}
"""How many of the first inputs are numbers, where the others are places and shapes."""


def is_whole(
    name: str,
    makers: Mapping[str, onnx.NodeProto],
    constants: Mapping[str, onnx.TensorProto],
    shapes: Mapping[str, Tensor],
    depth: int = 12,
) -> bool:
    """Return whether a value is known to hold integers only; it may do so without being known to."""
    if name in shapes and shapes[name].dtype in (*WHOLE, "bool"):
        return True
    if name in constants:
        array = numpy_helper.to_array(constants[name])
        return array.dtype.kind in "iub" or bool((array == np.round(array)).all())
    node = makers.get(name)
    if node is None or depth == 0:
        return False
    if node.op_type in ROUNDED:
        return True
    if node.op_type == "Cast":
        return is_whole(node.input[0], makers, constants, shapes, depth - 1)
    if node.op_type not in KEEPING:
        return False
    read = node.input[1:] if node.op_type == "Where" else node.input[: PARAMETERS.get(node.op_type, len(node.input))]
    return all(is_whole(n, makers, constants, shapes, depth - 1) for n in read if n)


def exact_casts(model: Model) -> frozenset[str]:
    """Return the names of the casts from a float to an integer that have nothing to round."""
    graph = model.proto.graph
    makers = {o: n for n in graph.node for o in n.output if o}
    constants = {t.name: t for t in graph.initializer}
    bools = onnx.TensorProto.BOOL
    return frozenset(
        n.name
        for n in graph.node
        if n.op_type == "Cast"
        and not any(a.name == "to" and a.i == bools for a in n.attribute)
        and is_whole(n.input[0], makers, constants, model.shapes)
    )
