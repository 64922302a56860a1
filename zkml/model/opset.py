"""Older models brought to the opset that rewrites are written for."""

from __future__ import annotations

import onnx
from onnx import version_converter

LEAST_OPSET = 13
"""Rewrites are written for opsets from here on."""

OLDEST = 7
CONVERSION_ERRORS = (RuntimeError, ValueError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError)


def opset_of(proto: onnx.ModelProto, domain: str = "ai.onnx") -> int:
    """Return the version of a domain that a model imports, 0 when it does not."""
    return next((o.version for o in proto.opset_import if (o.domain or "ai.onnx") == domain), 0)


def modernised(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model at `LEAST_OPSET` when it is older and ONNX's own converter can bring it there, else the model itself.

    Where no definition of an operator in use has changed only the number is written; the nodes keep their names either way.
    """
    have = opset_of(proto)
    if not OLDEST <= have < LEAST_OPSET:
        return proto
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    if not _same_definitions(proto, have):
        try:
            copy = version_converter.convert_version(proto, LEAST_OPSET)
        except CONVERSION_ERRORS:
            return proto  # what cannot be converted is compiled as it is, without rewrites
    for imported in copy.opset_import:
        if imported.domain in ("", "ai.onnx"):
            imported.version = LEAST_OPSET
    copy.ir_version = max(copy.ir_version, 7)
    return copy


def _same_definitions(proto: onnx.ModelProto, have: int) -> bool:
    for node in proto.graph.node:
        if node.domain not in ("", "ai.onnx"):
            continue
        if any(a.HasField("g") or a.graphs for a in node.attribute):
            return False
        try:
            old, new = (onnx.defs.get_schema(node.op_type, v, "") for v in (have, LEAST_OPSET))
        except onnx.defs.SchemaError:
            return False
        if old.since_version != new.since_version:
            return False
    return True
