"""The tiny ONNX models behind the vectors, and the run arguments with which EZKL compiles each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Recipe:
    """One circuit: its model, one input per graph input (flattened, as EZKL reads them), run arguments."""

    model: onnx.ModelProto
    inputs: list[list[float]]
    run_args: dict[str, Any] = field(default_factory=dict)
    compress_selectors: bool = True
    commits: bool = False


def _model(
    nodes: list[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, list[int]]],
    output: tuple[int, list[int]],
    weights: dict[str, np.ndarray[Any, Any]] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "vector",
        [helper.make_tensor_value_info(name, dtype, shape) for name, dtype, shape in inputs],
        [helper.make_tensor_value_info("y", output[0], output[1])],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _gemm(width: int, outputs: int, *, relu: bool = False) -> onnx.ModelProto:
    rng = np.random.default_rng(7)
    weights = {
        "w": rng.uniform(-1, 1, (outputs, width)).astype(np.float32),
        "b": rng.uniform(-1, 1, outputs).astype(np.float32),
    }
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["h" if relu else "y"], transB=1)]
    if relu:
        weights["v"] = rng.uniform(-1, 1, (2, outputs)).astype(np.float32)
        nodes += [helper.make_node("Relu", ["h"], ["a"]), helper.make_node("Gemm", ["a", "v"], ["y"], transB=1)]
    shape = [1, 2 if relu else outputs]
    return _model(nodes, [("x", TensorProto.FLOAT, [1, width])], (TensorProto.FLOAT, shape), weights)


def _unary(op: str, shape: list[int], output: tuple[int, list[int]] | None = None, **attributes: Any) -> onnx.ModelProto:
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    return _model([node], [("x", TensorProto.FLOAT, shape)], output or (TensorProto.FLOAT, shape))


def _matmul() -> onnx.ModelProto:
    inputs = [("a", TensorProto.FLOAT, [2, 3]), ("b", TensorProto.FLOAT, [3, 2])]
    return _model([helper.make_node("MatMul", ["a", "b"], ["y"])], inputs, (TensorProto.FLOAT, [2, 2]))


def _topk() -> onnx.ModelProto:
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], axis=1)
    weights = {"k": np.array([2], dtype=np.int64)}
    return _model([node], [("x", TensorProto.FLOAT, [1, 5])], (TensorProto.FLOAT, [1, 2]), weights)


def _gather() -> onnx.ModelProto:
    node = helper.make_node("Gather", ["x", "i"], ["y"], axis=1)
    inputs = [("x", TensorProto.FLOAT, [1, 6]), ("i", TensorProto.INT64, [3])]
    return _model([node], inputs, (TensorProto.FLOAT, [1, 3]))


X3 = [[0.5, -0.25, 0.75]]
X5 = [[0.5, -0.25, 0.75, 1.0, -1.5]]
MATRICES = [[0.5, -0.25, 0.75, 1.0, -1.5, 0.125], [0.25, 0.5, -1.0, 0.75, 1.25, -0.5]]


def recipes() -> dict[str, Recipe]:
    """Return every kind of EZKL circuit in the vectors."""
    linear = _gemm(3, 2)
    return {
        "linear": Recipe(linear, X3, {"logrows": 9}),
        "linear_not_compressed": Recipe(linear, X3, {"logrows": 9}, compress_selectors=False),
        "linear_private": Recipe(linear, X3, {"logrows": 9, "input_visibility": "private", "output_visibility": "private"}),
        "linear_four_columns": Recipe(linear, X3, {"logrows": 9, "num_inner_cols": 4}),
        "linear_blocks": Recipe(_gemm(6, 3), [X3[0] * 2], {"logrows": 8, "num_inner_cols": 1}),
        "linear_unchecked_ranges": Recipe(linear, X3, {"logrows": 9, "ignore_range_check_inputs_outputs": True}),
        "two_layers_relu": Recipe(_gemm(3, 4, relu=True), X3, {"logrows": 10}),
        "lookup_one_column": Recipe(_unary("Sigmoid", [1, 3]), X3, {"logrows": 10, "lookup_range": [-400, 400]}),
        "lookup_three_columns": Recipe(_unary("Tanh", [1, 3]), X3, {"logrows": 8, "lookup_range": [-300, 300]}),
        "range_check_columns": Recipe(_unary("Relu", [1, 5]), X5, {"logrows": 8, "decomp_base": 512, "decomp_legs": 3}),
        "matmul_freivalds": Recipe(_matmul(), MATRICES, {"logrows": 10, "disable_freivalds": False}),
        "matmul_direct": Recipe(_matmul(), MATRICES, {"logrows": 10}),
        "dynamic_lookup": Recipe(_gather(), [[*X5[0], 0.25], [1, 0, 5]], {"logrows": 9}),
        "shuffle": Recipe(_topk(), X5, {"logrows": 9}),
        "argmax": Recipe(_unary("ArgMax", [1, 5], (TensorProto.INT64, [1, 1]), axis=1), X5, {"logrows": 9}),
        "softmax": Recipe(_unary("Softmax", [1, 2], axis=1), [[0.5, -0.25]], {"logrows": 10, "lookup_range": [-450, 450]}),
        "hashed_input": Recipe(linear, X3, {"logrows": 9, "input_visibility": "hashed"}),
        "hashed_output": Recipe(linear, X3, {"logrows": 9, "output_visibility": "hashed"}),
        "hashed_parameters": Recipe(linear, X3, {"logrows": 10, "param_visibility": "hashed"}),
        "committed": Recipe(
            linear, X3, {"logrows": 9, "input_visibility": "polycommit", "output_visibility": "polycommit"}, commits=True
        ),
    }
