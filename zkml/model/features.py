"""What about a node decides whether the compiler takes it: attributes away from their defaults, constant inputs, types, ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import helper

from zkml.model.einsum import miscounted
from zkml.model.model import Model, Tensor
from zkml.model.walk import outer_names

FREE_ATTRIBUTES = {
    "alpha", "beta", "gamma", "lambd", "bias", "epsilon", "momentum", "axis", "axes", "perm", "kernel_shape", "strides",
    "hidden_size", "size", "value", "value_float", "value_int", "value_floats", "value_ints", "output_shape", "output_padding",
    "to", "min", "max", "clip", "blocksize", "split", "starts", "ends", "shape", "k", "num_outputs", "spatial_scale",
    "start", "end", "seed", "num_groups", "activations", "activation_alpha", "activation_beta", "cubic_coeff_a", "p",
    "training_mode", "ratio", "consumed_inputs", "broadcast", "is_test", "num_heads", "kv_num_heads", "q_num_heads",
    "softcap", "scale", "scales", "pads", "dilations", "group", "equation", "block_size", "batch_axis", "time_axis", "dtype",
}  # fmt: skip
"""Attributes whose exact value does not matter; `special` says what matters about some of them."""


@dataclass(frozen=True)
class Node:
    """A node with what is known around it. `opset` is that of its domain in the model, `since` the version of its definition."""

    name: str
    op: str
    domain: str
    opset: int
    since: int
    features: frozenset[str]


def nodes_of(model: Model) -> list[Node]:
    """Return the nodes of the main graph that depend on the model's inputs, in order."""
    graph = model.proto.graph
    constants = {t.name for t in graph.initializer}
    read = {name for node in graph.node for name in outer_names(node)} | {o.name for o in graph.output}
    found: list[Node] = []
    for node in graph.node:
        if all(n in constants for n in outer_names(node)) and node.op_type not in ("If", "Loop", "Scan"):
            constants |= set(node.output)
            if outer_names(node) or node.op_type == "Constant":
                continue
        domain = node.domain or "ai.onnx"
        opset = model.opsets.get(domain, 0)
        found.append(
            Node(
                node.name,
                node.op_type,
                domain,
                opset,
                since_version(node.op_type, domain, opset),
                features(node, model.shapes, constants, read, opset),
            )
        )
    return found


def since_version(op: str, domain: str, opset: int) -> int:
    """Return the opset in which the definition of `op` that holds at `opset` began, or 0 when the domain is not standard."""
    try:
        return int(onnx.defs.get_schema(op, opset, "" if domain == "ai.onnx" else domain).since_version)
    except onnx.defs.SchemaError:
        return 0


def features(
    node: onnx.NodeProto, shapes: Mapping[str, Tensor], constants: set[str], read: set[str], opset: int
) -> frozenset[str]:
    """Return the features of one node, as short strings; `read` are the values that something reads."""
    found: set[str] = set()
    domain = node.domain or "ai.onnx"
    defaults = _defaults(node.op_type, domain, opset)
    for a in node.attribute:
        value = helper.get_attribute_value(a)
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if a.name in defaults and defaults[a.name] == value:
            continue
        if a.name not in FREE_ATTRIBUTES and isinstance(value, (int, str, float)):
            found.add(f"{a.name}={value}")
        found |= special(a.name, value) if node.op_type != "Pad" else set()
    for i, name in enumerate(node.input):
        if not name:
            found.add(f"input{i}:absent")
        elif i > 0 and name not in constants:
            found.add(f"input{i}:variable")
        elif i == 0 and name in constants:
            found.add("input0:constant")
    first = next((shapes[n] for n in node.input if n in shapes and n not in constants), None)
    if first is not None:
        found.add(f"rank:{len(first.shape)}")
        if first.dtype != "float":
            found.add(f"type:{first.dtype}")
        if node.op_type == "InstanceNormalization" and first.shape[0] > 1:
            found.add("many samples")
    second = shapes.get(node.input[1]) if len(node.input) > 1 else None
    if first is not None and second is not None and second.dtype == first.dtype and second.shape != first.shape:
        found.add("shapes differ")
    if node.op_type == "Einsum" and miscounted(_equation(node), [shapes[n].shape if n in shapes else None for n in node.input]):
        found.add("sum of three")
    if node.op_type in ("QuantizeLinear", "DequantizeLinear") and second is not None and second.size > 1:
        found.add("scale:many")
    used = sum(1 for o in node.output if o in read)
    if used > 1:
        found.add(f"outputs:{used}")
    return frozenset(found)


def _equation(node: onnx.NodeProto) -> str:
    return next((a.s.decode(errors="replace") for a in node.attribute if a.name == "equation"), "")


def special(name: str, value: object) -> set[str]:
    """Return what matters about an attribute whose exact value does not."""
    match name, value:
        case "pads", list() if any(value):
            return {"pads"} | ({"pads:negative"} if min(value) < 0 else set())
        case "dilations", list() if any(d != 1 for d in value):
            return {"dilations"}
        case "strides", list() if any(s != 1 for s in value):
            return {"strides"}
        case "group", int() if value > 1:
            return {"group"}
        case "output_shape" | "output_padding", _:
            return {name}
        case "axis", int() if value < 0:
            return {"axis:negative"}
        case "to", int():
            return {f"to:{onnx.TensorProto.DataType.Name(value).lower()}"}
        case "activations", list():
            return {"activations"}
        case "k", int() if value != 0:
            return {"k"}
        case "clip", _:
            return {"clip"}
        case _:
            return set()


def _defaults(op: str, domain: str, opset: int) -> dict[str, object]:
    try:
        schema = onnx.defs.get_schema(op, opset, "" if domain == "ai.onnx" else domain)
    except onnx.defs.SchemaError:
        return {}
    found: dict[str, object] = {}
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type:
            value = helper.get_attribute_value(attribute.default_value)
            found[name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found
