"""Models so small that a whole flow takes a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(
    path: Path, nodes: list[onnx.NodeProto], inputs: dict[str, list[int]], output: list[int], weights: dict[str, np.ndarray]
) -> Path:
    """Write a float model with the output `y`."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def linear(path: Path, seed: int = 7, nudge: float = 0.0) -> Path:
    """Write y = W·x + b with x of three and y of two numbers; one weight can be nudged."""
    rng = np.random.default_rng(seed)
    weights = {"w": rng.uniform(-1, 1, (2, 3)).astype(np.float32), "b": rng.uniform(-1, 1, 2).astype(np.float32)}
    weights["w"][0, 0] += np.float32(nudge)
    return save(path, [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)], {"x": [1, 3]}, [1, 2], weights)


def unary(path: Path, operator: str, size: int = 3, **attributes: Any) -> Path:
    """Write y = operator(x)."""
    return save(path, [helper.make_node(operator, ["x"], ["y"], **attributes)], {"x": [1, size]}, [1, size], {})


def two_inputs(path: Path) -> Path:
    """Write y = a + b."""
    return save(path, [helper.make_node("Add", ["a", "b"], ["y"])], {"a": [1, 3], "b": [1, 3]}, [1, 3], {})


def transposed(path: Path) -> Path:
    """Write a transposed convolution, which EZKL has and the Rust engine refuses."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], kernel_shape=[2, 2])
    return save(path, [node], {"x": [1, 1, 2, 2]}, [1, 1, 3, 3], {"w": np.ones((1, 1, 2, 2), dtype=np.float32)})
