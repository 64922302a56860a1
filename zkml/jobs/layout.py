"""One item's input as bytes, and the digest by which it is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from zkml.errors import MalformedArtifact
from zkml.model.model import Model
from zkml.model.samples import numpy_type
from zkml.protocol import Protocol, canonical_bytes

DOMAIN = b"zkml job item v1\0"


@dataclass(frozen=True)
class Field:
    """An input of the model: name, NumPy's little-endian type, shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return np.dtype(self.dtype).itemsize * prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """How a sample lies in a row of bytes: the inputs in the model's order, each in C order."""

    fields: tuple[Field, ...]

    @classmethod
    def of(cls, model: Model) -> Layout:
        return cls(tuple(Field(t.name, numpy_type(t).newbyteorder("<").str, t.shape) for t in model.inputs))

    @classmethod
    def from_json(cls, text: str) -> Layout:
        return cls(tuple(Field(n, d, tuple(s)) for n, d, s in json.loads(text)))

    def to_json(self) -> str:
        return json.dumps([[f.name, f.dtype, list(f.shape)] for f in self.fields], separators=(",", ":"))

    @property
    def row_bytes(self) -> int:
        return sum(f.bytes for f in self.fields)

    def encode(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return checked samples (first axis) as a matrix of bytes, one row each."""
        count = len(arrays[self.fields[0].name])
        parts = [
            np.ascontiguousarray(arrays[f.name], dtype=np.dtype(f.dtype)).reshape(count, -1).view(np.uint8).reshape(count, -1)
            for f in self.fields
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def decode(self, row: bytes) -> dict[str, np.ndarray]:
        """Return the sample in a row. Raises `MalformedArtifact` when the row has another length."""
        if len(row) != self.row_bytes:
            raise MalformedArtifact(f"an item has {len(row)} bytes of input, its model takes {self.row_bytes}", code="item")
        sample, at = {}, 0
        for f in self.fields:
            flat = np.frombuffer(row, dtype=np.dtype(f.dtype), count=prod(f.shape), offset=at)
            sample[f.name] = flat.reshape(f.shape)
            at += f.bytes
        return sample


def statement_digest(protocol: Protocol) -> str:
    """Return the digest of what proofs of this circuit state: which tensors, of which shapes, scales and visibility."""
    statement: Any = json.loads(canonical_bytes(protocol))["statement"]
    return hashlib.sha256(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Identity:
    """Digests of the items of one circuit: SHA-256 of circuit id, statement, layout and input."""

    def __init__(self, circuit_id: str, statement: str, layout: Layout) -> None:
        self._prefix = hashlib.sha256(
            DOMAIN + bytes.fromhex(circuit_id) + bytes.fromhex(statement) + hashlib.sha256(layout.to_json().encode()).digest()
        )

    def __call__(self, row: bytes | memoryview) -> bytes:
        hasher = self._prefix.copy()
        hasher.update(row)
        return hasher.digest()


def instances_digest(instances: tuple[tuple[int, ...], ...]) -> str:
    """Return the digest of a proof's public values: SHA-256 of all, 32 bytes each, big-endian."""
    return hashlib.sha256(b"".join(v.to_bytes(32, "big") for column in instances for v in column)).hexdigest()
