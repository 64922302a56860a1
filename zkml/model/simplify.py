"""A settled graph in the operators that EZKL computes rightly: functions inlined, opset raised, rewrites applied."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
from onnx import inliner

from zkml.errors import ModelError
from zkml.model.floats import as_float32
from zkml.model.fold import settle
from zkml.model.model import Rewritten
from zkml.model.opset import modernised
from zkml.model.rewrite import RULES, rewrite

COERCED = {"Softmax", "LogSoftmax", "Hardmax"}
"""Before opset 13 these flatten their input to two dimensions, which EZKL does not know."""


@dataclass(frozen=True)
class Simple:
    """A simplified graph, what became of the user's nodes, and what is to be said aloud."""

    proto: onnx.ModelProto
    rewrites: tuple[Rewritten, ...]
    notes: tuple[str, ...]


def simplify(proto: onnx.ModelProto) -> Simple:
    """Return a settled model without functions of its own and floats of other sizes, in which no rewrite applies.

    `proto` is settled; it is not changed. Raises what `rewrite` raises.
    """
    narrow, kinds = as_float32(proto)
    notes = (f"{' and '.join(kinds)} values are computed as float",) if kinds else ()
    modern = modernised(narrow)
    named = onnx.ModelProto()
    named.CopyFrom(modern if modern is proto else settle(modern))
    name_nodes(named)
    result, rewrites = rewrite(named, RULES)
    if not rewrites and modern is not narrow and not any(n.op_type in COERCED for n in narrow.graph.node):
        result = narrow if narrow is proto else settle(narrow)  # an old opset stands in the way of rewrites only
    return Simple(result, rewrites, notes)


def inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the bodies of its own functions in the place of their calls; the model itself when it has none.

    Raises `ModelError` when a function cannot be inlined.
    """
    if not proto.functions:
        return proto
    try:
        return inliner.inline_local_functions(proto, convert_version=True)
    except (RuntimeError, ValueError) as e:
        text = " ".join(str(e).split())[:300]
        raise ModelError(f"the functions of the model cannot be put into its graph: {text}", code="functions") from e


def name_nodes(proto: onnx.ModelProto) -> None:
    """Give every node a name, so that a message can point at it."""
    taken = {n.name for n in proto.graph.node if n.name}
    for i, node in enumerate(proto.graph.node):
        if not node.name:
            name = f"{node.op_type}_{i}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name
