"""Weights kept in files beside a model: read with bounds, never from outside the model's folder, and inlined."""

from __future__ import annotations

from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx

from zkml.errors import ModelError
from zkml.model.walk import tensors

MAX_MODEL_BYTES = (1 << 31) - (1 << 20)
"""Protobuf's own limit on one message, less a margin."""

ELEMENT_BITS: dict[int, int] = {
    onnx.TensorProto.FLOAT: 32,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT16: 16,
    onnx.TensorProto.INT16: 16,
    onnx.TensorProto.INT32: 32,
    onnx.TensorProto.INT64: 64,
    onnx.TensorProto.BOOL: 8,
    onnx.TensorProto.FLOAT16: 16,
    onnx.TensorProto.BFLOAT16: 16,
    onnx.TensorProto.DOUBLE: 64,
    onnx.TensorProto.UINT32: 32,
    onnx.TensorProto.UINT64: 64,
}


def _locate(folder: Path, location: str, name: str) -> Path:
    """Return the file of `location` inside `folder`. Raises `ModelError` when it lies, or leads, outside."""
    parts = PurePosixPath(location).parts
    escapes = (
        not location
        or "\x00" in location
        or "\\" in location
        or PurePosixPath(location).is_absolute()
        or bool(PureWindowsPath(location).drive)
        or ".." in parts
    )
    root = folder.resolve()
    try:
        target = root if escapes else (root / location).resolve()
    except (OSError, RuntimeError):
        escapes, target = True, root
    if escapes or not target.is_relative_to(root):
        raise ModelError(
            f"the data of tensor {name!r} lie outside the model's folder: {location!r}",
            hint="keep the data file beside the model and name it by a relative path; links that lead elsewhere are refused",
            code="external-escapes",
        )
    return target


def _number(entries: dict[str, str], key: str, name: str) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(f"tensor {name!r} has an external {key} that is no number", code="external-malformed")
    return int(text)


def inline(proto: onnx.ModelProto, folder: Path) -> tuple[str, ...]:
    """Read all external tensors of `proto` into it, in place; return the names of the files read.

    Raises `ModelError` when a file is missing, too short, or outside `folder`, and when the whole would exceed what one ONNX file
    can hold.
    """
    read: dict[str, None] = {}
    total = 0
    for name, _, tensor in tensors(proto.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {e.key: e.value for e in tensor.external_data}
        location = entries.get("location", "")
        path = _locate(folder, location, name)
        offset = _number(entries, "offset", name) or 0
        length = _number(entries, "length", name)
        bits = ELEMENT_BITS.get(tensor.data_type)
        if bits is None or any(d < 0 for d in tensor.dims):
            raise ModelError(
                f"tensor {name!r} has external data of an element type that is not read from files",
                code="external-malformed",
            )
        expected = prod(tensor.dims) * bits // 8
        if length is not None and length != expected:
            raise ModelError(
                f"tensor {name!r} needs {expected} bytes and its external data say {length}",
                code="external-malformed",
            )
        total += expected
        if total > MAX_MODEL_BYTES:
            raise ModelError(f"the weights exceed {MAX_MODEL_BYTES} bytes", code="too-large")
        try:
            with path.open("rb") as f:
                f.seek(offset)
                data = f.read(expected)
        except OSError as e:
            raise ModelError(
                f"the data of tensor {name!r} are missing: {location!r} beside the model: {e.strerror or e}",
                hint="copy the data file into the model's folder, or export the model with its weights inside",
                code="external-missing",
            ) from e
        if len(data) != expected:
            raise ModelError(
                f"the data of tensor {name!r} end early: {location!r} has {len(data)} of {expected} bytes at {offset}",
                code="external-truncated",
            )
        tensor.raw_data = data
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
        read[location] = None
    return tuple(read)
