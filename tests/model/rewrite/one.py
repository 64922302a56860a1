"""Models of a few nodes, rewritten and compared with themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zkml.model import Model, check_rewritten, from_proto, normalise


def one(
    op: str,
    shape: Sequence[int],
    constants: Mapping[str, np.ndarray] | None = None,
    *,
    kind: int = TensorProto.FLOAT,
    outputs: int = 1,
    opset: int = 17,
    inputs: Sequence[str] | None = None,
    domain: str = "",
    **attributes: Any,
) -> Model:
    """Return a model of one node named `it` that reads `x`, then the constants in order (or `inputs`), and gives `y0`, `y1`, …"""
    weights = dict(constants or {})
    node = helper.make_node(
        op, list(inputs or ["x", *weights]), [f"y{i}" for i in range(outputs)], name="it", domain=domain, **attributes
    )
    return of([node], shape, weights, kind=kind, outputs=outputs, opset=opset)


def of(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int],
    weights: Mapping[str, np.ndarray],
    *,
    kind: int = TensorProto.FLOAT,
    outputs: int = 1,
    opset: int = 17,
) -> Model:
    """Return a model of nodes from `x` to `y0`, `y1`, …"""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [onnx.ValueInfoProto(name=f"y{i}") for i in range(outputs)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()],
    )
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8
    )
    inferred = onnx.shape_inference.infer_shapes(proto)
    for output in inferred.graph.output:
        if not output.type.tensor_type.HasField("shape"):  # the operators whose body alone says it keep the shape of their input
            output.CopyFrom(helper.make_tensor_value_info(output.name, kind, list(shape)))
    return from_proto(inferred)


def rewritten(model: Model, rule: str) -> Model:
    """Return the model rewritten, after checking that `rule` was applied and that it computes the same on all corners."""
    normal = normalise(model)
    assert any(rule in r.rules for r in normal.rewrites), normal.rewrites
    assert check_rewritten(model, normal) == ()
    assert normalise(normal).to_bytes() == normal.to_bytes()
    return normal


def untouched(model: Model) -> Model:
    """Return the model normalised, after checking that no rule was applied."""
    normal = normalise(model)
    assert normal.rewrites == ()
    return normal
