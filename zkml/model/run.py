"""The model in floating point, by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from zkml.errors import ModelError
from zkml.model.model import Model, Tensor
from zkml.model.samples import Samples
from zkml.model.session import session


class Runner:
    """A model in onnxruntime that gives its outputs and, where it can, further values of its main graph."""

    def __init__(self, model: Model, extra: Sequence[str] = ()) -> None:
        """Raises `ModelError` when onnxruntime cannot load the model."""
        proto = onnx.ModelProto()
        proto.CopyFrom(model.proto)
        have = {o.name for o in proto.graph.output}
        made = {o for node in proto.graph.node for o in node.output}
        for name in dict.fromkeys(extra):
            if name in made and name not in have:
                proto.graph.output.add().name = name
        self.names = [o.name for o in proto.graph.output]
        self.kinds = {t.name: _numpy_kind(t) for t in model.inputs}
        try:
            self._session = session(proto.SerializeToString())
        except Exception as e:
            raise _fault(e) from e

    def run(self, sample: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the values for one sample, which is cast to the types of the inputs. Raises `ModelError`."""
        feeds = {name: np.asarray(value).astype(self.kinds[name]) for name, value in sample.items()}
        try:
            values = self._session.run(self.names, feeds)
        except Exception as e:
            raise _fault(e) from e
        return dict(zip(self.names, (np.asarray(v) for v in values), strict=True))


def _numpy_kind(tensor: Tensor) -> np.dtype[Any]:
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.DataType.Value(tensor.dtype.upper())))


def _fault(e: Exception) -> ModelError:
    text = " ".join(str(e).split())
    return ModelError(f"onnxruntime cannot run the model: {text[:500]}", code="float-run")


def run_float(model: Model, samples: Samples) -> dict[str, np.ndarray]:
    """Return each output of the model over all samples, samples along a new first axis.

    Raises `ModelError` when onnxruntime cannot run the model.
    """
    names = [t.name for t in model.outputs]
    try:
        runner = session(model.to_bytes())
        rows = [runner.run(names, dict(sample)) for sample in samples]
    except Exception as e:
        raise _fault(e) from e
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
        raise _fault(e) from e
    return dict(sample) | dict(zip(names, values, strict=True))
