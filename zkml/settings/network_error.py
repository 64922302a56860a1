"""Where along the network the error arises: every intermediate value, in integers and in floats.

The model is copied with its intermediate values as further outputs and run in integers with the chosen scales. A node's *own*
error is what it adds when it is given the values that the circuit gave it: the node alone, in floats, on the circuit's inputs,
against the circuit's output. The rest of its error was carried in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from zkml.errors import ZkmlError
from zkml.ezkl import Worker
from zkml.settings.fidelity import NodeError
from zkml.settings.float_model import FloatModel, session
from zkml.settings.run_args import RunArgs
from zkml.settings.trial import Arrays, Trials, probe

MAX_OUTPUTS = 64
MAX_ATTEMPTS = 12
NUMBERS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)


@dataclass(frozen=True)
class Values:
    """Values of one sample by name: `floats` from onnxruntime, `integers` from the circuit, rescaled."""

    floats: dict[str, npt.NDArray[Any]]
    integers: dict[str, npt.NDArray[Any]]


def intermediate_names(proto: onnx.ModelProto) -> list[str]:
    """Return the float values between nodes that depend on an input, in order, at most `MAX_OUTPUTS` spread evenly, all outputs
    of the model among them."""
    types = {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(proto).graph.value_info}
    final = [o.name for o in proto.graph.output]
    live = {i.name for i in proto.graph.input} - {i.name for i in proto.graph.initializer}
    names = []
    for node in proto.graph.node:
        if live.intersection(node.input):
            live.update(node.output)
            names += [o for o in node.output if o and types.get(o) in NUMBERS and o not in final]
    if len(names) > MAX_OUTPUTS:
        names = [names[round(i * (len(names) - 1) / (MAX_OUTPUTS - 1))] for i in range(MAX_OUTPUTS)]
    return [*names, *final]


def with_outputs(proto: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """Return a copy of the model whose outputs are `names`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(onnx.shape_inference.infer_shapes(proto))
    known = {v.name: v for v in [*copy.graph.value_info, *copy.graph.output]}
    outputs = [known[name] for name in names if name in known]
    kept = [onnx.ValueInfoProto.FromString(o.SerializeToString()) for o in outputs]
    del copy.graph.output[:]
    copy.graph.output.extend(kept)
    return copy


def trace(
    proto: onnx.ModelProto, names: Sequence[str], args: RunArgs, legs: int, sample: Arrays, worker: Worker, folder: Path
) -> Values:
    """Return the values `names` of one sample. Raises the error of EZKL where it cannot make them outputs."""
    path = folder / "traced.onnx"
    copy = with_outputs(proto, names)
    path.write_bytes(copy.SerializeToString())
    model = FloatModel.of(copy)
    floats = [o[0] for o in model.run([sample])]
    trials = Trials(path, worker, folder, model.inputs, model.shapes, [f.shape for f in floats])
    run = trials.run(probe(args, legs=legs), [sample])
    return Values(
        dict(zip(model.outputs, floats, strict=True)),
        dict(zip(model.outputs, (o[0] for o in run.outputs), strict=True)),
    )


def traced(
    proto: onnx.ModelProto, args: RunArgs, legs: int, sample: Arrays, worker: Worker, folder: Path, deadline: float
) -> Values:
    """Return as many intermediate values as EZKL can make outputs: where it fails on all, halves are tried apart."""
    found = Values({}, {})
    waiting = [intermediate_names(proto)]
    for _ in range(MAX_ATTEMPTS):
        if not waiting or time.monotonic() > deadline:
            break
        names = waiting.pop(0)
        try:
            values = trace(proto, names, args, legs, sample, worker, folder)
        except ZkmlError:
            if len(names) > 1:
                middle = len(names) // 2
                waiting += [names[:middle], names[middle:]]
            continue
        found.floats.update(values.floats)
        found.integers.update(values.integers)
    return found


def own_error(
    proto: onnx.ModelProto,
    known: Mapping[str, onnx.ValueInfoProto],
    node: onnx.NodeProto,
    values: Mapping[str, npt.NDArray[Any]],
    output: str,
) -> float | None:
    """Return the largest error that a node adds to the values it is given, or None where it cannot be run alone. `known` are the
    types of the model's values."""
    constants = {i.name: i for i in proto.graph.initializer}
    inputs = [name for name in dict.fromkeys(node.input) if name and name not in constants]
    if any(name not in values for name in inputs) or any(a.g.node for a in node.attribute):
        return None
    if any(name not in known for name in [*inputs, output]):
        return None
    graph = onnx.helper.make_graph(
        [node], "one", [known[n] for n in inputs], [known[output]], [constants[n] for n in node.input if n in constants]
    )
    model = onnx.helper.make_model(graph, opset_imports=list(proto.opset_import), ir_version=proto.ir_version)
    types = {n: onnx.helper.tensor_dtype_to_np_dtype(known[n].type.tensor_type.elem_type) for n in inputs}
    try:
        feeds = {n: np.asarray(values[n]).astype(types[n]) for n in inputs}
        result = np.asarray(session(model).run([output], feeds)[0], dtype=np.float64)
    except Exception:  # onnxruntime's errors share no base class; a node that cannot run alone has no figure of its own
        return None
    return float(np.abs(result - values[output]).max()) if result.size else 0.0


def node_errors(
    proto: onnx.ModelProto,
    args: RunArgs,
    legs: int,
    sample: Arrays,
    worker: Worker,
    folder: Path,
    *,
    deadline: float = float("inf"),
) -> list[NodeError]:
    """Return the error at each node's output that could be traced, in the order of the network. From `deadline` (of
    `time.monotonic`) on no more values are traced, and no node is run alone."""
    values = traced(proto, args, legs, sample, worker, folder, deadline)
    inferred = onnx.shape_inference.infer_shapes(proto).graph
    known = {v.name: v for v in [*inferred.value_info, *inferred.output, *inferred.input]}
    scale = 2.0**args.input_scale
    given = {
        name: np.round(a.astype(np.float64) * scale) / scale if a.dtype.kind == "f" else a.astype(np.float64)
        for name, a in sample.items()
    }
    circuit = given | values.integers
    result = []
    for node in proto.graph.node:
        for name in node.output:
            if name not in values.integers:
                continue
            want, got = values.floats[name], values.integers[name]
            error = np.abs(want - got)
            result.append(
                NodeError(
                    node.name or name,
                    node.op_type,
                    name,
                    float(error.max(initial=0.0)),
                    float(error.mean()) if error.size else 0.0,
                    own_error(proto, known, node, circuit, name) if time.monotonic() < deadline else None,
                    float(np.ptp(want)) if want.size else 0.0,
                )
            )
    return result
