"""The public statement: which tensor each instance value belongs to, and what range the circuit enforces on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

from zkml.errors import MalformedArtifact
from zkml.protocol.field import R, to_signed

Role = Literal["input", "output", "parameters"]
Visibility = Literal["public", "hashed", "hashed-private"]
ROLES = frozenset(get_args(Role))
VISIBILITIES = frozenset(get_args(Visibility))

MAX_STRING = 256
MAX_SCALE = 128
MAX_RANK = 32

Instances = Sequence[Sequence[int]]


@dataclass(frozen=True)
class StatementTensor:
    """One public tensor: `length` rows of instance column `column` from `row` on, flattened in C order.

    `visibility`: *public* (the values themselves), *hashed* (one Poseidon hash that the circuit computes), *hashed-private*
    (EZKL lists a hash that its circuit does not constrain: it says nothing). `scale`: value = integer / 2^scale; null for
    hashes. `domain`: inclusive bounds that the circuit enforces on each signed integer; None where it enforces none.
    """

    name: str
    role: Role
    visibility: Visibility
    dtype: str
    shape: tuple[int, ...]
    scale: int | None
    column: int
    row: int
    length: int
    domain: tuple[int, int] | None


@dataclass(frozen=True)
class Statement:
    """All public tensors, in order of their rows. Raises `MalformedArtifact` when one is ill-formed."""

    tensors: tuple[StatementTensor, ...]

    def __post_init__(self) -> None:
        names: set[str] = set()
        for i, t in enumerate(self.tensors):
            where = f"statement.tensors[{i}]"
            for text in (t.name, t.dtype):
                check_string(text, where)
            if t.name in names:
                raise MalformedArtifact(f"{where} repeats the name {t.name}", code="statement")
            names.add(t.name)
            if t.role not in ROLES or t.visibility not in VISIBILITIES:
                raise MalformedArtifact(f"{where} has an unknown role or visibility", code="statement")
            if len(t.shape) > MAX_RANK or any(d < 1 for d in t.shape) or prod(t.shape) != t.length:
                raise MalformedArtifact(f"{where} has {t.length} values, not those of its shape", code="statement")
            if t.scale is not None and abs(t.scale) > MAX_SCALE:
                raise MalformedArtifact(f"{where} has scale {t.scale}, beyond ±{MAX_SCALE}", code="statement")
            if t.domain is not None and not -(R // 2) <= t.domain[0] <= t.domain[1] <= R // 2:
                raise MalformedArtifact(f"{where} has an empty or impossible domain", code="statement")

    def check_rows(self, instance_rows: Sequence[int]) -> None:
        """Raise `MalformedArtifact` unless the tensors cover every instance row exactly once, in order."""
        expected = [(column, 0) for column, rows in enumerate(instance_rows) if rows]
        position = expected.pop(0) if expected else None
        for t in self.tensors:
            if (t.column, t.row) != position:
                raise MalformedArtifact(f"statement tensor {t.name} is not at the next free row", code="statement")
            end = t.row + t.length
            if end > instance_rows[t.column]:
                raise MalformedArtifact(f"statement tensor {t.name} ends beyond its column", code="statement")
            if end == instance_rows[t.column]:
                position = expected.pop(0) if expected else None
                continue
            position = (t.column, end)
        if position is not None:
            raise MalformedArtifact(f"statement leaves instance row {position} without a tensor", code="statement")

    def outside_domain(self, instances: Instances) -> str | None:
        """Return the first value outside its tensor's domain, as words; None when all are inside."""
        for t in self.tensors:
            if t.domain is None:
                continue
            low, high = t.domain
            for i in range(t.length):
                value = to_signed(instances[t.column][t.row + i])
                if not low <= value <= high:
                    return f"{t.name}[{i}] is {value}, outside {low}..{high}"
        return None


def check_string(text: str, where: str) -> None:
    """Raise `MalformedArtifact` unless `text` is 1 to 256 printable ASCII characters."""
    if not 1 <= len(text) <= MAX_STRING or not all(" " <= c <= "~" for c in text):
        raise MalformedArtifact(f"{where} holds a string that is not 1 to 256 printable ASCII characters", code="string")
