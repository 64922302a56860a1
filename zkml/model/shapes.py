"""The shape of every value, by ONNX's own inference."""

from __future__ import annotations

import re

import onnx

from zkml.errors import ModelError
from zkml.model.ml_operators import ML, why_left
from zkml.model.model import Tensor, dtype_name, node_label

MISJUDGED = {"Range", "MeanVarianceNormalization", "Constant"}
"""Operators whose inference in ONNX fails on its own node tests: their shapes follow once constants are folded."""

INFERENCE_ERRORS = (onnx.shape_inference.InferenceError, ValueError, RuntimeError)


def static_tensor(value: onnx.ValueInfoProto) -> Tensor | None:
    """Return a value's name, shape and type, or None unless it is a tensor of which every dimension is a number."""
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape") or not kind.elem_type:
        return None
    if any(not d.HasField("dim_value") or d.dim_value < 0 for d in kind.shape.dim):
        return None
    return Tensor(value.name, tuple(d.dim_value for d in kind.shape.dim), dtype_name(kind.elem_type))


def infer(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with the shapes of inner values and outputs inferred afresh from the inputs.

    What follows an operator of ai.onnx.ml, for which ONNX infers nothing, stays open until that operator is rewritten. Raises
    `ModelError` when the shapes contradict each other.
    """
    strict = all(node.domain != "ai.onnx.ml" for node in proto.graph.node)
    try:
        return _inferred(proto, strict=strict)
    except INFERENCE_ERRORS as e:
        text = " ".join(str(e).split())
        if set(re.findall(r"op_type:(\w+)", text)) <= MISJUDGED:
            return _inferred(proto, strict=False)
        node = next((n.name for n in proto.graph.node if n.name and n.name in text), None)
        raise ModelError(
            f"the shapes of the model contradict each other: {text[:500].rstrip('.')}",
            hint="see that --dim values fit the model, and that it runs in onnxruntime",
            code="shapes",
            node=node,
        ) from e


def _inferred(proto: onnx.ModelProto, *, strict: bool, types: bool = False) -> onnx.ModelProto:
    """Return ONNX's inference, without the values that it can carry along: those take 140 bytes an element of every vector,
    so that a file of a few bytes could ask for all memory. `fold.settle` finds the shapes that depend on them."""
    return onnx.shape_inference.infer_shapes(_bare(proto), check_type=types, strict_mode=strict, data_prop=False)


def type_faults(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Return a note when an operator is used on a type that the standard does not give it: the compiler may still take it."""
    try:
        _inferred(proto, strict=True, types=True)
    except INFERENCE_ERRORS as e:
        text = " ".join(str(e).split())
        if "typestr" in text:
            return (f"not standard ONNX, and onnxruntime may not run it: {text.removeprefix('[ShapeInferenceError] ')[:300]}",)
    return ()


def _bare(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy without the shapes of inner values and outputs."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.ClearField("shape")
    return bare


def known_shapes(proto: onnx.ModelProto) -> dict[str, Tensor]:
    """Return every value of an inferred model whose shape is known, initializers included."""
    found: dict[str, Tensor] = {}
    for value in [*proto.graph.input, *proto.graph.value_info, *proto.graph.output]:
        tensor = static_tensor(value)
        if tensor:
            found[value.name] = tensor
    for weight in proto.graph.initializer:
        found[weight.name] = Tensor(weight.name, tuple(weight.dims), dtype_name(weight.data_type))
    return found


def open_values(proto: onnx.ModelProto, shapes: dict[str, Tensor]) -> tuple[str, ...]:
    """Return the values of the main graph, outputs first, that are no tensor of known shape with elements."""
    names = [o.name for o in proto.graph.output] + [o for n in proto.graph.node for o in n.output if o]
    return tuple(name for name in dict.fromkeys(names) if name not in shapes or 0 in shapes[name].shape)


def check_complete(proto: onnx.ModelProto, shapes: dict[str, Tensor]) -> None:
    """Raise `ModelError` naming every node that makes a shape depend on the data, or an output that is not a tensor."""
    for output in proto.graph.output:
        if output.type.WhichOneof("value") not in ("tensor_type", None):
            kind = output.type.WhichOneof("value")
            raise ModelError(
                f"output {output.name!r} is a {str(kind).removesuffix('_type')}, not a tensor",
                hint="export without it (scikit-learn: options={'zipmap': False})",
                code="not-a-tensor",
            )
    _check_ml(proto, shapes)
    standard = {"", "ai.onnx"}
    for i, node in enumerate(proto.graph.node):
        empty = [o for o in node.output if o in shapes and 0 in shapes[o].shape]
        if empty:
            label = node_label(node, i)
            raise ModelError(
                f"{empty[0]!r}, made by node {label} ({node.op_type}), has no elements",
                hint="a circuit has nothing to compute there: leave the node out",
                code="empty",
                node=label,
            )
    sources = [
        (node_label(n, i), n.op_type, next(o for o in n.output if o and o not in shapes))
        for i, n in enumerate(proto.graph.node)
        if n.domain in standard
        and any(o and o not in shapes for o in n.output)
        and all(not name or name in shapes for name in n.input)
    ]
    if sources:
        label, op, value = sources[0]
        others = "".join(f"; {value!r} by {label} ({op})" for label, op, value in sources[1:])
        raise ModelError(
            f"the shape of {value!r}, made by node {label} ({op}), depends on the data{others}",
            hint="a circuit has fixed shapes: pin dimensions with --dim, or export the model without data-dependent shapes",
            code="dynamic-shape",
            node=label,
            details={"nodes": [{"node": label, "op": op, "value": value} for label, op, value in sources]},
        )
    left = next(
        ((node_label(n, i), n) for i, n in enumerate(proto.graph.node) if any(o and o not in shapes for o in n.output)), None
    )
    if left is not None and left[1].domain in standard:
        raise ModelError(
            f"the shape of what node {left[0]} ({left[1].op_type}) makes is not known",
            hint="a circuit has fixed shapes: pin dimensions with --dim, or export the model without data-dependent shapes",
            code="dynamic-shape",
            node=left[0],
        )


def _check_ml(proto: onnx.ModelProto, shapes: dict[str, Tensor]) -> None:
    """Raise `ModelError` naming every node of ai.onnx.ml that no rewrite took and whose results are open therefore."""
    left = [
        (node_label(node, i), node.op_type)
        for i, node in enumerate(proto.graph.node)
        if node.domain == ML and any(o and o not in shapes for o in node.output)
    ]
    if left:
        raise ModelError(
            f"{len(left)} node{'s' if len(left) > 1 else ''} cannot be compiled: "
            + "; ".join(f"{name} ({op}): {why_left(op)[0]}" for name, op in left),
            hint=why_left(left[0][1])[1],
            code="unsupported",
            node=left[0][0],
            details={
                "nodes": [{"node": name, "op": op, "reason": why_left(op)[0], "remedy": why_left(op)[1]} for name, op in left]
            },
        )
