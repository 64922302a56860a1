"""Slots of each node of a model, before EZKL has seen it: an approximation for models too large to lay out first.

`estimate` prefers EZKL's own count (`gen_settings`) wherever that can be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zkml.estimate.slots import Recipes
from zkml.model.model import Model, Tensor, node_label
from zkml.settings import RunArgs

FREE = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Identity", "Dropout", "Pad", "Shape",
    "Size", "Constant", "ConstantOfShape", "DepthToSpace", "SpaceToDepth", "Trilu", "EyeLike", "Expand", "Tile", "Range",
}  # fmt: skip
"""Operators that only name cells anew, or copy them once at most."""

LOOKUPS = {
    "Sigmoid", "Tanh", "Erf", "Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh",
    "Atanh", "HardSwish", "Softplus",
}  # fmt: skip


SORTED = {"MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin", "TopK", "ArgMax", "ArgMin", "Softmax"}


@dataclass(frozen=True)
class NodeCost:
    """One line of `inspect`'s table. `macs` multiply-accumulates; `slots` cells of each model column; `sure` is false where the
    operator has no recipe here and a typical cost per element was taken."""

    name: str
    op: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    slots: int
    sure: bool


def node_costs(model: Model, args: RunArgs) -> list[NodeCost]:
    """Return the cost of every node of a normalised model under `args`, in order."""
    recipes = Recipes(args.decomp_legs, args.num_inner_cols)
    weights = {t.name: t for t in model.proto.graph.initializer}
    counted: set[str] = set()
    scaled = scaled_values(model)
    found: list[NodeCost] = []
    for i, node in enumerate(model.proto.graph.node):
        output = next((model.shapes[o] for o in node.output if o in model.shapes), None)
        parameters = sum(prod(weights[n].dims) for n in node.input if n in weights and n not in counted)
        counted |= set(node.input)
        macs = macs_of(node, model.shapes, output)
        whole = node.op_type in PRODUCTS and sum(n in scaled for n in node.input[:2]) < 2
        slots = slots_of(node, model, weights, macs, output, replace(recipes, rescales=not whole))
        size = output.size if output else 0
        found.append(
            NodeCost(
                name=node_label(node, i),
                op=node.op_type,
                shape=output.shape if output else (),
                parameters=parameters,
                macs=macs,
                slots=slots if slots is not None else size * recipes.rescale,
                sure=slots is not None,
            )
        )
    return found


PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "Mul"}
COMPARISONS = {
    "Less",
    "Greater",
    "LessOrEqual",
    "GreaterOrEqual",
    "Equal",
    "And",
    "Or",
    "Xor",
    "Not",
    "ArgMax",
    "ArgMin",
    "IsNaN",
}


def scaled_values(model: Model) -> set[str]:
    """Return the values that carry a fixed-point scale; truth values, integers and what is made of them alone do not."""
    graph = model.proto.graph
    found = {t.name for t in model.inputs if t.dtype in ("float", "double", "float16")}
    found |= {t.name for t in graph.initializer if t.data_type in (1, 10, 11)}
    weights = {t.name for t in graph.initializer}
    for node in graph.node:
        inner = [n for n in node.input if n and n not in weights]
        carried = inner if node.op_type not in PRODUCTS and inner else list(node.input)
        if node.op_type not in COMPARISONS and any(n in found for n in carried):
            found |= set(node.output)
    return found


def boundary_slots(model: Model, args: RunArgs) -> int:
    """Return the slots that inputs and outputs take: range checks, and the comparison with the public values."""
    recipes = Recipes(args.decomp_legs, args.num_inner_cols)
    if args.ignore_range_check_inputs_outputs:
        return sum(t.size for t in model.inputs) + sum(t.size for t in model.outputs)
    checked = args.output_visibility in ("public", "fixed")
    outputs = sum(t.size for t in model.outputs) * (recipes.public_output if checked else recipes.decompose)
    if args.input_visibility.startswith(("hashed", "polycommit")):
        return outputs
    return outputs + sum(t.size for t in model.inputs) * recipes.public_input


def total_slots(model: Model, args: RunArgs) -> int:
    """Return the slots of the whole model."""
    return sum(c.slots for c in node_costs(model, args)) + boundary_slots(model, args)


def approximate_settings(model: Model, args: RunArgs) -> dict[str, Any]:
    """Return the fields of `settings.json` that decide the columns, approximated for a normalised model without EZKL."""
    operators = {n.op_type for n in model.proto.graph.node}
    weights = {
        float(v)
        for t in model.proto.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT
        for v in np.unique(np.round(numpy_helper.to_array(t).reshape(-1) * 2**args.param_scale))
    }
    sorted_sizes = sum(
        model.shapes[n.input[0]].size for n in model.proto.graph.node if n.op_type in SORTED and n.input[0] in model.shapes
    )
    return {
        "run_args": args.as_ezkl()
        | {f"{what}_visibility": getattr(args, f"{what}_visibility") for what in ("input", "output", "param")},
        "total_assignments": total_slots(model, args),
        "total_const_size": len(weights) + 8 if args.param_visibility == "fixed" else 8,
        "total_dynamic_col_size": 0,
        "total_shuffle_col_size": sorted_sizes,
        "num_dynamic_lookups": 0,
        "num_shuffles": int(sorted_sizes > 0),
        "module_sizes": {"polycommit": [], "poseidon": [0, [0]]},
        "model_instance_shapes": [
            list(t.shape)
            for tensors, visibility in (
                (model.inputs, args.input_visibility),
                (model.outputs, args.output_visibility),
            )
            for t in tensors
            if visibility == "public"
        ],
        "required_lookups": sorted((operators & LOOKUPS) | ({"Exp"} if "Softmax" in operators else set())),
        "required_range_checks": [[-1, 1], [0, args.decomp_base - 1]],
    }


def attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    """Return an integer attribute of a node."""
    return next((int(a.i) for a in node.attribute if a.name == name), default)


def macs_of(node: onnx.NodeProto, shapes: Mapping[str, Tensor], output: Tensor | None) -> int:
    """Return the multiply-accumulates of a node, 0 for operators that have none."""
    inputs = [shapes.get(n) for n in node.input]
    if output is None or not inputs or inputs[0] is None:
        return 0
    first: Tensor = inputs[0]
    second: Tensor | None = inputs[1] if len(inputs) > 1 else None
    match node.op_type:
        case "Conv" if second is not None:
            return output.size * prod(second.shape[1:])
        case "ConvTranspose" if second is not None:
            return first.size * prod(second.shape[1:])
        case "Gemm":
            return output.size * (first.shape[0] if attribute(node, "transA", 0) else first.shape[-1])
        case "MatMul" if first.shape:
            return output.size * first.shape[-1]
        case "Einsum" if second is not None:
            return _einsum_macs(node, [t for t in inputs if t is not None])
        case "LSTM" | "GRU" | "RNN" if second is not None and len(inputs) > 2 and inputs[2] is not None:
            steps = first.shape[0] * first.shape[1]
            return int(steps * (second.size + inputs[2].size))
        case "AveragePool" | "GlobalAveragePool" | "ReduceMean" | "ReduceSum":
            return first.size
    return 0


def _einsum_macs(node: onnx.NodeProto, inputs: list[Tensor]) -> int:
    equation = next(helper.get_attribute_value(a).decode() for a in node.attribute if a.name == "equation")
    sizes: dict[str, int] = {}
    for term, tensor in zip(equation.replace(" ", "").split("->")[0].split(","), inputs, strict=False):
        sizes |= dict(zip(term, tensor.shape, strict=False))
    return prod(sizes.values())


def slots_of(
    node: onnx.NodeProto,
    model: Model,
    weights: dict[str, onnx.TensorProto],
    macs: int,
    output: Tensor | None,
    r: Recipes,
) -> int | None:
    """Return the slots of one node, or None when there is no recipe for its operator."""
    if output is None:
        return None
    n = output.size
    op = node.op_type
    first = model.shapes.get(node.input[0]) if node.input else None
    if op in FREE:
        return 0
    if op in LOOKUPS:
        return n
    constant = [name in weights for name in node.input]
    if first is None:
        return None
    length = max(1, first.size // max(1, n))
    match op:
        case "Conv" | "ConvTranspose" | "Gemm" | "MatMul" | "Einsum":
            depth = max(1, macs // n)
            bias = n if len(node.input) > 2 else 0
            spread = max(first.size, prod(weights[node.input[1]].dims)) if op.startswith("Conv") and constant[1] else 0
            return n * r.dot(depth) + bias + spread + n * r.rescale
        case "Add" | "Sub" | "Neg" | "Sum" | "Mean":
            return n * max(1, len(node.input) - 1)
        case "Mul":
            return n * (1 + r.rescale)
        case "Div":
            return n * (1 + r.rescale) if constant[-1] else first.size * (r.reciprocal + 1 + r.rescale)
        case "Reciprocal":
            return n * r.reciprocal
        case "Sqrt":
            return n * r.square_root
        case "Pow":
            return _power(node, weights, n, r)
        case "Relu":
            return n * r.relu
        case "LeakyRelu" | "PRelu":
            return n * (r.leaky_relu + r.rescale)
        case "Abs":
            return n * r.absolute
        case "Sign":
            return n * r.decompose
        case "Clip":
            bounds = sum(1 for name in node.input[1:] if name) or 2
            return n * bounds * r.maximum
        case "Max" | "Min":
            return n * r.maximum * max(1, len(node.input) - 1)
        case "Greater" | "Less":
            return n * r.greater
        case "GreaterOrEqual" | "LessOrEqual":
            return n * r.greater_equal
        case "Equal":
            return n * r.equals
        case "Not":
            return n * r.choose
        case "And":
            return n * r.both
        case "Or":
            return n * (r.boolean + r.choose)
        case "Xor":
            return n * (2 * r.choose + 2 * r.both + 1)
        case "Where":
            return n * r.choose
        case "Floor" | "Ceil" | "Round":
            return n * r.floor
        case "Cast":
            to = attribute(node, "to", 1)
            whole = onnx.helper.tensor_dtype_to_np_dtype(to).kind in "biu"
            return n * r.floor if whole and first.dtype in ("float", "double", "float16") else n
        case "Gather" | "GatherElements" | "GatherND" if not constant[1]:
            return 3 * n
        case "Gather" | "GatherElements" | "GatherND" | "ScatterElements" | "ScatterND":
            return 0
        case "MaxPool":
            window = prod(next((a.ints for a in node.attribute if a.name == "kernel_shape"), [1]))
            return first.size + n * r.sort(window)
        case "AveragePool":
            window = prod(next((a.ints for a in node.attribute if a.name == "kernel_shape"), [1]))
            return first.size + n * (r.dot(window) + r.rescale)
        case "GlobalAveragePool" | "ReduceMean":
            return n * (r.dot(length) + r.rescale)
        case "ReduceSum":
            return n * r.dot(length)
        case "ReduceMax" | "ReduceMin" | "GlobalMaxPool":
            return n * r.sort(length)
        case "ArgMax" | "ArgMin":
            return n * r.sort_with_indices(length)
        case "TopK":
            rows = first.size // max(1, first.shape[attribute(node, "axis", -1)])
            return rows * r.sort(first.size // max(1, rows))
        case "Softmax":
            width = first.shape[attribute(node, "axis", -1)]
            return first.size // width * r.softmax(width)
        case "LayerNormalization":
            width = prod(first.shape[attribute(node, "axis", -1) % len(first.shape) :])
            return first.size // width * r.layer_norm(width)
        case "InstanceNormalization":
            width = first.size // (first.shape[0] * first.shape[1])
            return first.size // width * r.layer_norm(width)
        case "BatchNormalization":
            return n * (2 + r.rescale)
        case "LSTM" | "GRU" | "RNN":
            gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
            cells = macs // max(1, prod(model.shapes[node.input[1]].shape[2:]) + attribute(node, "hidden_size", 1))
            return macs + cells * (2 * r.rescale + 3) + cells // gates * (gates - 1) * (r.rescale + 1)
    return None


def _power(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], n: int, r: Recipes) -> int | None:
    if node.input[1] not in weights:
        return None
    exponent = float(numpy_helper.to_array(weights[node.input[1]]).reshape(-1)[0])
    if exponent == 0.5:
        return n * r.square_root
    if exponent == int(exponent) and exponent >= 1:
        return n * (int(exponent) - 1 + r.rescale)
    return None
