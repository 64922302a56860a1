"""Data sets and labels as digests: what statements say of their inputs, and the same made from a file.

The digest of a data set is over the number of its items and, in order, the SHA-256 of each item's input as statements have it:
the integers themselves, or their Poseidon hash. So it follows from the proofs alone, and from the data alone.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from zkml.attestation.format import InputField
from zkml.attestation.metrics import Label, Metric
from zkml.errors import MalformedArtifact, SampleError
from zkml.files import parse_json, read_bounded
from zkml.protocol import Protocol
from zkml.protocol.ezkl.poseidon import poseidon_hash
from zkml.protocol.field import R
from zkml.protocol.statement import Instances, StatementTensor

DATASET_DOMAIN, LABELS_DOMAIN = b"zkml data set v1\0", b"zkml labels v1\0"
LABELS = ("label", "target")
MAX_FILE_BYTES = 1 << 32


def tensors(protocol: Protocol, role: str) -> list[StatementTensor]:
    """Return the statement's tensors of a role (`input`, `output`, `parameters`), in order."""
    return [t for t in protocol.statement.tensors if t.role == role]


def words(values: Iterable[int]) -> bytes:
    return b"".join(v.to_bytes(32, "big") for v in values)


def stated(chosen: Sequence[StatementTensor], instances: Instances) -> bytes:
    """Return the SHA-256 of what a statement says of some tensors: 32 bytes a value, big-endian."""
    hasher = hashlib.sha256()
    for t in chosen:
        hasher.update(words(instances[t.column][t.row : t.row + t.length]))
    return hasher.digest()


def digest_of(commitments: Sequence[bytes]) -> str:
    """Return the digest of a data set, given the SHA-256 of each item's input in its order."""
    return hashlib.sha256(DATASET_DOMAIN + len(commitments).to_bytes(8, "big") + b"".join(commitments)).hexdigest()


def labels_digest(labels: Sequence[Label]) -> str:
    """Return the digest of labels: their number, then classes as 64-bit integers, or the numbers of each item as doubles."""
    hasher = hashlib.sha256(LABELS_DOMAIN + len(labels).to_bytes(8, "big"))
    for label in labels:
        if isinstance(label, int):
            hasher.update(b"c" + label.to_bytes(8, "big"))
        else:
            hasher.update(b"n" + len(label).to_bytes(8, "big") + np.array(label, dtype=">f8").tobytes())
    return hasher.hexdigest()


def commitments(arrays: Mapping[str, np.ndarray], fields: Sequence[InputField], chosen: Sequence[StatementTensor]) -> list[bytes]:
    """Return what statements say of each sample (first axis) of arrays by input name. Raises `SampleError`."""
    shaped = []
    for f in fields:
        if f.name not in arrays:
            raise SampleError(f"the data set has no array {f.name!r}", hint=f"it has {', '.join(arrays)}", code="sample-names")
        array = np.asarray(arrays[f.name])
        size = prod(f.shape)
        if array.dtype.kind not in "biuf" or not array.ndim or not len(array) or array.size != len(array) * size:
            raise SampleError(f"the array {f.name!r} is not samples of {size} numbers", code="sample-shape")
        shaped.append(array.reshape(len(array), size).astype(np.dtype(f.dtype)))
    if len({len(a) for a in shaped}) != 1:
        raise SampleError("the inputs have different numbers of samples", code="sample-count")
    return [_commitment([a[i] for a in shaped], fields, chosen) for i in range(len(shaped[0]))]


def _commitment(sample: Sequence[np.ndarray], fields: Sequence[InputField], chosen: Sequence[StatementTensor]) -> bytes:
    hasher = hashlib.sha256()
    for values, f, t in zip(sample, fields, chosen, strict=True):
        integers = [v % R for v in quantised(values, f.scale)]
        hasher.update(words(integers if t.visibility == "public" else [poseidon_hash(integers)]))
    return hasher.digest()


def quantised(values: np.ndarray, scale: int) -> list[int]:
    """Return v · 2^scale for each value, rounded half away from zero; booleans as they are. Raises `SampleError`."""
    if values.dtype.kind == "b":
        return [int(v) for v in values]
    with np.errstate(over="ignore"):
        exact = values.astype(np.float64) * 2.0**scale
    if not np.isfinite(exact).all():
        raise SampleError("the data set holds values that are not finite", code="sample-value")
    whole = np.trunc(exact)
    whole += np.sign(exact) * (np.abs(exact - whole) >= 0.5)
    return [int(v) for v in whole]


def dataset_digest(arrays: Mapping[str, np.ndarray], fields: Sequence[InputField], protocol: Protocol) -> str:
    """Return the digest of a data set for the circuit of `protocol`: its owner publishes it, attestations must have it."""
    return digest_of(commitments(arrays, fields, tensors(protocol, "input")))


# ---- files


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the arrays in `.npz`, `.npy` (of the only name) or JSON lines of objects by name. Raises `SampleError`."""
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SampleError(f"{path} has more than {MAX_FILE_BYTES} bytes", code="too-large")
        if suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                size = sum(i.file_size for i in archive.infolist())
            if size > MAX_FILE_BYTES:
                raise SampleError(f"{path} unpacks to more than {MAX_FILE_BYTES} bytes", code="too-large")
            with np.load(path, allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        if suffix == ".npy":
            return {names[0]: np.load(path, allow_pickle=False)}
        if suffix in (".json", ".jsonl"):
            lines = read_bounded(path, what="data set", max_bytes=MAX_FILE_BYTES).splitlines()
            rows = [parse_json(line, what=f"a line of {path}") for line in lines if line.strip()]
            return {name: np.array([row[name] for row in rows]) for name in names}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, MalformedArtifact) as e:
        raise SampleError(f"cannot read {path}: {e}", code="sample-format") from e
    raise SampleError(f"{path} is none of .npz, .npy and .jsonl", code="sample-format")


def read_labels(path: Path, metric: Metric) -> list[Label]:
    """Return the labels in `.npz` (an array `label` or `target`, or the only one), `.npy`, or JSON (a list).

    Raises `SampleError`.
    """
    if path.suffix.lower() == ".json":
        try:
            value = parse_json(read_bounded(path, what="labels", max_bytes=MAX_FILE_BYTES), what="labels")
            return as_labels(np.array(value), metric)
        except (MalformedArtifact, ValueError) as e:
            raise SampleError(f"cannot read {path}: {e}", code="sample-format") from e
    found = read_arrays(path, ["label"])
    array = next((found[name] for name in LABELS if name in found), next(iter(found.values())) if len(found) == 1 else None)
    if array is None:
        raise SampleError(f"{path} has no array `label` or `target`", code="labels")
    return as_labels(array, metric)


def as_labels(array: Any, metric: Metric) -> list[Label]:
    """Return an array as labels: classes for top-k, a list of finite numbers for each sample else. Raises `SampleError`."""
    array = np.asarray(array)
    if metric.kind == "class":
        if array.dtype.kind not in "iu" or array.size != (len(array) if array.ndim else 0):
            raise SampleError(f"{metric.name} needs a class, an integer, for each sample", code="labels")
        classes = [int(v) for v in array.reshape(-1)]
        if any(not 0 <= c < 1 << 31 for c in classes):
            raise SampleError("a label is no class: classes count from 0", code="labels")
        return list(classes)
    if array.dtype.kind not in "iuf" or not array.ndim or not np.isfinite(array).all():
        raise SampleError(f"{metric.name} needs finite numbers for each sample", code="labels")
    return [[float(v) for v in row] for row in array.reshape(len(array), -1)]
