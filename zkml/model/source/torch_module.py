"""Modules of torch, by either of its two exporters."""

from __future__ import annotations

import inspect
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from zkml.errors import ModelError, SampleError
from zkml.model.external import MAX_MODEL_BYTES
from zkml.model.source.exported import MAX_COMPARED, Exported, compare, exported_by, extra

OPSET = 18
EXTRA = "torch"


def from_module(module: Any, samples: Any, *, opset: int | None = None, exporter: str = "auto") -> Exported:
    """Return the ONNX form of a module in evaluation mode for one sample, and its samples.

    `samples` is an array or tensor with samples along the first axis, several in the order of the arguments of `forward`, or an
    object of them by name. `exporter` is `dynamo` (by default) or `torchscript`. Raises `ModelError` when it cannot be exported,
    or its export gives other values.
    """
    torch = extra("torch", EXTRA)
    if exporter != "torchscript":
        extra("onnxscript", EXTRA)
    arrays = arrays_of(module, samples)
    first = tuple(torch.from_numpy(a[:1].copy()) for a in arrays.values())
    was_training = module.training
    module.eval()
    level = logging.getLogger("torch.onnx").level
    try:
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Without gradients torch would run fused kernels that its older exporter does not know.
            proto = exported_by("torch", lambda: _export(torch, module, first, list(arrays), opset or OPSET, exporter))
            with torch.no_grad():
                expected = exported_by("torch", lambda: _values(torch, module, arrays))
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
        module.train(was_training)
    names = [v.name for v in proto.graph.input]
    if len(names) != len(arrays):
        raise ModelError(
            f"torch exported {len(names)} inputs where the samples have {len(arrays)}",
            hint="an argument that the module does not read is dropped: leave it out of the samples",
            code="export",
        )
    named = dict(zip(names, arrays.values(), strict=True))
    return Exported(proto, named, type(module).__name__, compare("torch", proto, named, expected))


def arrays_of(module: Any, samples: Any) -> dict[str, np.ndarray]:
    """Return samples by the names of the arguments of `forward`. Raises `SampleError`."""
    names = [p.name for p in inspect.signature(module.forward).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if isinstance(samples, Mapping):
        unknown = sorted(set(samples) - set(names))
        if unknown:
            raise SampleError(
                f"forward has no argument {unknown[0]!r}", hint=f"arguments: {', '.join(names)}", code="sample-names"
            )
        given = {name: samples[name] for name in names if name in samples}
        if list(given) != names[: len(given)]:
            raise SampleError("the samples leave out an argument before one that they have", code="sample-names")
    else:
        values: Sequence[Any] = list(samples) if isinstance(samples, tuple) else [samples]
        if len(values) > len(names):
            raise SampleError(f"forward takes {len(names)} arguments and the samples have {len(values)}", code="sample-count")
        given = dict(zip(names, values, strict=False))
    arrays = {name: _array(value, name) for name, value in given.items()}
    if len({len(a) for a in arrays.values()}) != 1 or not len(next(iter(arrays.values()))):
        raise SampleError(
            f"the inputs have different numbers of samples, or none: { {k: len(a) for k, a in arrays.items()} }",
            code="sample-count",
        )
    return arrays


def _array(value: Any, name: str) -> np.ndarray:
    array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    if array.dtype.kind not in "fiub" or array.ndim < 1:
        raise SampleError(f"the samples {name!r} are no array of numbers with samples along the first axis", code="sample-type")
    return array.astype(np.float32) if array.dtype == np.float64 else np.ascontiguousarray(array)


def _export(torch: Any, module: Any, first: tuple[Any, ...], names: list[str], opset: int, exporter: str) -> onnx.ModelProto:
    buffer = io.BytesIO()
    if exporter == "torchscript":
        torch.onnx.export(_called_with(torch, module), first, buffer, dynamo=False, opset_version=opset, input_names=names)
        return onnx.load_model_from_string(buffer.getvalue())
    program = torch.onnx.export(module, first, dynamo=True, opset_version=opset, input_names=names, verbose=False)
    proto: onnx.ModelProto = program.model_proto
    if proto.ByteSize() > MAX_MODEL_BYTES:
        raise ValueError(f"it is larger than {MAX_MODEL_BYTES} bytes")
    return proto


def _called_with(torch: Any, module: Any) -> Any:
    """Return a module that calls `module` with the inputs alone: the older exporter makes tensors of further arguments."""

    class Called(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *values: Any) -> Any:
            return self.module(*values)

    return Called().eval()


def _values(torch: Any, module: Any, arrays: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Return the module's outputs, by number, on single samples."""
    count = min(MAX_COMPARED, *(len(a) for a in arrays.values()))
    rows: list[list[np.ndarray]] = []
    for i in range(count):
        result = module(*(torch.from_numpy(a[i : i + 1].copy()) for a in arrays.values()))
        rows.append([v.detach().cpu().numpy() for v in _flat(result)])
    return {k: np.stack([row[k] for row in rows]) for k in range(len(rows[0]))}


def _flat(result: Any) -> list[Any]:
    """Return the tensors of a module's result, in the order in which the exporters list them."""
    if hasattr(result, "detach"):
        return [result]
    parts = result.values() if isinstance(result, Mapping) else result
    return [tensor for part in parts if part is not None for tensor in _flat(part)]
