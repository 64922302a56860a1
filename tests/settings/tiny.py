"""Small ONNX models, written by hand, and data for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper


def perceptron(path: Path, *, inputs: int = 3, hidden: int = 4, outputs: int = 3, sigmoid: bool = False, seed: int = 1) -> Path:
    """Write a two-layer perceptron with ReLU (or sigmoid) between, output named `scores`."""
    rng = np.random.default_rng(seed)
    weights = {
        "w1": rng.normal(size=(inputs, hidden)),
        "b1": rng.normal(size=(hidden,)) / 4,
        "w2": rng.normal(size=(hidden, outputs)),
        "b2": rng.normal(size=(outputs,)) / 4,
    }
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], name="first"),
        helper.make_node("Sigmoid" if sigmoid else "Relu", ["h"], ["a"], name="activation"),
        helper.make_node("Gemm", ["a", "w2", "b2"], ["scores"], name="second"),
    ]
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def inputs(count: int, width: int = 3, seed: int = 2) -> dict[str, npt.NDArray[np.float32]]:
    return {"x": np.random.default_rng(seed).normal(size=(count, 1, width)).astype(np.float32)}
