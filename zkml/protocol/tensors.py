"""The public values of a proof as tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zkml.errors import MalformedArtifact
from zkml.protocol.field import R, to_signed
from zkml.protocol.statement import Instances, Statement, StatementTensor


@dataclass(frozen=True)
class PublicTensor:
    """One public tensor: signed integers (an array of Python ints in the tensor's shape)."""

    tensor: StatementTensor
    integers: np.ndarray = field(repr=False)

    @property
    def values(self) -> np.ndarray:
        """The numbers that the integers stand for (value = integer / 2^scale); the integers themselves where there is no scale."""
        if self.tensor.scale is None:
            return self.integers
        return np.asarray(self.integers / 2.0**self.tensor.scale, dtype=np.float64)


def public_tensors(statement: Statement, instances: Instances) -> tuple[PublicTensor, ...]:
    """Return the tensors that the instances hold. Raises `MalformedArtifact` when there are too few values."""
    result = []
    for t in statement.tensors:
        values = instances[t.column][t.row : t.row + t.length] if t.column < len(instances) else ()
        if len(values) != t.length:
            raise MalformedArtifact(f"the instances end before {t.name} does", code="instances")
        # Hashes are elements of the field, not signed integers.
        integers = [v if t.scale is None else to_signed(v) for v in values]
        result.append(PublicTensor(t, np.array(integers, dtype=object).reshape(t.shape)))
    return tuple(result)


def instances_from(statement: Statement, integers: Mapping[str, np.ndarray], rows: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the instance columns (of `rows` values each) that state these tensors, given by name as integers.

    Raises `MalformedArtifact` when a tensor is missing, has another size, or lies outside its domain.
    """
    columns = [[0] * n for n in rows]
    for t in statement.tensors:
        if t.name not in integers:
            raise MalformedArtifact(f"the statement needs {t.name}", code="instances")
        values = [int(v) for v in np.asarray(integers[t.name], dtype=object).reshape(-1)]
        if len(values) != t.length:
            raise MalformedArtifact(f"{t.name} has {len(values)} values, not {t.length}", code="instances")
        if t.domain is not None and not all(t.domain[0] <= v <= t.domain[1] for v in values):
            raise MalformedArtifact(f"{t.name} lies outside {t.domain[0]}..{t.domain[1]}", code="instances")
        columns[t.column][t.row : t.row + t.length] = [v % R for v in values]
    return tuple(tuple(column) for column in columns)
