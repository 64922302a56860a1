"""The Protocol: everything that is needed to verify proofs of one circuit, and its identity.

Letters are those of docs/notation.md. A value of type `Protocol` is always valid: the constructor checks every bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from zkml.protocol.expression import Node
from zkml.protocol.field import omega
from zkml.protocol.points import G1Point, VerifierPoints
from zkml.protocol.statement import Statement

ColumnKind = Literal["advice", "fixed", "instance"]


class Column(NamedTuple):
    """A column of the circuit's table."""

    kind: ColumnKind
    number: int


class Query(NamedTuple):
    """A column read `rotation` rows below the current one."""

    column: int
    rotation: int


@dataclass(frozen=True)
class Lookup:
    """One logUp argument: every tuple of `inputs` occurs, row by row, among the rows of `table`. Entries are node indices."""

    inputs: tuple[tuple[int, ...], ...]
    table: tuple[int, ...]


@dataclass(frozen=True)
class Permutation:
    """The columns between which cells may be copied, cut into chunks of `chunk`, one product polynomial each."""

    columns: tuple[Column, ...]
    chunk: int


@dataclass(frozen=True)
class Protocol:
    """One circuit as its verifiers see it. Raises `MalformedArtifact` when a bound or count is broken.

    `degree` D bounds all identities (D − 1 quotient pieces); `nodes` are shared by `gates` and `lookups`; `source` and
    `audit` inform people: the first is part of the circuit id, the second is not and is never believed by a verifier.
    """

    k: int
    advice_phases: tuple[int, ...]
    num_fixed: int
    instance_rows: tuple[int, ...]
    challenge_phases: tuple[int, ...]
    advice_queries: tuple[Query, ...]
    fixed_queries: tuple[Query, ...]
    instance_queries: tuple[Query, ...]
    nodes: tuple[Node, ...]
    gates: tuple[int, ...]
    lookups: tuple[Lookup, ...]
    permutation: Permutation
    blinding_factors: int
    degree: int
    fixed_commitments: tuple[G1Point, ...]
    permutation_commitments: tuple[G1Point, ...]
    transcript_digest: int
    points: VerifierPoints
    statement: Statement
    source: Mapping[str, str | int | None] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        from zkml.protocol.validity import check_protocol  # noqa: PLC0415  (it needs this module's types)

        check_protocol(self)

    @property
    def n(self) -> int:
        """The number of rows."""
        return 1 << self.k

    @property
    def omega(self) -> int:
        return omega(self.k)

    @property
    def last_rotation(self) -> int:
        """The row of the last constraint, counted from the end: −(blinding factors + 1)."""
        return -(self.blinding_factors + 1)

    @property
    def num_products(self) -> int:
        """The number of permutation product polynomials z."""
        return -(-len(self.permutation.columns) // self.permutation.chunk)

    @property
    def num_phases(self) -> int:
        return 1 + max((*self.advice_phases, *self.challenge_phases), default=0)

    @property
    def num_evaluations(self) -> int:
        """How many scalars a proof carries."""
        products = self.num_products
        return (
            len(self.advice_queries)
            + len(self.fixed_queries)
            + 1
            + len(self.permutation.columns)
            + (3 * products - 1 if products else 0)
            + 3 * len(self.lookups)
        )

    @property
    def num_points(self) -> int:
        """How many points a proof carries: advice, m, z, φ, random, h, W, W′."""
        return len(self.advice_phases) + 2 * len(self.lookups) + self.num_products + 1 + (self.degree - 1) + 2

    @property
    def proof_length(self) -> int:
        """The exact length of a proof in bytes."""
        return 64 * self.num_points + 32 * self.num_evaluations

    @cached_property
    def circuit_id(self) -> str:
        """SHA-256 of the domain separator and the canonical encoding without `audit`, 64 hex digits."""
        from zkml.protocol.encoding import CIRCUIT_ID_DOMAIN, canonical_bytes  # noqa: PLC0415  (it needs this type)

        return hashlib.sha256(CIRCUIT_ID_DOMAIN + canonical_bytes(self, with_audit=False)).hexdigest()
