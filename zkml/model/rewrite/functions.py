"""Operators whose definition in ONNX has a body of simpler ones: the body in the place of the node."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import REDUCED_BY_INPUT, Site

OPS = frozenset({
    "AffineGrid", "Attention", "CausalConvWithState", "CenterCropPad", "DynamicQuantizeLinear", "GroupNormalization",
    "LinearAttention", "MeanVarianceNormalization", "NegativeLogLikelihoodLoss", "RMSNormalization",
    "RotaryEmbedding", "SoftmaxCrossEntropyLoss", "SwiGLU",
})  # fmt: skip
"""Those that EZKL lacks; the bodies of others cost more than EZKL's own."""


def function_body(site: Site) -> list[str] | None:
    """Precondition: ONNX has a body for the operator at the graph's opset, and the types of all inputs are known."""
    node = site.node
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, site.domain_version, node.domain)
    except onnx.defs.SchemaError:
        return None
    body = _body(schema, site)
    if body is None:
        return None
    names = dict.fromkeys(body.input, "") | dict(zip(body.input, node.input, strict=False))
    defaults = {
        name: helper.get_attribute_value(a.default_value) for name, a in schema.attributes.items() if a.default_value.type
    }
    given = {a.name: a for a in node.attribute}
    site.copy((bound for n in body.node if (bound := _bind(n, given, defaults, site)) is not None), names)
    return [names.get(o, "") for o in body.output]


def _body(schema: Any, site: Site) -> onnx.FunctionProto | None:
    types: list[bytes] = []
    for name in site.node.input:
        tensor = site.tensor(name)
        if name and tensor is None:
            return None
        kind = onnx.TypeProto()
        if tensor is not None:
            kind = helper.make_tensor_type_proto(onnx.TensorProto.DataType.Value(tensor.dtype.upper()), list(tensor.shape))
        types.append(kind.SerializeToString())
    version = site.domain_version
    proto = onnx.FunctionProto()
    contextual = [v for v in schema.context_dependent_function_opset_versions if v <= version]
    plain = [v for v in schema.function_opset_versions if v <= version]
    if contextual:
        data = schema.get_context_dependent_function_with_opset_version(max(contextual), site.node.SerializeToString(), types)
    elif plain:
        data = schema.get_function_with_opset_version(max(plain))
    else:
        return None
    if isinstance(data, onnx.FunctionProto):
        return data
    if not data:
        return None
    proto.ParseFromString(data)
    return proto


def _bind(
    node: onnx.NodeProto, given: dict[str, onnx.AttributeProto], defaults: dict[str, object], site: Site
) -> onnx.NodeProto | None:
    """Return a node of a body with its references to the function's attributes resolved, in the form of the graph's opset."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    del made.attribute[:]
    for a in node.attribute:
        if not a.ref_attr_name:
            made.attribute.add().CopyFrom(a)
        elif a.ref_attr_name in given:
            made.attribute.add().CopyFrom(given[a.ref_attr_name])
            made.attribute[-1].name = a.name
        elif a.ref_attr_name in defaults:
            made.attribute.append(helper.make_attribute(a.name, defaults[a.ref_attr_name]))
    for a in made.attribute:
        if a.HasField("g"):
            kept = [_bind(n, given, defaults, site) for n in a.g.node]
            del a.g.node[:]
            a.g.node.extend(n for n in kept if n is not None)
    axes = next((a for a in made.attribute if a.name == "axes"), None)
    if axes is not None and site.opset >= REDUCED_BY_INPUT.get(made.op_type, 1 << 30):
        made.input.append(site.ints(list(axes.ints), "axes"))
        made.attribute.remove(axes)
    return made


def cast_like(site: Site) -> list[str] | None:
    """Precondition: the type of the second input is known."""
    kind = site.dtype(site.input(1))
    return [site.cast(site.input(0), kind)] if kind else None


RULES = (
    Rule("function-body", OPS, "ONNX defines the operator by this body", function_body),
    Rule(
        "function-body", frozenset({"FlexAttention"}), "ONNX defines the operator by this body", function_body,
        "ai.onnx.preview",
    ),
    Rule("cast-like", frozenset({"CastLike"}), "the type that is looked at is known", cast_like),
)  # fmt: skip
