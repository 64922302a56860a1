"""Which node EZKL means when it does not say.

The model is cut after its first n nodes, in topological order, and EZKL tries the piece; bisection finds the smallest n that
fails as the whole model does. The last node of that piece is the culprit: it has an operator that is not supported, or an output
too large for the circuit's digits, since all ends of a piece are outputs, and outputs are range-checked.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import onnx

from zkml.errors import EnvironmentFault, InfeasibleError, ZkmlError
from zkml.ezkl.worker import Limits, Worker

MAX_SECONDS = 60.0
CODES = frozenset(
    {
        "unsupported-operator",
        "missing-attribute",
        "dynamic-shape",
        "translation",
        "value-too-large",
        "ezkl",
        "ezkl-panic",
        "ezkl-crash",
    }
)
"""Failures that one node can be the reason of."""


class RunArguments(Protocol):
    """What `zkml.settings.RunArgs` can do; settings lie above this package."""

    def as_ezkl(self) -> dict[str, Any]: ...


class Prefixes:
    """The beginnings of a model, each a model of its own."""

    def __init__(self, model: onnx.ModelProto) -> None:
        # It raises errors of many types on models that are not valid. EZKL infers shapes itself; types are all that is lost.
        with contextlib.suppress(Exception):
            model = onnx.shape_inference.infer_shapes(model)
        self.model = model
        self.nodes = list(model.graph.node)
        self.known = {v.name: v for v in [*model.graph.value_info, *model.graph.output]}
        # Only what depends on an input can be an output of a circuit.
        self.dynamic = {v.name for v in model.graph.input} - {i.name for i in model.graph.initializer}
        for node in self.nodes:
            if self.dynamic.intersection(node.input):
                self.dynamic.update(o for o in node.output if o)

    def cut(self, count: int) -> onnx.ModelProto | None:
        """Return the model of the first `count` nodes, or None when nothing in it depends on an input."""
        before, after = self.nodes[:count], self.nodes[count:]
        wanted = {name for node in after for name in node.input} | {o.name for o in self.model.graph.output}
        ends = [name for node in before for name in node.output if name in wanted and name in self.dynamic]
        if not ends:
            return None
        piece = onnx.ModelProto()
        piece.CopyFrom(self.model)
        del piece.graph.node[count:]
        del piece.graph.output[:]
        for name in ends:
            known = self.known.get(name)
            piece.graph.output.append(known or onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        used = {name for node in before for name in node.input}
        kept = [i for i in piece.graph.initializer if i.name in used]
        del piece.graph.initializer[:]
        piece.graph.initializer.extend(kept)
        return piece


class Trial:
    """Tries pieces until its time is up."""

    def __init__(self, worker: Worker, folder: Path, run_args: Mapping[str, Any], error: ZkmlError, data: Path | None) -> None:
        self.worker, self.folder, self.run_args, self.error, self.data = worker, folder, run_args, error, data
        self.until = time.monotonic() + MAX_SECONDS

    def fails(self, piece: onnx.ModelProto | None) -> bool:
        """Whether the piece fails as the whole model did. Raises `InfeasibleError` when time is up."""
        if piece is None:
            return False
        left = self.until - time.monotonic()
        if left <= 0:
            raise InfeasibleError("the search for the node ran out of time", code="max-time")
        self.worker.limits = Limits(self.worker.limits.max_ram, left)
        model, settings, circuit = (self.folder / name for name in ("model.onnx", "settings.json", "circuit.ezkl"))
        onnx.save(piece, model)
        try:
            self.worker.call("gen_settings", stage="locate", model=model, output=settings, py_run_args=dict(self.run_args))
            if self.data is not None or self.error.details.get("call") == "compile_circuit":
                self.worker.call("compile_circuit", stage="locate", model=model, compiled_circuit=circuit, settings_path=settings)
            if self.data is not None:
                output = self.folder / "witness.json"
                self.worker.call("gen_witness", stage="locate", data=self.data, model=circuit, output=output)
        except (InfeasibleError, EnvironmentFault):
            raise
        except ZkmlError as e:
            return e.code == self.error.code
        return False


def locate(
    worker: Worker, model_path: Path, run_args: RunArguments | Mapping[str, Any], error: ZkmlError, data: Path | None = None
) -> ZkmlError:
    """Return `error` with the node that is the reason of it, or as it is where none is found within a minute.

    `error` came from `gen_settings` or `compile_circuit` of the model with these run arguments, or from `gen_witness` on the
    input file `data`. The model is one whose tensors are all in the file.
    """
    if error.node is not None or error.code not in CODES:
        return error
    fields = run_args if isinstance(run_args, Mapping) else run_args.as_ezkl()
    limits = worker.limits
    try:
        prefixes = Prefixes(onnx.load(model_path, load_external_data=False))
        with tempfile.TemporaryDirectory(prefix="zkml-locate-") as folder:
            trial = Trial(worker, Path(folder), fields, error, data)
            good, bad = 0, len(prefixes.nodes)
            while bad - good > 1:
                middle = (good + bad) // 2
                if trial.fails(prefixes.cut(middle)):
                    bad = middle
                else:
                    good = middle
            if bad == 0 or not trial.fails(prefixes.cut(bad)):
                return error
    except (InfeasibleError, EnvironmentFault, OSError, ValueError, onnx.checker.ValidationError):
        return error
    except Exception as e:
        if type(e).__name__ == "DecodeError":  # protobuf's; its module's name depends on the back end
            return error
        raise
    finally:
        worker.limits = limits
    return named(error, prefixes.nodes[bad - 1])


def named(error: ZkmlError, node: onnx.NodeProto) -> ZkmlError:
    """Return the error with the node in its message."""
    name = node.name or (node.output[0] if node.output else "?")
    found = type(error)(
        f"node {name} ({node.op_type}): {error.message}",
        hint=error.hint,
        code=error.code,
        node=name,
        details=error.details | {"operator": node.op_type},
    )
    found.__cause__ = error
    return found
