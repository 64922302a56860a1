"""Every float as a 32-bit one: a circuit's numbers are fixed-point, and half or double precision only stands in the way."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.model.walk import subgraphs

OTHER = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE}
TYPED = ("to", "dtype", "stash_type", "output_dtype")


def as_float32(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """Return a copy with all floats of 16 and 64 bits as floats of 32, and which there were; the model itself when none.

    Weights of 16 bits keep their value; those of 64 are rounded.
    """
    kinds: set[int] = set()
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for graph in subgraphs(copy.graph):
        for value in [*graph.input, *graph.output, *graph.value_info]:
            kind = value.type.tensor_type
            if kind.elem_type in OTHER:
                kinds.add(kind.elem_type)
                kind.elem_type = onnx.TensorProto.FLOAT
        for tensor in graph.initializer:
            _narrow(tensor, kinds)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    _narrow(attribute.t, kinds)
                for tensor in attribute.tensors:
                    _narrow(tensor, kinds)
                if attribute.name in TYPED and attribute.i in OTHER and node.op_type != "BitCast":
                    kinds.add(attribute.i)
                    attribute.i = onnx.TensorProto.FLOAT
    if not kinds:
        return proto, ()
    return copy, tuple(sorted(onnx.TensorProto.DataType.Name(k).lower() for k in kinds))


def _narrow(tensor: onnx.TensorProto, kinds: set[int]) -> None:
    if tensor.data_type in OTHER:
        kinds.add(tensor.data_type)
        with np.errstate(over="ignore"):
            array = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
