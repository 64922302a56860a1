"""A model as the rest of the package sees it: checked, every shape a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import onnx


@dataclass(frozen=True)
class Tensor:
    """A named tensor of a graph. `shape` holds numbers only, 0 in values that folding removes; `dtype` is ONNX's name in lower
    case (`float`, `int64`)."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Rewritten:
    """What became of one of the user's nodes: the rules applied to it and to what came of it, and the nodes that are left.

    `made` is empty where constants were all that remained.
    """

    node: str
    op: str
    rules: tuple[str, ...]
    made: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return {"node": self.node, "op": self.op, "rules": list(self.rules), "made": list(self.made)}


@dataclass(frozen=True)
class Model:
    """An ONNX model whose dimensions are pinned and whose weights are inside `proto`.

    `digest` is the SHA-256 of the file read (64 hex digits), before anything was pinned. `shapes` has every value of the main
    graph whose shape is known. `notes` are sentences about what was assumed, to be said aloud. `graph.value_info` of `proto`
    and the shapes of its inputs and outputs agree with `shapes`. `rewrites` says what became of the nodes that were replaced.
    """

    path: Path
    proto: onnx.ModelProto = field(repr=False)
    digest: str
    opsets: Mapping[str, int]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    shapes: Mapping[str, Tensor] = field(repr=False)
    notes: tuple[str, ...] = ()
    rewrites: tuple[Rewritten, ...] = field(default=(), repr=False)

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of an ONNX file, the same for the same model."""
        return bytes(self.proto.SerializeToString(deterministic=True))

    def users_node(self, name: str) -> str:
        """Return the user's own node that the node `name` was made from, `name` itself when it was not rewritten."""
        return next((r.node for r in self.rewrites if name in r.made), name)


def node_label(node: onnx.NodeProto, index: int) -> str:
    """Return a name for a node: its own, or its operator and position."""
    return node.name or f"{node.op_type}_{index}"


def dtype_name(elem_type: int) -> str:
    """Return ONNX's name of an element type in lower case."""
    return str(onnx.TensorProto.DataType.Name(elem_type)).lower()
