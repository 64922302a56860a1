"""EZKL's own word on a model: its settings, or every node that it refuses, found by compiling each alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx

from zkml.errors import InternalFault, ModelError
from zkml.ezkl import Worker
from zkml.model.features import nodes_of
from zkml.model.load import write_shape
from zkml.model.model import Model
from zkml.model.operators import Unsupported, remedy, support
from zkml.model.walk import outer_names
from zkml.settings import RunArgs, read_settings, sorted_settings


def lay_out(model: Model, args: RunArgs, worker: Worker) -> dict[str, Any]:
    """Return the settings that EZKL makes of a normalised model: its exact counts, before any key.

    Raises what the worker raises; a model that EZKL refuses is a `ModelError` or, when it panics, an `InternalFault`.
    """
    with tempfile.TemporaryDirectory(prefix="zkml-inspect-") as folder:
        source, settings = Path(folder) / "model.onnx", Path(folder) / "settings.json"
        source.write_bytes(model.to_bytes())
        worker.call("gen_settings", stage="inspect", model=source, output=settings, py_run_args=args.as_ezkl())
        return sorted_settings(read_settings(settings))


def confirmed_support(
    model: Model, args: RunArgs, worker: Worker, *, allow_wrong: bool = False
) -> tuple[tuple[Unsupported, ...], dict[str, Any] | None]:
    """Return the nodes of a normalised model that cannot be compiled rightly, and its settings when EZKL takes it.

    EZKL's word overrules the measured table: what it lays out is not refused, and when it does not, the nodes that it refuses
    alone are. Raises `InfeasibleError` when a limit of the worker is hit, and EZKL's error when it refuses no single node.
    """
    expected = support(model, allow_wrong=allow_wrong)
    wrong = {u.node: u for u in expected if u.kind == "wrong"}
    try:
        settings = lay_out(model, args, worker)
    except (ModelError, InternalFault) as e:
        _worker_ran(e)
        refused = {u.node: u for u in refused_nodes(model, args, worker)} or {u.node: u for u in expected}
        if not refused and not wrong:
            raise
        named = refused | wrong
        return tuple(named[n.name] for n in model.proto.graph.node if n.name in named), None
    return tuple(wrong.values()), settings


def _worker_ran(e: ModelError | InternalFault) -> None:
    """Raise `e` again unless it is EZKL that failed."""
    if e.code == "ezkl-crash" and int(e.details.get("status", 1)) > 0:
        raise e


def refused_nodes(model: Model, args: RunArgs, worker: Worker) -> tuple[Unsupported, ...]:
    """Return every node of a normalised model that EZKL refuses when it stands alone, in order, with EZKL's message."""
    found: list[Unsupported] = []
    described = {n.name: n for n in nodes_of(model)}
    for node in model.proto.graph.node:
        about = described.get(node.name)
        part = alone(model, node)
        if about is None or part is None:
            continue
        try:
            lay_out(part, args, worker)
        except (ModelError, InternalFault) as e:
            _worker_ran(e)
            said = " ".join(str(e.details.get("ezkl") or e.message).split())[:200]
            found.append(
                Unsupported(node.name, node.op_type, about.domain, about.opset, "refused", f"EZKL says: {said}", remedy(about))
            )
    return tuple(found)


def alone(model: Model, node: onnx.NodeProto) -> Model | None:
    """Return a model of one node with the shapes and weights it has in `model`; None when it reads no data or an open shape."""
    weights = {t.name: t for t in model.proto.graph.initializer}
    reads = sorted(outer_names(node))
    data = [n for n in dict.fromkeys([*node.input, *reads]) if n and n not in weights]
    outputs = [o for o in node.output if o in model.shapes]
    if not data or not outputs or any(n not in model.shapes for n in data):
        return None
    proto = onnx.ModelProto()
    proto.ir_version = model.proto.ir_version
    proto.opset_import.extend(model.proto.opset_import)
    proto.functions.extend(model.proto.functions)
    proto.graph.name = node.name or node.op_type
    proto.graph.node.add().CopyFrom(node)
    proto.graph.initializer.extend(weights[n] for n in reads if n in weights)
    for names, values in ((data, proto.graph.input), (outputs, proto.graph.output)):
        for name in names:
            value = values.add()
            value.name = name
            write_shape(value, model.shapes[name])
    return Model(
        path=model.path,
        proto=proto,
        digest=model.digest,
        opsets=model.opsets,
        inputs=tuple(model.shapes[n] for n in data),
        outputs=tuple(model.shapes[n] for n in outputs),
        shapes={n: model.shapes[n] for n in [*data, *outputs]},
    )
