"""EZKL's compiled circuit as Python values: nodes, shapes, scales, visibility, settings.

The bytes are decoded in Rust (`zkml._core.graph`), with bounds; here the result becomes frozen dataclasses. Node numbers are
EZKL's own: they ascend in the order of the layout and are what its logs call a node.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from zkml._core import graph as core
from zkml.files import read_bounded

MAX_CIRCUIT_BYTES = 1 << 34

VisibilityKind = Literal["private", "public", "hashed", "kzg", "fixed"]
_KINDS: dict[str, VisibilityKind] = {
    "Private": "private",
    "Public": "public",
    "KZGCommit": "kzg",
    "Fixed": "fixed",
}
_FAMILIES = {"Linear": "linear", "Nonlinear": "lookup", "Hybrid": "hybrid"}
_TUPLE_FIELD = {"Reshape": "shape", "Flatten": "shape", "Pad": "padding", "Pow": "exponent"}

Integers = npt.NDArray[np.int64]
Slot = tuple[int, int]
"""A node's number and which of its results."""
NodePath = tuple[int, ...]
"""A node's number, after those of the subgraphs around it."""


@dataclass(frozen=True)
class Visibility:
    """Who sees a tensor, and what binds it. `outlets` are the inputs that a private hash covers."""

    kind: VisibilityKind
    hash_is_public: bool = False
    outlets: tuple[int, ...] = ()

    @classmethod
    def parse(cls, raw: Any) -> Visibility:
        """Return the visibility that settings and tensors record as `"Public"`, `{"Hashed": {…}}`, …"""
        if isinstance(raw, dict):
            hashed = raw["Hashed"]
            return cls("hashed", hashed["hash_is_public"], tuple(hashed["outlets"]))
        return cls(_KINDS[raw])

    def __str__(self) -> str:
        if self.kind == "hashed" and not self.hash_is_public:
            return "hashed/private"
        return "polycommit" if self.kind == "kzg" else self.kind

    @property
    def is_processed(self) -> bool:
        """Whether a module (hash or commitment) reads the tensor's cells before the model does."""
        return self.kind in ("hashed", "kzg")


@dataclass(frozen=True)
class Op:
    """An operator. `Rescaled` and `RebaseScale` wrap another one, `inner`."""

    name: str
    family: Literal["linear", "lookup", "hybrid", "input", "constant", "wrapper", "unknown"]
    fields: Mapping[str, Any] = field(default_factory=dict)
    inner: Op | None = None

    def __iter__(self) -> Iterator[Op]:
        """Yield the operator and, outermost first, the ones it wraps."""
        op: Op | None = self
        while op is not None:
            yield op
            op = op.inner

    @property
    def core(self) -> Op:
        """The innermost operator: what the ONNX node asked for."""
        return self.inner.core if self.inner is not None else self

    def __str__(self) -> str:
        return self.name if self.inner is None else f"{self.name}({self.inner})"


@dataclass(frozen=True)
class Node:
    """One operator in the graph. Most have one result; a subgraph may have more, and holds its `body`."""

    path: NodePath
    op: Op
    inputs: tuple[Slot, ...]
    shapes: tuple[tuple[int, ...], ...]
    scales: tuple[int, ...]
    uses: int
    body: Model | None = None

    @property
    def index(self) -> int:
        return self.path[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[0]

    @property
    def scale(self) -> int:
        return self.scales[0]

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))} {self.op}"


@dataclass(frozen=True)
class Model:
    """Nodes in layout order with the graph's inputs (in the order of the instance) and outputs."""

    nodes: Mapping[int, Node]
    inputs: tuple[int, ...]
    outputs: tuple[Slot, ...]
    output_types: tuple[str, ...]
    input_visibility: Visibility
    param_visibility: Visibility
    output_visibility: Visibility

    def walk(self) -> Iterator[Node]:
        """Yield all nodes in layout order, those of subgraphs after the node that holds them."""
        for node in self.nodes.values():
            yield node
            if node.body is not None:
                yield from node.body.walk()

    def named(self, *names: str) -> tuple[Node, ...]:
        """Return the nodes, subgraphs included, that run one of the operators `names`."""
        return tuple(node for node in self.walk() if any(op.name in names for op in node.op))


@dataclass(frozen=True)
class Graph:
    """A compiled circuit: the model, and the settings that EZKL compiled it with, keyed as in `settings.json`."""

    model: Model
    settings: Mapping[str, Any]
    _circuit: core.CompiledCircuit = field(repr=False, compare=False)

    @classmethod
    def open(cls, path: FilePath) -> Graph:
        """Return the circuit in a file. Raises `MalformedArtifact`."""
        return cls.parse(read_bounded(path, what="compiled circuit", max_bytes=MAX_CIRCUIT_BYTES))

    @classmethod
    def parse(cls, data: bytes) -> Graph:
        """Return the circuit in `data`. Raises `MalformedArtifact` naming byte and field."""
        circuit = core.decode(data)
        decoded = json.loads(circuit.to_json())["core"]
        return cls(_model(decoded["model"], ()), decoded["settings"], circuit)

    def encode(self) -> bytes:
        """Return the file's bytes, as they were read."""
        return self._circuit.encode()

    def encode_sorted(self) -> bytes:
        """Return the file's bytes with what EZKL orders at random sorted: the same circuit gives the same bytes anywhere."""
        return self._circuit.encode_sorted()

    def constant(self, node: Node) -> Integers | None:
        """Return a constant's quantised values in its shape, or None when one is beyond 64 bits."""
        try:
            data = self._circuit.constant(list(node.path))
        except OverflowError:
            return None
        return np.frombuffer(data, dtype="<i8").reshape(node.op.fields["quantized_values"]["dims"])


def _named(raw: Any) -> tuple[str, dict[str, Any]]:
    """Return an operator's name and fields from serde's rendering: `"Add"`, `{"Pow": 2}`, `{"Sum": {"axes": [1]}}`."""
    if isinstance(raw, str):
        return raw, {}
    ((name, value),) = raw.items()
    return name, {_TUPLE_FIELD[name]: value} if name in _TUPLE_FIELD else dict(value)


def _op(raw: Any) -> Op:
    if isinstance(raw, str):
        return Op(raw, "unknown")
    ((kind, value),) = raw.items()
    if kind in _FAMILIES:
        name, fields = _named(value)
        return Op(name, _FAMILIES[kind], fields)  # type: ignore[arg-type]
    fields = dict(value)
    if kind in ("Rescaled", "RebaseScale"):
        return Op(kind, "wrapper", fields, _op(fields.pop("inner")))
    return Op(kind, "input" if kind == "Input" else "constant", fields)


def rebase_op(op: Op) -> Op:
    """Return the operator that a `RebaseScale` applies to its inner result."""
    name, fields = _named(op.fields["rebase_op"])
    return Op(name, "hybrid", fields)


def _slots(raw: list[list[int]]) -> tuple[Slot, ...]:
    return tuple((node, slot) for node, slot in raw)


def _node(raw: dict[str, Any], around: NodePath) -> Node:
    ((kind, value),) = raw.items()
    path = (*around, value["idx"])
    if kind == "Node":
        return Node(
            path=path,
            op=_op(value["opkind"]),
            inputs=_slots(value["inputs"]),
            shapes=(tuple(value["out_dims"]),),
            scales=(value["out_scale"],),
            uses=value["num_uses"],
        )
    mappings = {key: value[key] for key in ("input_mappings", "output_mappings")}
    return Node(
        path=path,
        op=Op("SubGraph", "wrapper", mappings),
        inputs=_slots(value["inputs"]),
        shapes=tuple(map(tuple, value["out_dims"])),
        scales=tuple(value["out_scales"]),
        uses=0,
        body=_model(value["model"], path),
    )


def _model(raw: dict[str, Any], around: NodePath) -> Model:
    graph, visibility = raw["graph"], raw["visibility"]
    nodes = [_node(node, around) for node in graph["nodes"]]
    return Model(
        nodes={node.index: node for node in nodes},
        inputs=tuple(graph["inputs"]),
        outputs=_slots(graph["outputs"]),
        output_types=tuple(graph["output_types"]),
        input_visibility=Visibility.parse(visibility["input"]),
        param_visibility=Visibility.parse(visibility["params"]),
        output_visibility=Visibility.parse(visibility["output"]),
    )
