"""A model as the rest of the package sees it: checked, every shape a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import onnx


@dataclass(frozen=True)
class Tensor:
    """A named tensor of a graph. `shape` holds positive numbers only; `dtype` is ONNX's name in lower case (`float`, `int64`)."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Model:
    """An ONNX model whose dimensions are pinned and whose weights are inside `proto`.

    `digest` is the SHA-256 of the file read (64 hex digits), before anything was pinned. `shapes` has every value of the main
    graph whose shape is known. `notes` are sentences about what was assumed, to be said aloud. `graph.value_info` of `proto`
    and the shapes of its inputs and outputs agree with `shapes`.
    """

    path: Path
    proto: onnx.ModelProto = field(repr=False)
    digest: str
    opsets: Mapping[str, int]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    shapes: Mapping[str, Tensor] = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of an ONNX file, the same for the same model."""
        return bytes(self.proto.SerializeToString(deterministic=True))


def node_label(node: onnx.NodeProto, index: int) -> str:
    """Return a name for a node: its own, or its operator and position."""
    return node.name or f"{node.op_type}_{index}"


def dtype_name(elem_type: int) -> str:
    """Return ONNX's name of an element type in lower case."""
    return str(onnx.TensorProto.DataType.Name(elem_type)).lower()
