"""A constraint system under construction: columns, queries in order of first request, selectors, gates, lookups.

Column and query order is normative: it is the order of commitments and evaluations in a proof. Every addition is counted, so
that settings which ask for too much end in `MalformedArtifact` instead of using up memory or time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import Builder, Node
from zkml.protocol.protocol import Column, Query
from zkml.protocol.validity import MAX_CHALLENGES, MAX_COLUMNS, MAX_QUERIES


@dataclass(frozen=True)
class RawLookup:
    """One input tuple and the table it is looked up in, before packing."""

    inputs: tuple[int, ...]
    table: tuple[int, ...]


class Queries:
    """An ordered list without duplicates."""

    def __init__(self) -> None:
        self.items: list[Query] = []
        self._index: dict[Query, int] = {}

    def request(self, column: int, rotation: int) -> int:
        """Return the index of a query, appending it when it is new."""
        query = Query(column, rotation)
        found = self._index.get(query)
        if found is None:
            found = self._index[query] = len(self.items)
            self.items.append(query)
            _limit(len(self.items), MAX_QUERIES, "queries")
        return found


def _limit(count: int, most: int, what: str) -> None:
    if count > most:
        raise MalformedArtifact(f"settings ask for more than {most} {what}", code="too-large")


class ConstraintSystem:
    """See the module. `simple[s]` tells whether selector s may be combined with others; `permutation` is an ordered set."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.build = Builder()
        self.advice_phases: list[int] = []
        self.num_fixed = 0
        self.num_instance = 0
        self.challenge_phases: list[int] = []
        self.advice_queries = Queries()
        self.fixed_queries = Queries()
        self.instance_queries = Queries()
        self.permutation: dict[Column, None] = {}
        self.constants: list[int] = []
        self.simple: list[bool] = []
        self.gates: list[int] = []
        self.lookups: list[RawLookup] = []

    @property
    def usable_rows(self) -> int:
        return (1 << self.k) - 6

    def advice_column(self, phase: int = 0) -> int:
        self.advice_phases.append(phase)
        _limit(len(self.advice_phases), MAX_COLUMNS, "advice columns")
        return len(self.advice_phases) - 1

    def fixed_column(self) -> int:
        self.num_fixed += 1
        _limit(self.num_fixed, MAX_COLUMNS, "fixed columns")
        return self.num_fixed - 1

    def constant_column(self) -> int:
        """Return a new fixed column that holds the circuit's constants."""
        column = self.fixed_column()
        self.enable_constant(column)
        return column

    def instance_column(self) -> int:
        self.num_instance += 1
        return self.num_instance - 1

    def enable_constant(self, column: int) -> None:
        self.constants.append(column)
        self.enable_equality("fixed", column)

    def enable_equality(self, kind: Literal["advice", "fixed", "instance"], column: int) -> None:
        """Query the column at rotation 0 and let its cells be copied."""
        {"advice": self.advice_queries, "fixed": self.fixed_queries, "instance": self.instance_queries}[kind].request(column, 0)
        self.permutation.setdefault(Column(kind, column))

    def advice(self, column: int, rotation: int = 0) -> int:
        return self.build.add(Node("advice", self.advice_queries.request(column, rotation)))

    def fixed(self, column: int) -> int:
        return self.build.add(Node("fixed", self.fixed_queries.request(column, 0)))

    def challenge(self, phase: int) -> int:
        self.challenge_phases.append(phase)
        _limit(len(self.challenge_phases), MAX_CHALLENGES, "challenges")
        return self.build.add(Node("challenge", len(self.challenge_phases) - 1))

    def selector(self, *, simple: bool) -> int:
        """Return the node of a new selector (its index is the node's operand)."""
        self.simple.append(simple)
        _limit(len(self.simple), MAX_COLUMNS, "selectors")
        return self.build.add(Node("selector", len(self.simple) - 1))

    def gate(self, polynomial: int) -> None:
        self.gates.append(polynomial)

    def lookup(self, inputs: tuple[int, ...], table: tuple[int, ...]) -> None:
        self.lookups.append(RawLookup(inputs, table))


Blocks = list[list[int]]
"""V[b][j]: inner column j of block b of one variable."""


def variable(cs: ConstraintSystem, cells: int, width: int, phase: int = 0) -> Blocks:
    """Return the advice columns that hold `cells` cells, `width` side by side, each open to copies."""
    area = cs.usable_rows * width
    blocks = cells // area + 1
    blocks = (cells + blocks) // area + 1
    _limit(blocks * width, MAX_COLUMNS, "advice columns")
    out = []
    for _ in range(blocks):
        columns = []
        for _ in range(width):
            column = cs.advice_column(phase)
            cs.enable_equality("advice", column)
            columns.append(column)
        out.append(columns)
    return out
