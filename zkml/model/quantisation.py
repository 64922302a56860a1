"""What a quantised model says of the scales that its values need."""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.model.model import Model

MAX_BITS = 16


def quantisation_scales(model: Model) -> tuple[int, int] | None:
    """Return the logarithms of the input and parameter scales at which a fixed-point number is as fine as the model's own steps.

    A tensor that is quantised in steps of s needs ⌈−log₂ s⌉ bits behind the point, within 0 to 16. For inputs that is the finest
    step of a `QuantizeLinear` of an input of the model, or of any when there is none; for parameters the median of the steps of
    the weights. None for a model as loaded that has no constant steps of either.
    """
    graph = model.proto.graph
    known = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            known[node.output[0]] = node.attribute[0].t
    inputs = {i.name for i in graph.input} - set(known)
    first: list[float] = []
    inner: list[float] = []
    weights: list[float] = []
    for node in graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or len(node.input) < 2 or node.input[1] not in known:
            continue
        found = steps(known[node.input[1]])
        if node.op_type == "QuantizeLinear":
            (first if node.input[0] in inputs else inner).extend(found)
        elif node.input[0] in known and known[node.input[0]].data_type != onnx.TensorProto.INT32:  # a bias has steps of products
            weights.extend(found)
    activations = first or inner
    if not activations or not weights:
        return None
    return bits(min(activations)), bits(float(np.median(weights)))


def steps(tensor: onnx.TensorProto) -> list[float]:
    """Return a quantiser's steps that are positive numbers."""
    values = numpy_helper.to_array(tensor).astype(np.float64).reshape(-1)
    return [float(v) for v in values if np.isfinite(v) and v > 0]


def bits(step: float) -> int:
    return min(MAX_BITS, max(0, ceil(-log2(step))))
