"""The inputs of a job, read as a stream: `.npz`, `.npy`, JSON lines, a folder of such files, stdin.

Whatever its size, a source is held in memory one batch at a time. A malformed entry is kept with its reason among the good ones;
what is wrong with a source as a whole (no such input, wrong shape of an array) is an error before anything is submitted.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from zkml.errors import MalformedArtifact, SampleError, ZkmlError
from zkml.files import MAX_DEPTH, check_depth
from zkml.jobs.layout import Layout
from zkml.model.model import Model
from zkml.model.samples import LABELS, load_samples, make_samples

BATCH_ROWS = 16384
BATCH_BYTES = 4 << 20
MAX_LINE_BYTES = 64 << 20
MAX_NAME = 256
FILES = (".npz", ".npy", ".json", ".jsonl")


@dataclass(frozen=True)
class Malformed:
    position: int
    name: str | None
    code: str
    reason: str


@dataclass
class Batch:
    """Consecutive entries: good ones as rows of bytes with positions and names, and malformed ones."""

    rows: np.ndarray = field(repr=False)
    positions: list[int]
    names: list[str | None]
    malformed: list[Malformed]


Entry = tuple[str | None, Mapping[str, Any] | ZkmlError]
"""A name and values by input, or what is wrong with them."""


class Inputs:
    """Batches of entries for one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.layout = Layout.of(model)
        self.batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, self.layout.row_bytes)))

    def read(self, source: str | Path) -> Iterator[Batch]:
        """Yield the batches of a file, a folder, or JSON lines on stdin (`-`). Raises `SampleError`."""
        if str(source) == "-":
            return self._entries(json_lines(sys.stdin.buffer, "stdin", self.model))
        path = Path(source)
        if path.is_dir():
            return self._entries(self._folder(path))
        suffix = path.suffix.lower()
        if not path.is_file():
            raise SampleError(f"there are no inputs at {path}", code="missing")
        if suffix == ".npz":
            return self._npz(path)
        if suffix == ".jsonl":
            return self._lines(path)
        return self._entries(self._samples(path))

    def of_arrays(self, arrays: Mapping[str, Any]) -> Iterator[Batch]:
        """Yield the batches of arrays by input name, samples along the first axis."""
        shaped = {t.name: self._array(t.name, np.asarray(arrays[t.name])) for t in self.model.inputs if t.name in arrays}
        if set(shaped) != set(arrays) or len(shaped) != len(self.model.inputs):
            make_samples({k: np.asarray(v) for k, v in arrays.items()}, self.model)  # says what is missing or unknown
        counts = {len(a) for a in shaped.values()}
        if len(counts) != 1:
            raise SampleError("the inputs have different numbers of samples", code="sample-count")
        return self._slices({k: rows_of(v) for k, v in shaped.items()}, counts.pop())

    def of_samples(self, samples: Iterable[Mapping[str, Any]]) -> Iterator[Batch]:
        """Yield the batches of an iterable of single samples, which is consumed as it is submitted."""
        return self._entries((None, s) for s in samples)

    # ---- sources

    def _samples(self, path: Path) -> Iterator[Entry]:
        samples = load_samples(path, self.model)
        for sample in samples:
            yield None, sample

    def _lines(self, path: Path) -> Iterator[Batch]:
        with path.open("rb") as f:
            yield from self._entries(json_lines(f, str(path), self.model))

    def _folder(self, folder: Path) -> Iterator[Entry]:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in FILES and not p.name.startswith("."))
        if not found:
            raise SampleError(f"{folder} holds no inputs", hint="files ending in " + ", ".join(FILES), code="missing")
        for path in found:
            try:
                if path.suffix.lower() == ".jsonl":
                    with path.open("rb") as f:
                        for name, value in json_lines(f, str(path), self.model):
                            yield f"{path.name}:{name}" if name else path.name, value
                    continue
                samples = load_samples(path, self.model)
            except (ZkmlError, OSError) as e:
                yield path.name, e if isinstance(e, ZkmlError) else SampleError(f"cannot read {path.name}: {e}", code="missing")
                continue
            for i, sample in enumerate(samples):
                yield path.name if len(samples) == 1 else f"{path.name}[{i}]", sample

    def _npz(self, path: Path) -> Iterator[Batch]:
        """Stream the arrays of a `.npz` side by side, a slice of each at a time."""
        wanted = {t.name for t in self.model.inputs}
        with contextlib.ExitStack() as stack:
            try:
                archive = stack.enter_context(zipfile.ZipFile(path))
                names = {n.removesuffix(".npy") for n in archive.namelist()}
                if names - wanted - set(LABELS) or wanted - names:
                    load_samples(path, self.model)  # says which are missing or unknown
                readers = {n: ArrayReader(stack.enter_context(archive.open(n + ".npy")), n) for n in sorted(wanted)}
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as e:
                raise SampleError(f"{path} is not a file that NumPy wrote: {e}", code="sample-format") from e
            counts = {n: r.count for n, r in readers.items()}
            if len(set(counts.values())) > 1:
                raise SampleError(f"the inputs have different numbers of samples: {counts}", code="sample-count")
            takers = {n: self._taker(n, r) for n, r in readers.items()}
            try:
                yield from self._slices(takers, next(iter(counts.values())))
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as e:
                raise SampleError(f"{path} is damaged: {e}", code="sample-format") from e

    def _taker(self, name: str, reader: ArrayReader) -> Callable[[int], np.ndarray]:
        self._array(name, np.empty((1, *reader.row_shape), dtype=reader.dtype))
        return lambda n: self._array(name, reader.take(n))

    def _array(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return samples of one input in the shape (samples, *shape). Raises `SampleError`."""
        tensor = next(t for t in self.model.inputs if t.name == name)
        row, want = array.shape[1:], tensor.shape
        if array.ndim and (row in (want, (tensor.size,)) or (want[:1] == (1,) and row == want[1:])):
            return array.reshape((len(array), *want))
        raise SampleError(
            f"input {name!r} has shape {list(array.shape)}, expected [samples, {', '.join(map(str, want))}]", code="sample-shape"
        )

    # ---- batches

    def _slices(self, takers: Mapping[str, Callable[[int], np.ndarray]], count: int) -> Iterator[Batch]:
        if count == 0:
            raise SampleError("there are no samples", code="sample-count")
        for start in range(0, count, self.batch_rows):
            n = min(self.batch_rows, count - start)
            arrays = {name: take(n) for name, take in takers.items()}
            yield self._batch(start, [None] * n, arrays, n)

    def _batch(self, start: int, names: list[str | None], arrays: Mapping[str, np.ndarray], n: int) -> Batch:
        """Return `n` samples as a batch; where they do not all pass, each is looked at alone."""
        try:
            good = make_samples(dict(arrays), self.model).arrays
            return Batch(self.layout.encode(good), list(range(start, start + n)), names, [])
        except SampleError:
            pass
        return self._one_by_one(start, [(names[i], {k: a[i : i + 1] for k, a in arrays.items()}) for i in range(n)])

    def _one_by_one(self, start: int, entries: Sequence[Entry]) -> Batch:
        rows, positions, names, malformed = [], [], [], []
        for i, (name, value) in enumerate(entries, start):
            try:
                if isinstance(value, ZkmlError):
                    raise value
                sample = make_samples({k: _values(v, k) for k, v in value.items()}, self.model)
                if len(sample) != 1:
                    raise SampleError(f"an entry is one sample, this one holds {len(sample)}", code="sample-count")
                rows.append(self.layout.encode(sample.arrays))
            except ZkmlError as e:
                malformed.append(Malformed(i, name, e.code, e.message[:500]))
                continue
            positions.append(i)
            names.append(name)
        matrix = np.concatenate(rows) if rows else np.empty((0, self.layout.row_bytes), dtype=np.uint8)
        return Batch(matrix, positions, names, malformed)

    def _entries(self, entries: Iterator[Entry]) -> Iterator[Batch]:
        start, held = 0, list[Entry]()
        for entry in entries:
            held.append(entry)
            if len(held) == self.batch_rows:
                yield self._gather(start, held)
                start, held = start + len(held), []
        if held:
            yield self._gather(start, held)
        elif start == 0:
            raise SampleError("there are no samples", code="sample-count")

    def _gather(self, start: int, entries: list[Entry]) -> Batch:
        """Return entries as a batch: all at once where they are of one shape, which is a hundred times faster."""
        values = [v for _, v in entries]
        if not any(isinstance(v, ZkmlError) for v in values):
            with contextlib.suppress(ValueError, TypeError, KeyError, OverflowError, SampleError, AttributeError):
                samples: list[Mapping[str, Any]] = values  # type: ignore[assignment]
                wanted = {t.name for t in self.model.inputs}
                if all(s.keys() == wanted for s in samples):
                    arrays = {}
                    for t in self.model.inputs:
                        array = np.array([s[t.name] for s in samples])
                        if array.dtype.kind not in "biuf" or array.size != len(samples) * t.size:
                            raise ValueError
                        arrays[t.name] = self._array(t.name, array)
                    good = make_samples(arrays, self.model).arrays
                    positions = list(range(start, start + len(entries)))
                    return Batch(self.layout.encode(good), positions, [name for name, _ in entries], [])
        return self._one_by_one(start, entries)


def _values(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as e:
        raise SampleError(f"the values of {name!r} are not an array of numbers", code="sample-type") from e
    if array.dtype.kind not in "biuf":
        raise SampleError(f"the values of {name!r} are not numbers or booleans", code="sample-type")
    return array


def rows_of(array: np.ndarray) -> Callable[[int], np.ndarray]:
    """Return a function that gives the next rows of an array."""
    at = 0

    def take(n: int) -> np.ndarray:
        nonlocal at
        at += n
        return array[at - n : at]

    return take


class ArrayReader:
    """One `.npy` stream, read a few rows at a time. Raises `SampleError` for types and orders that cannot be streamed."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, self.dtype = read(stream)
        if self.dtype.hasobject or self.dtype.kind not in "biuf":
            raise SampleError(f"the array {name!r} is {self.dtype}, not numbers", code="sample-type")
        if not shape or (fortran and len(shape) > 1 and math.prod(shape) > 1):
            raise SampleError(
                f"the array {name!r} has no axis of samples, or is in Fortran order",
                hint="write np.ascontiguousarray(array), samples along the first axis",
                code="sample-shape",
            )
        self._stream, self.count, self.row_shape = stream, int(shape[0]), tuple(int(d) for d in shape[1:])

    def take(self, n: int) -> np.ndarray:
        """Return the next `n` rows. Raises ValueError where the stream ends before them."""
        size = n * math.prod(self.row_shape) * self.dtype.itemsize
        data = self._stream.read(size)
        if len(data) != size:
            raise ValueError("an array ends too soon")
        return np.frombuffer(data, dtype=self.dtype).reshape((n, *self.row_shape))


def json_lines(stream: IO[bytes], what: str, model: Model) -> Iterator[Entry]:
    """Yield the entries of JSON lines: values by input name, or EZKL's `input_data`; beside them perhaps an `id`."""
    names = [t.name for t in model.inputs]
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            yield None, SampleError(f"line {number} has more than {MAX_LINE_BYTES} bytes", code="too-large")
            continue
        if not line.strip():
            continue
        name: str | None = None
        try:
            value = parse_line(line, f"line {number}")
            if not isinstance(value, dict):
                raise SampleError(f"line {number} of {what} is no JSON object", code="sample-format")
            if "id" in value and "id" not in names:
                name = str(value.pop("id"))[:MAX_NAME]
            if "input_data" in value and "input_data" not in names:
                lists = value["input_data"]
                if not isinstance(lists, list) or len(lists) != len(names):
                    raise SampleError(f"line {number}: input_data is not a list of {len(names)} lists", code="sample-format")
                value = dict(zip(names, lists, strict=True))
            yield name, value
        except ZkmlError as e:
            yield name, e


def _no_constant(name: str) -> Any:
    raise MalformedArtifact(f"a line holds {name}, which JSON does not have", code="json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise MalformedArtifact("a line has a duplicate key", code="json")
    return keys


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def parse_line(line: bytes, what: str) -> Any:
    """Return the JSON value in a line: `parse_json`'s checks without its calls for each number; infinities are found later."""
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        check_depth(line, what=what)
    try:
        return _DECODER.decode(line.decode())
    except (ValueError, OverflowError, RecursionError) as e:
        raise MalformedArtifact(f"{what} is not valid JSON: {e}", code="json") from e
