"""`zkml inspect --graph`: what a compiled circuit holds, node after node, as EZKL wrote it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from zkml.bundle import Bundle
from zkml.circuit.graph import MAX_CIRCUIT_BYTES, Graph, Model, Node, Op, Slot, Visibility, rebase_op
from zkml.cli.output import emit, printable
from zkml.errors import UsageError
from zkml.files import read_bounded

MAX_FIELD = 60
"""Characters of a field's value that people are shown; JSON has all."""

Shape = Sequence[int]


def inspect_graph(path: Path, *, as_json: bool) -> None:
    """Print the compiled circuit at `path`: a bundle, or the file itself.

    Raises `MalformedArtifact` naming byte and field of a damaged circuit, and what `Bundle.require` raises.
    """
    file = path
    if path.is_dir():
        bundle = Bundle.open(path)
        bundle.require("circuit")
        file = bundle.path("circuit")
    elif path.suffix == ".onnx":
        raise UsageError(
            f"{path} is a model, which has no graph of a circuit yet",
            hint="run `zkml compile` first; without --graph, `zkml inspect` shows the model",
            code="no-circuit",
        )
    data = read_bounded(file, what="compiled circuit", max_bytes=MAX_CIRCUIT_BYTES)
    graph, digest = Graph.parse(data), hashlib.sha256(data).hexdigest()
    emit(
        as_data(graph) | {"file": str(file), "sha256": digest},
        as_json=as_json,
        text=lambda console: draw(console, graph, f"{file}  sha256 {digest[:16]}…"),
    )


def as_data(graph: Graph) -> dict[str, Any]:
    """Return the whole graph as data; the bodies of subgraphs nest."""
    return {"settings": graph.settings, **model_data(graph.model)}


def model_data(model: Model) -> dict[str, Any]:
    return {
        "inputs": list(model.inputs),
        "outputs": [list(slot) for slot in model.outputs],
        "visibility": {
            "input": str(model.input_visibility),
            "parameters": str(model.param_visibility),
            "output": str(model.output_visibility),
        },
        "nodes": [node_data(node) for node in model.nodes.values()],
    }


def node_data(node: Node) -> dict[str, Any]:
    body = {"body": model_data(node.body)} if node.body is not None else {}
    return {
        "path": list(node.path),
        "op": op_data(node.op),
        "inputs": [list(slot) for slot in node.inputs],
        "shapes": [list(shape) for shape in node.shapes],
        "scales": list(node.scales),
        "uses": node.uses,
    } | body


def op_data(op: Op) -> dict[str, Any]:
    inner = {"inner": op_data(op.inner)} if op.inner is not None else {}
    return {"name": op.name, "family": op.family, "fields": dict(op.fields)} | inner


def draw(console: Console, graph: Graph, title: str) -> None:
    """Draw the graph for people: one line a node, those of a subgraph below it."""
    model, args = graph.model, graph.settings["run_args"]
    console.print(printable(title), markup=False, soft_wrap=True)
    console.print(
        f"EZKL {printable(graph.settings['version'])}; 2^{args['logrows']} rows; inputs {model.input_visibility},"
        f" parameters {model.param_visibility}, outputs {model.output_visibility}",
        markup=False,
        soft_wrap=True,
    )
    lines: list[tuple[str, ...]] = [("node", "inputs", "shape", "scale", "uses", "operator")]
    lines += [line(node) for node in model.walk()]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for cells in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        console.print(printable(text.rstrip()), markup=False, soft_wrap=True)
    outputs = zip(model.outputs, graph.settings["model_output_scales"], strict=False)
    told = ", ".join(f"{slot(s)} at scale {scale}" for s, scale in outputs)
    console.print(f"inputs {', '.join(map(str, model.inputs))}; outputs {told}", markup=False, soft_wrap=True)


def line(node: Node) -> tuple[str, ...]:
    """Return the cells of a node's line."""
    return (
        ".".join(map(str, node.path)),
        " ".join(map(slot, node.inputs)),
        " ".join(map(size, node.shapes)),
        " ".join(map(str, node.scales)),
        str(node.uses) if node.body is None else "",
        described(node.op),
    )


def slot(of: Slot) -> str:
    """Return a result as text: the node, and which of its results unless it is the first."""
    node, outlet = of
    return f"{node}:{outlet}" if outlet else str(node)


def size(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "scalar"


def described(op: Op) -> str:
    """Return an operator with its fields, innermost first: `Conv(stride=[1, 1], …), then divided by 128.0`."""
    match op.name:
        case "Constant":
            tensor = op.fields["quantized_values"]
            kind = str(Visibility.parse(tensor["visibility"])) if tensor["visibility"] is not None else "free"
            return f"Constant({tensor['len']:,} value{'s' if tensor['len'] != 1 else ''}, {kind})"
        case "RebaseScale" if op.inner is not None:
            rebase = rebase_op(op)
            return f"{described(op.inner)}, then {rebase.name}({fields(rebase.fields)})"
        case "Rescaled" if op.inner is not None:
            return f"{described(op.inner)} of inputs rescaled by {short(op.fields.get('scale'))}"
        case "SubGraph":
            taken = ", ".join(map(mapping, op.fields["input_mappings"]))
            given = ", ".join(" and ".join(map(mapping, each)) for each in op.fields["output_mappings"])
            return f"SubGraph(takes {taken}; gives {given})"
        case _:
            inside = fields(op.fields)
            return f"{op.name}({inside})" if inside else op.name


def mapping(raw: Any) -> str:
    """Return how a scan takes an input or gives an output: `state`, `stacked(axis=0, chunk=1)`, …"""
    if isinstance(raw, str):
        return raw.lower()
    ((name, values),) = raw.items()
    return f"{name.lower()}({fields(values)})"


def fields(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={short(value)}" for name, value in values.items() if value is not None)


def short(value: Any) -> str:
    """Return a field's value as short text."""
    if isinstance(value, dict) and {"len", "dims"} <= value.keys():
        return f"{size(value['dims'])} values"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_FIELD else text[:MAX_FIELD] + "…"
