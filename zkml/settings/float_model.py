"""The model in floating point: its inputs and outputs, and what onnxruntime computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from zkml.errors import ModelError, SampleError
from zkml.settings.metrics import Floats

MAX_MODEL_BYTES = 1 << 31


@dataclass(frozen=True)
class FloatModel:
    """An ONNX model with fixed shapes, under onnxruntime on one thread without graph rewriting."""

    proto: onnx.ModelProto
    session: onnxruntime.InferenceSession
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype[Any], ...]
    outputs: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> FloatModel:
        """Return the model in a file. Raises `ModelError`."""
        try:
            if path.stat().st_size > MAX_MODEL_BYTES:
                raise ModelError(f"{path} is larger than {MAX_MODEL_BYTES} bytes", code="too-large")
            proto = onnx.load(str(path))
        except OSError as e:
            raise ModelError(f"cannot read the model {path}: {e.strerror or e}", code="missing") from e
        except Exception as e:
            if isinstance(e, ModelError):
                raise
            raise ModelError(f"{path} is not an ONNX model: {e}", code="not-onnx") from e
        return cls.of(proto)

    @classmethod
    def of(cls, proto: onnx.ModelProto) -> FloatModel:
        constants = {i.name for i in proto.graph.initializer}
        names, shapes, dtypes = [], [], []
        for value in proto.graph.input:
            if value.name in constants:
                continue
            tensor = value.type.tensor_type
            # A dimension without a number is a batch of one: EZKL's circuits have one fixed shape.
            shapes.append(tuple(d.dim_value if d.dim_value > 0 else 1 for d in tensor.shape.dim))
            names.append(value.name)
            dtypes.append(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)))
        return cls(proto, session(proto), tuple(names), tuple(shapes), tuple(dtypes), tuple(o.name for o in proto.graph.output))

    def split(self, arrays: Mapping[str, npt.NDArray[Any]]) -> list[dict[str, npt.NDArray[Any]]]:
        """Return the samples of `arrays` (first axis counts them) one by one, in the model's shapes and types.

        Raises `SampleError` when names or sizes do not fit.
        """
        missing = [name for name in self.inputs if name not in arrays]
        if missing:
            raise SampleError(f"the samples lack {missing}", hint=f"inputs: {list(self.inputs)}", code="sample-names")
        counts = {len(np.asarray(arrays[name])) for name in self.inputs}
        if len(counts) != 1 or 0 in counts:
            raise SampleError(f"the inputs have {sorted(counts)} samples", code="sample-count")
        columns = []
        for name, shape, dtype in zip(self.inputs, self.shapes, self.dtypes, strict=True):
            array = np.asarray(arrays[name])
            if array[0].size != int(np.prod(shape)):
                raise SampleError(
                    f"input {name!r} has samples of shape {list(array.shape[1:])}, expected {list(shape)}", code="sample-shape"
                )
            if not np.isfinite(array.astype(np.float64)).all():
                raise SampleError(f"input {name!r} holds values that are not finite", code="sample-not-finite")
            columns.append(array.reshape(len(array), *shape).astype(dtype))
        return [dict(zip(self.inputs, row, strict=True)) for row in zip(*columns, strict=True)]

    def run(self, samples: Sequence[Mapping[str, npt.NDArray[Any]]]) -> list[Floats]:
        """Return each output over all samples, samples first. Raises `ModelError`."""
        try:
            rows = [self.session.run(list(self.outputs), dict(s)) for s in samples]
        except Exception as e:
            raise ModelError(f"onnxruntime cannot run the model: {' '.join(str(e).split())[:400]}", code="float-run") from e
        return [np.stack([np.asarray(row[i], dtype=np.float64) for row in rows]) for i in range(len(self.outputs))]


def session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as e:
        raise ModelError(f"onnxruntime cannot load the model: {' '.join(str(e).split())[:400]}", code="float-run") from e


def draw(samples: Sequence[Mapping[str, npt.NDArray[Any]]], count: int, seed: int = 0) -> list[dict[str, npt.NDArray[Any]]]:
    """Return `count` inputs like `samples`: half are samples with noise, half uniform over the range that each input spans.

    Integers and booleans are drawn among the values that occur.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for i in range(count):
        row = {}
        for name in samples[0]:
            values = np.stack([s[name] for s in samples])
            if values.dtype.kind != "f":
                row[name] = rng.choice(np.unique(values), size=values.shape[1:]).astype(values.dtype)
                continue
            low, high = float(values.min()), float(values.max())
            spread = (high - low) or abs(high) or 1.0
            if i % 2:
                made = rng.uniform(low, high, size=values.shape[1:])
            else:
                made = values[rng.integers(len(values))] + rng.normal(0, 0.1 * spread, size=values.shape[1:])
            row[name] = np.clip(made, low - 0.1 * spread, high + 0.1 * spread).astype(values.dtype)
        drawn.append(row)
    return drawn
