"""What an exporter made, compared with the model that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import onnx

from zkml.errors import EnvironmentFault, ModelError, SampleError
from zkml.model.session import session

TABLE_INPUT = "features"
"""The name of the input of models that take a table."""

MAX_COMPARED = 32
MAX_DIFFERENT = 1 / 8
"""Share of samples on which an export may differ from its model: 32-bit numbers fall on the other side of some thresholds."""

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Exported:
    """A model's ONNX form, its samples by input name (samples along the first axis), and remarks to be said aloud."""

    proto: onnx.ModelProto = field(repr=False)
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    name: str
    notes: tuple[str, ...] = ()


def extra(module: str, name: str) -> ModuleType:
    """Return a module of an optional library. Raises `EnvironmentFault` naming the extra that has it."""
    try:
        return import_module(module)
    except ImportError as e:
        raise EnvironmentFault(
            f"this model needs the package {module.partition('.')[0]}, which cannot be imported: {e}",
            hint=f"pip install 'zkml[{name}]'",
            code="missing-extra",
        ) from e


def exported_by(library: str, export: Callable[[], Any]) -> Any:
    """Return what an exporter makes. Raises `ModelError` with its words when it fails."""
    try:
        return export()
    except Exception as e:
        text = " ".join(str(e).split())[:400]
        raise ModelError(
            f"{library} cannot export this model to ONNX: {type(e).__name__}: {text}",
            hint="export it by other means, and give the ONNX file",
            code="export",
        ) from e


def table_of(samples: Any, width: int) -> dict[str, np.ndarray]:
    """Return samples of a model that takes a table, [samples, features], as 32-bit floats. Raises `SampleError`.

    `samples` is an array, a data frame, a list of rows, or an object with one of these under any name.
    """
    if isinstance(samples, Mapping):
        if len(samples) != 1:
            raise SampleError(f"the model has one input and the samples have {len(samples)}", code="sample-names")
        samples = next(iter(samples.values()))
    try:
        table = np.asarray(samples, dtype=np.float32)
    except (TypeError, ValueError) as e:
        raise SampleError(f"the samples are no table of numbers: {e}", code="sample-type") from e
    if table.ndim == 1 and table.size == width:
        table = table.reshape(1, -1)
    if table.ndim != 2 or table.shape[1] != width or not len(table):
        raise SampleError(
            f"the samples have shape {list(table.shape)}, and the model takes [samples, {width}]", code="sample-shape"
        )
    if not np.isfinite(table).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
        raise SampleError(
            f"the samples hold {table[row, column]} at sample {row}, feature {column}",
            hint="replace missing values before proving: a circuit has none",
            code="sample-not-finite",
        )
    return {TABLE_INPUT: table}


def compare(
    library: str, proto: onnx.ModelProto, arrays: Mapping[str, np.ndarray], expected: Mapping[int, np.ndarray]
) -> tuple[str, ...]:
    """Run an export on its samples, one at a time, and compare outputs, by number, with those of the model itself.

    Returns a note when single samples differ, which 32-bit thresholds explain. Raises `ModelError` when more do: the exporter has
    made another function.
    """
    runner = session(proto.SerializeToString())
    count = min(MAX_COMPARED, *(len(a) for a in arrays.values()))
    different = []
    for i in range(count):
        got = runner.run(None, {name: a[i : i + 1] for name, a in arrays.items()})
        if not all(_same(_plain(got[k]), np.asarray(want[i])) for k, want in expected.items()):
            different.append(i)
    if len(different) > max(1, count * MAX_DIFFERENT) or (different and count < 1 / MAX_DIFFERENT):
        raise ModelError(
            f"the ONNX form that {library} made computes something else than the model on {len(different)} of {count} samples,"
            f" first on sample {different[0]}",
            hint="update the exporter, or export by other means and give the ONNX file",
            code="export-differs",
            details={"samples": different},
        )
    if different:
        return (f"the ONNX form in 32-bit floats differs from the model on {len(different)} of {count} samples",)
    return ()


def _plain(value: Any) -> np.ndarray:
    """Return an output as an array, the map of a `ZipMap` as its values."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return np.asarray([list(row.values()) for row in value])
    return np.asarray(value)


def _same(got: np.ndarray, want: np.ndarray) -> bool:
    got, want = got.reshape(-1), want.reshape(-1)
    if got.size != want.size:
        return False
    if got.dtype.kind not in "fiub" or want.dtype.kind not in "fiub":
        return [str(v) for v in got] == [str(v) for v in want]
    largest = float(np.abs(want.astype(np.float64)).max(initial=0))
    return bool((np.abs(got.astype(np.float64) - want.astype(np.float64)) <= TOLERANCE * (1 + largest)).all())


def names_in(kinds: Sequence[type], *prefixes: str) -> bool:
    """Return whether any of the classes is defined in a module under one of `prefixes`."""
    return any(k.__module__.partition(".")[0] in prefixes for k in kinds)
