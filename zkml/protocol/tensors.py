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
        """The numbers that the integers stand for (value = integer / 2^scale); the integers where there is no scale."""
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

    Raises `MalformedArtifact`, naming the tensor, when one is missing or unknown, has another size, or holds what is no integer
    or lies outside its domain (without one: what no field element stands for).
    """
    unknown = sorted(integers.keys() - {t.name for t in statement.tensors})
    if unknown:
        raise MalformedArtifact(f"the statement has no tensor {unknown[0]}", code="instances", node=unknown[0])
    columns = [[0] * n for n in rows]
    for t in statement.tensors:
        if t.name not in integers:
            raise MalformedArtifact(f"the statement needs {t.name}", code="instances", node=t.name)
        values = np.asarray(integers[t.name], dtype=object).reshape(-1).tolist()
        if len(values) != t.length:
            raise MalformedArtifact(f"{t.name} has {len(values)} values, not {t.length}", code="instances", node=t.name)
        low, high = t.domain or ((0, R - 1) if t.scale is None else (-(R // 2), R // 2))
        for i, v in enumerate(values):
            if not isinstance(v, (int, np.integer)) or isinstance(v, bool):
                raise MalformedArtifact(f"{t.name}[{i}] is not an integer", code="instances", node=t.name)
            if not low <= v <= high:
                raise MalformedArtifact(f"{t.name}[{i}] is {v}, outside {low}..{high}", code="instances", node=t.name)
        columns[t.column][t.row : t.row + t.length] = [int(v) % R for v in values]
    return tuple(tuple(column) for column in columns)
