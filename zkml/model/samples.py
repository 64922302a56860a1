"""Input data for a model: read from NumPy or JSON, checked against the model's inputs, written for EZKL."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from zkml.errors import MalformedArtifact, SampleError
from zkml.files import MAX_JSON_BYTES, PRIVATE_MODE, parse_json, read_bounded, write_atomic
from zkml.model.model import Model, Tensor

MAX_SAMPLE_BYTES = 1 << 32
LABELS = ("label", "target")
"""Arrays of an `.npz` file that are not inputs but what the model should say: a class, or a number, for each sample."""
FLOAT_KINDS = "f"


@dataclass(frozen=True)
class Samples:
    """`count` samples; each array of `arrays` has the samples along its first axis, then the shape of the model's input."""

    arrays: Mapping[str, np.ndarray] = field(repr=False)
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not -self.count <= index < self.count:
            raise IndexError(index)
        return {name: array[index] for name, array in self.arrays.items()}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return (self[i] for i in range(self.count))


def load_samples(source: str | Path, model: Model) -> Samples:
    """Return the samples in a file, or on stdin when `source` is `-`, checked against the inputs of `model`.

    Reads `.npz` (an array per input), `.npy` (models with one input) and JSON: EZKL's `{"input_data": [[...], ...]}`, or an
    object with an array per input. The first axis counts samples; an array of exactly an input's shape, or a flat list of its
    size, is one sample.
    Raises `SampleError`: unknown, missing or duplicate names, shapes, types, and values that are not finite, with their index.
    """
    name = str(source)
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_JSON_BYTES + 1)
            if len(data) > MAX_JSON_BYTES:
                raise SampleError(f"stdin has more than {MAX_JSON_BYTES} bytes", code="too-large")
            return _from_json(parse_json(data, what="stdin"), model)
        data = read_bounded(Path(source), what="samples", max_bytes=MAX_SAMPLE_BYTES)
        match Path(source).suffix.lower():
            case ".npz":
                arrays = _read_npz(data, name)
                inputs = {t.name for t in model.inputs}
                return make_samples({k: v for k, v in arrays.items() if k in inputs or k not in LABELS}, model)
            case ".npy":
                return make_samples({_only_input(model): _read_npy(data, name)}, model)
            case ".json":
                return _from_json(parse_json(data, what=f"samples {name}"), model)
    except MalformedArtifact as e:
        raise SampleError(e.message, hint=e.hint, code=e.code) from e
    raise SampleError(f"{name} is none of .npz, .npy and .json", hint="or give JSON on stdin with -", code="sample-format")


def load_labels(source: str | Path) -> np.ndarray | None:
    """Return the `label` or `target` array of an `.npz` file, or None where there is none. Raises `SampleError`."""
    if Path(str(source)).suffix.lower() != ".npz":
        return None
    arrays = _read_npz(read_bounded(Path(source), what="samples", max_bytes=MAX_SAMPLE_BYTES), str(source))
    return next((arrays[name] for name in LABELS if name in arrays), None)


def make_samples(arrays: Mapping[str, Any], model: Model) -> Samples:
    """Return arrays in memory as `Samples`, under the same rules as `load_samples`."""
    wanted = {t.name: t for t in model.inputs}
    extra = sorted(set(arrays) - set(wanted))
    missing = sorted(set(wanted) - set(arrays))
    if extra or missing:
        parts = [f"unknown {extra}"] * bool(extra) + [f"missing {missing}"] * bool(missing)
        raise SampleError(
            f"the samples do not have the inputs of the model: {', '.join(parts)}",
            hint=f"inputs: {', '.join(describe(t) for t in model.inputs)}",
            code="sample-names",
        )
    checked = {name: _fit(np.asarray(arrays[name]), tensor) for name, tensor in wanted.items()}
    counts = {name: len(a) for name, a in checked.items()}
    if len(set(counts.values())) > 1:
        raise SampleError(f"the inputs have different numbers of samples: {counts}", code="sample-count")
    count = next(iter(counts.values()))
    if count == 0:
        raise SampleError("there are no samples", code="sample-count")
    return Samples(checked, count)


def to_ezkl_json(sample: Mapping[str, np.ndarray], model: Model) -> bytes:
    """Return one sample as EZKL's `input.json`: a flat list per input in the model's order."""
    flat = [sample[t.name].reshape(-1).tolist() for t in model.inputs]
    return json.dumps({"input_data": flat, "output_data": None}, allow_nan=False).encode()


def write_ezkl_json(path: Path, sample: Mapping[str, np.ndarray], model: Model) -> None:
    """Write one sample as EZKL's `input.json`, readable by its owner only."""
    write_atomic(path, to_ezkl_json(sample, model), mode=PRIVATE_MODE)


def random_samples(model: Model, count: int, seed: int) -> Samples:
    """Return samples drawn from a normal distribution (floats), 0..9 (integers) or a coin (booleans)."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {}
    for tensor in model.inputs:
        shape = (count, *tensor.shape)
        kind = numpy_type(tensor)
        if kind == np.bool_:
            arrays[tensor.name] = rng.integers(0, 2, size=shape).astype(kind)
        elif np.issubdtype(kind, np.integer):
            arrays[tensor.name] = rng.integers(0, 10, size=shape).astype(kind)
        else:
            arrays[tensor.name] = rng.normal(size=shape).astype(kind)
    return make_samples(arrays, model)


def numpy_type(tensor: Tensor) -> np.dtype[Any]:
    """Return the NumPy type of a tensor."""
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.DataType.Value(tensor.dtype.upper())))


def describe(tensor: Tensor) -> str:
    """Return a tensor as `name float[1,28,28]`."""
    return f"{tensor.name} {tensor.dtype}[{','.join(map(str, tensor.shape))}]"


def _only_input(model: Model) -> str:
    if len(model.inputs) != 1:
        raise SampleError(
            f"a .npy file holds one array and the model has {len(model.inputs)} inputs",
            hint="use .npz with an array per input",
            code="sample-names",
        )
    return model.inputs[0].name


def _read_npy(data: bytes, name: str) -> np.ndarray:
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError, TypeError, KeyError) as e:
        raise SampleError(f"{name} is not a NumPy array without pickled objects: {e}", code="sample-format") from e
    return np.asarray(array)


def _read_npz(data: bytes, name: str) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            total = 0
            for member in z.infolist():
                total += member.file_size
                if total > MAX_SAMPLE_BYTES:
                    raise SampleError(f"{name} unpacks to more than {MAX_SAMPLE_BYTES} bytes", code="too-large")
                key = member.filename.removesuffix(".npy")
                if key in arrays:
                    raise SampleError(f"{name} has two arrays {key!r}", code="sample-names")
                with z.open(member) as f:
                    arrays[key] = _read_npy(f.read(MAX_SAMPLE_BYTES), f"{name}:{member.filename}")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as e:
        raise SampleError(f"{name} is not an .npz file: {e}", code="sample-format") from e
    return arrays


def _from_json(value: Any, model: Model) -> Samples:
    if not isinstance(value, dict):
        raise SampleError("the samples are not a JSON object", code="sample-format")
    if "input_data" not in value:
        return make_samples({k: _numbers(v, k) for k, v in value.items()}, model)
    lists = value["input_data"]
    if not isinstance(lists, list) or len(lists) != len(model.inputs):
        raise SampleError(
            f"input_data must be a list of {len(model.inputs)} flat lists, one per input",
            hint=f"inputs: {', '.join(describe(t) for t in model.inputs)}",
            code="sample-format",
        )
    return make_samples({t.name: _numbers(v, t.name) for t, v in zip(model.inputs, lists, strict=True)}, model)


def _numbers(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as e:
        raise SampleError(f"the values of {name!r} are not an array of numbers: {e}", code="sample-type") from e
    if array.dtype.kind not in "biuf":
        raise SampleError(f"the values of {name!r} are not numbers or booleans", code="sample-type")
    return array


def _fit(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Return `array` as (samples, *shape) in the tensor's own type. Raises `SampleError`."""
    if array.shape == tensor.shape or (array.ndim == 1 and array.size == tensor.size and tensor.shape):
        batch = array.reshape((1, *tensor.shape))
    elif array.ndim > 1 and array.shape[1:] == (tensor.size,):
        batch = array.reshape((len(array), *tensor.shape))
    elif array.shape[1:] == tensor.shape:
        batch = array
    elif tensor.shape[:1] == (1,) and array.shape[1:] == tensor.shape[1:]:
        batch = array.reshape((len(array), *tensor.shape))
    else:
        raise SampleError(
            f"input {tensor.name!r} has shape {list(array.shape)}, expected [samples, " + ", ".join(map(str, tensor.shape)) + "]",
            code="sample-shape",
        )
    _check_values(batch, tensor)
    return batch.astype(numpy_type(tensor))


def _check_values(batch: np.ndarray, tensor: Tensor) -> None:
    kind = numpy_type(tensor)
    if batch.dtype.kind == "c" or batch.dtype.kind not in "biuf" or (kind.kind == "b" and batch.dtype.kind == "f"):
        raise SampleError(f"input {tensor.name!r} is {batch.dtype}, expected {tensor.dtype}", code="sample-type")
    if batch.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(batch))
        if len(bad):
            where = tuple(int(i) for i in bad[0])
            raise SampleError(
                f"input {tensor.name!r} holds {batch[where]} at sample {where[0]}, index {list(where[1:])}"
                f" ({len(bad)} values are not finite)",
                hint="replace missing values before proving",
                code="sample-not-finite",
            )
    if kind.kind in "iu" and batch.size:
        limits = np.iinfo(kind)
        whole = batch.dtype.kind != "f" or bool((batch == np.round(batch)).all())
        if not whole:
            raise SampleError(f"input {tensor.name!r} is {tensor.dtype} and the samples have fractions", code="sample-type")
        if batch.dtype.kind != "b" and (int(batch.min()) < limits.min or int(batch.max()) > limits.max):
            raise SampleError(f"input {tensor.name!r} has values beyond {tensor.dtype}", code="sample-range")
    if kind.kind == "b" and batch.dtype.kind in "iu" and not bool(np.isin(batch, (0, 1)).all()):
        raise SampleError(f"input {tensor.name!r} is bool and the samples are not 0 or 1", code="sample-range")
    if kind.kind == "f" and kind.itemsize < 8 and batch.size:
        limit = float(np.finfo(kind).max)
        if float(np.abs(batch.astype(np.float64)).max()) > limit:
            raise SampleError(f"input {tensor.name!r} has values beyond {tensor.dtype}", code="sample-range")
