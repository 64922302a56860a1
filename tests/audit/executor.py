"""A small integer executor that rounds as it is told: honestly, or any way that EZKL's constraint lets through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.circuit.audit.functions import exp_fields, real_table
from zkml.circuit.audit.slack_linear import patches
from zkml.circuit.graph import Graph, Op, rebase_op

Ints = npt.NDArray[np.int64]
Divide = Callable[[Ints, int], Ints]


def nearest(t: Ints, d: int) -> Ints:
    """Round half away from zero, as EZKL's witness generator does."""
    return np.asarray(np.sign(t) * ((2 * np.abs(t) + d) // (2 * d)), dtype=np.int64)


def lowest(t: Ints, d: int) -> Ints:
    """The lowest q with |t − q·d| < d."""
    return -((-t + d - 1) // d)


def highest(t: Ints, d: int) -> Ints:
    """The highest q with |t − q·d| < d."""
    return (t + d - 1) // d


def any_of(rng: np.random.Generator) -> Divide:
    """Return a division that picks among the admissible quotients at random."""
    return lambda t, d: np.where(rng.random(t.shape) < 0.5, lowest(t, d), highest(t, d))


def table(name: str, fields: dict[str, Any], x: Ints) -> Ints:
    real = real_table(name, fields, x.astype(np.float64))
    assert real is not None
    return np.asarray(np.sign(real) * np.floor(np.abs(real) + 0.5), dtype=np.int64)


def reciprocal(t: Ints, s: float) -> Ints:
    """The integer nearest to s/t, t ≠ 0."""
    return np.asarray(np.sign(t) * np.floor(s / np.abs(t) + 0.5), dtype=np.int64)


def run_op(op: Op, inputs: list[Ints], divide: Divide) -> Ints:
    """Return an operator's result in integers."""
    f = op.fields
    if op.family == "lookup":
        return table(op.name, dict(f), inputs[0])
    match op.name:
        case "RebaseScale":
            assert op.inner is not None
            return run_op(rebase_op(op), [run_op(op.inner, inputs, divide)], divide)
        case "Rescaled":
            assert op.inner is not None
            factors = dict(f["scale"])
            return run_op(op.inner, [x * factors.get(i, 1) for i, x in enumerate(inputs)], divide)
        case "Div":
            return divide(inputs[0], int(f["denom"]))
        case "Einsum":
            terms, output = f["equation"].split("->")
            # An axis of the result alone has length 1.
            kept = np.asarray(np.einsum(f"{terms}->{''.join(a for a in output if a in terms)}", *inputs))
            return np.expand_dims(kept, tuple(i for i, a in enumerate(output) if a not in terms))
        case "Add":
            return inputs[0] + inputs[1]
        case "Sub":
            return inputs[0] - inputs[1]
        case "Mult":
            return inputs[0] * inputs[1]
        case "Pow":
            return np.asarray(inputs[0] ** f["exponent"])
        case "Abs":
            return np.abs(inputs[0])
        case "LeakyReLU":
            assert f["slope"] == 0
            return np.maximum(inputs[0], 0)
        case "Sum":
            return np.asarray(inputs[0].sum(tuple(f["axes"]), keepdims=True))
        case "MeanOfSquares":
            axes = tuple(f["axes"])
            count = math.prod(inputs[0].shape[a] for a in axes)
            return divide(np.asarray((inputs[0] ** 2).sum(axes, keepdims=True)), count)
        case "Conv":
            image, kernel, *bias = inputs
            windows = patches(image, kernel.shape[2:], f["stride"], f["padding"])  # type: ignore[arg-type]
            out = np.asarray(np.einsum("nchwij,ocij->nohw", windows, kernel))
            return out + bias[0].reshape(1, -1, 1, 1) if bias else out
        case "SumPool":
            windows = patches(inputs[0], f["kernel_shape"], f["stride"], f["padding"])  # type: ignore[arg-type]
            sums = np.asarray(windows.sum((-2, -1)), dtype=np.int64)
            return divide(sums, math.prod(f["kernel_shape"])) if f["normalized"] else sums
        case "ReduceMax":
            return np.asarray(inputs[0].max(tuple(f["axes"]), keepdims=True))
        case "TopK":
            return np.asarray(-np.sort(-inputs[0], axis=f["dim"]).take(range(f["k"]), axis=f["dim"]))
        case "Greater":
            return np.asarray(inputs[0] > inputs[1], dtype=np.int64)
        case "Equals":
            return np.asarray(inputs[0] == inputs[1], dtype=np.int64)
        case "Iff":
            return np.where(inputs[0] != 0, inputs[1], inputs[2])
        case "Floor":
            unit = int(f["scale"])
            return inputs[0] // unit * unit
        case "Recip":
            return reciprocal(inputs[0], f["input_scale"] * f["output_scale"])
        case "Sqrt":
            return np.asarray(np.floor(np.sqrt(np.maximum(inputs[0], 0) * f["scale"]) + 0.5), dtype=np.int64)
        case "Softmax":
            (axis,) = f["axes"]
            e = table("Exp", exp_fields(f["input_scale"]), inputs[0] - inputs[0].max(axis, keepdims=True))
            return e * reciprocal(e.sum(axis, keepdims=True), f["output_scale"] ** 2)
    raise AssertionError(f"the test's executor does not know {op}")


def run(graph: Graph, inputs: list[Ints], divide: Divide) -> list[Ints]:
    """Return the graph's outputs in integers."""
    values: dict[int, Ints] = dict(zip(graph.model.inputs, inputs, strict=True))
    for index, node in graph.model.nodes.items():
        if node.op.name == "Constant":
            constant = graph.constant(node)
            assert constant is not None
            values[index] = constant
        elif node.op.name != "Input":
            values[index] = run_op(node.op, [values[i] for i, _ in node.inputs], divide)
    return [values[index] for index, _ in graph.model.outputs]
