"""Make the circuits, inputs and witnesses beside this file with the EZKL wheel: `python -m tests.graph.witnesses.make [NAME…]`.

Each folder holds EZKL's `c.ezkl`, `input.json` and `witness.json` of one small model, chosen so that together they run every
operator that the Rust executor knows. EZKL's `gen_witness` is the oracle.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.graph.fixtures.make import run_args

HERE = Path(__file__).parent
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
Shape = tuple[int, ...]
Case = tuple[onnx.ModelProto, list[list[Any]], dict[str, Any]]


def reals(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def case(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, np.ndarray[Any, Any]],
    outputs: Mapping[str, tuple[Shape, int]],
    constants: dict[str, np.ndarray[Any, Any]] | None = None,
    **changes: Any,
) -> Case:
    """Return a model with its input and EZKL options."""
    graph = helper.make_graph(
        list(nodes),
        "fixture",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()],
        [helper.make_tensor_value_info(n, kind, shape) for n, (shape, kind) in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model, [v.reshape(-1).tolist() for v in inputs.values()], changes


def unary(op: str, x: np.ndarray[Any, Any], shape: Shape | None = None, kind: int = FLOAT, **attributes: Any) -> Case:
    return case([helper.make_node(op, ["x"], ["y"], **attributes)], {"x": x}, {"y": (shape or x.shape, kind)})


def several(ops: Sequence[str], x: np.ndarray[Any, Any], **changes: Any) -> Case:
    """Each operator applied to the one input."""
    nodes = [helper.make_node(op, ["x"], [f"y{i}"]) for i, op in enumerate(ops)]
    return case(nodes, {"x": x}, {f"y{i}": (x.shape, FLOAT) for i in range(len(ops))}, **changes)


def comparisons() -> Case:
    ops = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]
    nodes = [helper.make_node(op, ["x", "z"], [f"y{i}"]) for i, op in enumerate(ops)]
    nodes += [helper.make_node("Max", ["x", "z"], ["y5"]), helper.make_node("Min", ["x", "z"], ["y6"])]
    nodes += [helper.make_node("Where", ["y0", "x", "z"], ["y7"])]
    x, z = reals(1, 6), reals(1, 6, seed=1)
    z[0, :2] = x[0, :2]
    outputs = {f"y{i}": ((1, 6), BOOL) for i in range(5)} | {f"y{i}": ((1, 6), FLOAT) for i in range(5, 8)}
    return case(nodes, {"x": x, "z": z}, outputs)


def logic() -> Case:
    nodes = [helper.make_node(op, ["x", "z"], [f"y{i}"]) for i, op in enumerate(["And", "Or", "Xor"])]
    nodes.append(helper.make_node("Not", ["x"], ["y3"]))
    x, z = np.array([[False, False, True, True]]), np.array([[False, True, False, True]])
    return case(nodes, {"x": x, "z": z}, {f"y{i}": ((1, 4), BOOL) for i in range(4)})


def arithmetic() -> Case:
    nodes = [helper.make_node(op, ["x", "z"], [f"y{i}"]) for i, op in enumerate(["Add", "Sub", "Mul"])]
    nodes += [helper.make_node("Neg", ["x"], ["y3"]), helper.make_node("Pow", ["x", "e"], ["y4"])]
    outputs = {f"y{i}": ((2, 3), FLOAT) for i in range(5)}
    return case(nodes, {"x": reals(2, 3), "z": reals(1, 3, seed=1)}, outputs, {"e": np.array(3, dtype=np.float32)})


def reductions() -> Case:
    ops = ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean"]
    axes = {"axes": np.array([1], dtype=np.int64)}
    nodes = [
        helper.make_node(op, ["x", "axes"], [f"y{i}"], keepdims=1)
        if op == "ReduceSum"
        else helper.make_node(op, ["x"], [f"y{i}"], axes=[1], keepdims=1)
        for i, op in enumerate(ops)
    ]
    nodes.append(helper.make_node("ReduceSumSquare", ["x"], ["y5"], axes=[1], keepdims=1))
    return case(nodes, {"x": reals(2, 3)}, {f"y{i}": ((2, 1), FLOAT) for i in range(6)}, axes)


def arg_ties() -> Case:
    nodes = [
        helper.make_node("ArgMax", ["x"], ["y0"], axis=1, keepdims=1),
        helper.make_node("ArgMin", ["x"], ["y1"], axis=1, keepdims=1),
    ]
    x = np.array([[1, 2, 2, -1, -1]], dtype=np.float32)
    return case(nodes, {"x": x}, {"y0": ((1, 1), INT), "y1": ((1, 1), INT)})


def rearrangements() -> Case:
    nodes = [
        helper.make_node("Transpose", ["x"], ["y0"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["x", "start", "end", "axis", "step"], ["y1"]),
        helper.make_node("Concat", ["x", "x"], ["y2"], axis=1),
        helper.make_node("Expand", ["x", "wide"], ["y3"]),
        helper.make_node("Pad", ["x", "pads"], ["y4"]),
        helper.make_node("Flatten", ["x"], ["y5"], axis=1),
        helper.make_node("Gather", ["x", "at"], ["y6"], axis=2),
        helper.make_node("Neg", ["x"], ["y7"]),
    ]
    whole = {"start": [0], "end": [4], "axis": [2], "step": [2], "wide": [2, 3, 4], "pads": [0, 1, 0, 0, 0, 2], "at": [3, 0, 0]}
    constants: dict[str, Any] = {name: np.array(v, dtype=np.int64) for name, v in whole.items()}
    shapes: list[Shape] = [(1, 4, 3), (1, 3, 2), (1, 6, 4), (2, 3, 4), (1, 4, 6), (1, 12), (1, 3, 3), (1, 3, 4)]
    outputs = {f"y{i}": (shape, FLOAT) for i, shape in enumerate(shapes)}
    return case(nodes, {"x": reals(1, 3, 4)}, outputs, constants)


def gathers() -> Case:
    nodes = [
        helper.make_node("Gather", ["x", "i"], ["y0"], axis=1),
        helper.make_node("GatherElements", ["x", "j"], ["y1"], axis=1),
        helper.make_node("GatherND", ["x", "t"], ["y2"]),
    ]
    inputs: dict[str, np.ndarray[Any, Any]] = {
        "x": reals(2, 3),
        "i": np.array([2, 0], dtype=np.int64),
        "j": np.array([[1, 2], [0, 0]], dtype=np.int64),
        "t": np.array([[1, 2], [0, 1]], dtype=np.int64),
    }
    return case(nodes, inputs, {"y0": ((2, 2), FLOAT), "y1": ((2, 2), FLOAT), "y2": ((2,), FLOAT)})


def convolutions() -> Case:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y0"], strides=[2, 1], pads=[1, 0, 1, 1]),
        helper.make_node("Conv", ["x", "g"], ["y1"], strides=[1, 1], group=2),
        helper.make_node("MaxPool", ["x"], ["y2"], kernel_shape=[2, 2], strides=[1, 2]),
        helper.make_node("AveragePool", ["x"], ["y3"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    constants = {"w": reals(3, 2, 3, 2, seed=1), "b": reals(3, seed=2), "g": reals(4, 1, 2, 2, seed=3)}
    shapes: list[Shape] = [(1, 3, 2, 4), (1, 4, 3, 3), (1, 2, 3, 2), (1, 2, 2, 2)]
    return case(nodes, {"x": reals(1, 2, 4, 4)}, {f"y{i}": (s, FLOAT) for i, s in enumerate(shapes)}, constants)


def lstm(*given_out: str) -> Case:
    """Return a recurrence whose `given_out` are outputs: the states that are not are handed on only."""
    names = [n if n in given_out else "" for n in ("y", "h", "c")]
    node = helper.make_node("LSTM", ["x", "w", "r"], names, hidden_size=2)
    constants = {"w": reals(1, 8, 2, low=-1, high=1), "r": reals(1, 8, 2, seed=1, low=-1, high=1)}
    shapes: dict[str, tuple[Shape, int]] = {"y": ((3, 1, 1, 2), FLOAT), "h": ((1, 1, 2), FLOAT), "c": ((1, 1, 2), FLOAT)}
    return case([node], {"x": reals(3, 1, 2)}, {n: shapes[n] for n in given_out}, constants)


def top_k() -> Case:
    nodes = [
        helper.make_node("TopK", ["x", "k"], ["y0", "i0"], axis=1, largest=1),
        helper.make_node("TopK", ["x", "k"], ["y1", "i1"], axis=1, largest=0),
    ]
    outputs = {"y0": ((2, 3), FLOAT), "y1": ((2, 3), FLOAT)}
    return case(nodes, {"x": reals(2, 5)}, outputs, {"k": np.array([3], dtype=np.int64)})


def one_hot() -> Case:
    node = helper.make_node("OneHot", ["x", "depth", "values"], ["y"], axis=-1)
    constants: dict[str, Any] = {"depth": np.array([4], dtype=np.int64), "values": np.array([0, 1], dtype=np.int64)}
    return case([node], {"x": np.array([3, 0], dtype=np.int64)}, {"y": ((2, 4), INT)}, constants)


def mlp() -> Case:
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "v", "c"], ["y"], transB=1),
    ]
    constants = {"w": reals(4, 3), "b": reals(4, seed=1), "v": reals(2, 4, seed=2), "c": reals(2, seed=3)}
    return case(nodes, {"x": reals(1, 3, seed=4)}, {"y": ((1, 2), FLOAT)}, constants)


POSITIVE = reals(1, 6, seed=7, low=0.25, high=4.0)
SMALL = reals(1, 6, seed=8, low=-0.9, high=0.9)

CASES: dict[str, Case] = {
    "abs_sign": several(["Abs", "Sign"], reals(1, 6)),
    "arg_ties": arg_ties(),
    "arithmetic": arithmetic(),
    "binary_digits": (*unary("Relu", reals(1, 4))[:2], {"decomp_base": 2, "decomp_legs": 12}),
    "comparisons": comparisons(),
    "convolutions": convolutions(),
    "gathers": gathers(),
    "leaky_relu": unary("LeakyRelu", reals(1, 6), alpha=0.1),
    "logic": logic(),
    "lstm": lstm("y", "h", "c"),
    "lstm_each": lstm("y"),
    "lstm_hidden": lstm("h"),
    "lstm_both_states": lstm("h", "c"),
    "lstm_each_and_cell": lstm("y", "c"),
    "mlp": mlp(),
    "one_hot": one_hot(),
    "rearrangements": rearrangements(),
    "reciprocal": several(["Reciprocal", "Sqrt"], POSITIVE, decomp_legs=5),
    "reductions": reductions(),
    "rounding": several(["Floor", "Ceil", "Round"], np.array([[-1.5, -0.5, 0.5, 1.5, 2.5, -2.25]], dtype=np.float32)),
    "softmax": unary("Softmax", reals(2, 3), axis=1),
    "tables": several(["Sigmoid", "Tanh", "Erf", "Exp", "Sin", "Cos", "HardSwish"], SMALL),
    "tables_of_arcs": several(["Asin", "Acos", "Atan", "Asinh", "Atanh", "Sinh", "Cosh", "Tan"], SMALL),
    "tables_of_positives": several(["Log", "Acosh"], POSITIVE + 1),
    "top_k": top_k(),
}


async def make(name: str) -> None:
    model, values, changes = CASES[name]
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        network, settings = Path(scratch) / "network.onnx", Path(scratch) / "settings.json"
        onnx.save(model, network)
        ezkl.gen_settings(str(network), str(settings), py_run_args=run_args(**({"input_visibility": "private"} | changes)))
        ezkl.compile_circuit(str(network), str(folder / "c.ezkl"), str(settings))
        (folder / "input.json").write_text(json.dumps({"input_data": values, "output_data": None}))
        made: Any = ezkl.gen_witness(  # type: ignore[call-arg]
            str(folder / "input.json"), str(folder / "c.ezkl"), str(folder / "witness.json")
        )
        if inspect.isawaitable(made):
            await made


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        try:
            asyncio.run(make(name))
        except RuntimeError as e:
            print(f"{name}: {e}", file=sys.stderr)
            sys.exit(1)
