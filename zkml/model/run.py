"""The model in floating point, by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime

from zkml.errors import ModelError
from zkml.model.model import Model
from zkml.model.samples import Samples


def session(model: bytes) -> onnxruntime.InferenceSession:
    """Return an onnxruntime session that computes each operator as the standard says: one thread, no rewriting."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_float(model: Model, samples: Samples) -> dict[str, np.ndarray]:
    """Return each output of the model over all samples, samples along a new first axis.

    Raises `ModelError` when onnxruntime cannot run the model.
    """
    names = [t.name for t in model.outputs]
    try:
        runner = session(model.to_bytes())
        rows = [runner.run(names, dict(sample)) for sample in samples]
    except Exception as e:
        text = " ".join(str(e).split())
        raise ModelError(f"onnxruntime cannot run the model: {text[:500]}", code="float-run") from e
    return {name: np.stack([row[i] for row in rows]) for i, name in enumerate(names)}


def run_all(model: Model, sample: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return every value of the main graph that onnxruntime computes for one sample, inputs and outputs included."""
    proto = model.proto.__class__()
    proto.CopyFrom(model.proto)
    have = {o.name for o in proto.graph.output}
    for node in proto.graph.node:
        for name in node.output:
            if name and name not in have and name in model.shapes:
                proto.graph.output.add().name = name
                have.add(name)
    names = [o.name for o in proto.graph.output]
    try:
        values = session(proto.SerializeToString()).run(names, dict(sample))
    except Exception as e:
        text = " ".join(str(e).split())
        raise ModelError(f"onnxruntime cannot run the model: {text[:500]}", code="float-run") from e
    return dict(sample) | dict(zip(names, values, strict=True))
