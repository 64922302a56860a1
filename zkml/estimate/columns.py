"""The size of EZKL's constraint system, counted from `settings.json` alone.

Source: observation of the EZKL 23.0.5 wheel, stated in `docs/estimates.md`. Counts only: columns, queries, lookup arguments,
degree. Exact but for the number of fixed columns after selector compression, which depends on the rows where
selectors are active (see `selector_columns`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

UNUSABLE_ROWS = 6
"""Rows at the end of every column that hold no data: five of blinding, and the last."""

TABLE_UNUSABLE_ROWS = 8


@dataclass(frozen=True)
class Columns:
    """What a proof of this circuit commits to and opens.

    `k`: 2^k rows. `slots` cells lie in `blocks` of `inner` columns, for each of the three model tensors. `degree` D of the whole
    system: D - 1 quotient pieces, an extended domain of 2^`extended_k` rows.
    """

    k: int
    inner: int
    slots: int
    blocks: int
    advice: int
    fixed: int
    selectors: int
    permutation: int
    lookups: int
    lookup_inputs: int
    advice_queries: int
    degree: int
    extended_k: int
    gates: int
    instances: int

    @property
    def rows(self) -> int:
        return 1 << self.k

    @property
    def usable(self) -> int:
        return self.rows - UNUSABLE_ROWS

    @property
    def extended(self) -> int:
        return 1 << self.extended_k

    @property
    def chunks(self) -> int:
        """Number of permutation product polynomials."""
        return ceil(self.permutation / (self.degree - 2))

    @property
    def pk_bytes(self) -> int:
        """Size of `pk.key` in bytes: vk, three polynomials in coset form, then values, coefficients and coset form of each fixed
        and permutation column."""
        n, e = self.rows, self.extended
        column = 3 * 8 + 32 * (2 * n + e)
        return self.vk_bytes + 3 * (4 + 32 * e) + 6 * 4 + (self.fixed + self.permutation) * column

    @property
    def vk_bytes(self) -> int:
        """Size of `vk.key` in bytes with selector compression."""
        return 7 + 64 * (self.fixed + self.permutation) + self.selectors * ceil(self.rows / 8)

    @property
    def proof_bytes(self) -> int:
        """Size of a proof in bytes, without its instances."""
        points = self.advice + 2 * self.lookups + self.chunks + 1 + (self.degree - 1) + 2
        scalars = self.advice_queries + self.fixed + 1 + self.permutation + (3 * self.chunks - 1) + 3 * self.lookups
        return 64 * points + 32 * scalars


def blocks_of(capacity: int, usable: int, inner: int) -> int:
    """Return the number of blocks of a tensor of columns that holds `capacity` cells."""
    area = usable * inner
    first = capacity // area + 1
    return (capacity + first) // area + 1


def constant_columns(settings: Mapping[str, Any], usable: int) -> int:
    """Return the number of fixed columns for constants."""
    total = int(settings["total_const_size"])
    if total == 0:
        return int(hashed(settings))
    first = total // usable + 1
    return (total + first) // usable + 1


def hashed(settings: Mapping[str, Any]) -> bool:
    """Return whether any tensor of the circuit is hashed."""
    args = settings["run_args"]
    return any(
        isinstance(args[f"{what}_visibility"], dict) and "Hashed" in args[f"{what}_visibility"]
        for what in ("input", "param", "output")
    )


def table_columns(low: int, high: int, k: int) -> int:
    """Return over how many columns a table of the values `low` to `high` is spread."""
    return abs(high - low) // ((1 << k) - TABLE_UNUSABLE_ROWS) + 1


def count(settings: Mapping[str, Any], *, logrows: int | None = None) -> Columns:
    """Return the columns of the circuit of `settings`, at another number of rows when `logrows` is given.

    Freivalds areas (`total_einsum_col_size` > 0) are refused by the toolkit and are not counted.
    """
    args = settings["run_args"]
    k = int(logrows if logrows is not None else args["logrows"])
    inner = int(args["num_inner_cols"])
    usable = (1 << k) - UNUSABLE_ROWS
    slots = int(settings["total_assignments"])
    blocks = blocks_of(slots, usable, inner)
    used = ceil(slots / (usable * inner))
    modules = settings.get("module_sizes") or {}
    committed = sum(blocks_of(int(size), usable, 1) for size in modules.get("polycommit", []))
    poseidon = int(hashed(settings) and sum(modules.get("poseidon", [0, [0]])[1]) > 0)
    dynamic = int(settings.get("num_dynamic_lookups") or 0) > 0
    shuffles = int(settings.get("num_shuffles") or 0) > 0
    dynamic_blocks = 0
    if dynamic or shuffles:
        size = int(settings.get("total_dynamic_col_size") or 0) + int(settings.get("total_shuffle_col_size") or 0)
        dynamic_blocks = blocks_of(size, usable, 1)
    constants = constant_columns(settings, usable)
    advice = committed + 3 * blocks * inner + 3 * dynamic_blocks + 3 * poseidon
    permutation = committed + 3 * blocks * inner + 3 * dynamic_blocks + constants + 4 * poseidon + 1

    # (table columns, input degree, table width) of each table, and how many input tuples look into it
    tuples = blocks * inner
    low, high = args["lookup_range"]
    ops = len(unique(settings["required_lookups"]))
    spread = table_columns(low, high, k) if ops else 0
    ranges = [table_columns(lo, hi, k) for lo, hi in unique(settings["required_range_checks"])]
    groups: list[tuple[int, int, int]] = []  # (number of input tuples, tuple degree, table degree)
    for m in [*([spread] * ops), *ranges]:
        groups += [(tuples, lookup_degree(m), 1)] * m
    for on in (dynamic, shuffles):
        if on:
            groups += [(tuples, 2, 2)] * dynamic_blocks
    gate_degree = max([2 + inner if inner > 1 else 3, 3] + [1 + m for m in [spread, *ranges] if m > 1])
    gate_degree = max(gate_degree, cumulative_product_degree(inner), 6 * poseidon)
    minimum = max([gate_degree, *(max(3, tdeg + 2) + degree for _, degree, tdeg in groups)])
    arguments = [pack(number, degree, tdeg, minimum) for number, degree, tdeg in groups]
    degree = max([3, gate_degree, *(d for _, d in arguments)])
    extended_k = k + (degree - 2).bit_length()

    base_selectors = 3 * blocks * inner + 6 * blocks
    complex_selectors = tuples * (ops + len(ranges)) + (int(dynamic) + int(shuffles)) * (tuples + dynamic_blocks)
    compressed = selector_columns(blocks, used, inner, degree, poseidon)
    fixed = constants + 4 * poseidon + spread * (1 + ops) + sum(ranges) + complex_selectors + compressed
    queries = committed + 3 * blocks * inner + blocks + 3 * dynamic_blocks + 7 * poseidon
    return Columns(
        k=k,
        inner=inner,
        slots=slots,
        blocks=blocks,
        advice=advice,
        fixed=fixed,
        selectors=base_selectors + complex_selectors + 3 * poseidon,
        permutation=permutation,
        lookups=sum(number for number, _ in arguments),
        lookup_inputs=sum(number for number, _, _ in groups),
        advice_queries=queries,
        degree=degree,
        extended_k=extended_k,
        gates=base_selectors + tuples * (ops + len(ranges)) + 7 * poseidon,
        instances=instances(settings),
    )


def lookup_degree(columns: int) -> int:
    """Return the degree of an input tuple of a table spread over so many columns: selector, index polynomial, value."""
    return columns + 1


def cumulative_product_degree(inner: int) -> int:
    """Return the degree of the gate of cumulative products: selector, previous value, `inner` factors."""
    return inner + 2


def pack(number: int, degree: int, table_degree: int, minimum: int) -> tuple[int, int]:
    """Return (arguments, degree of the largest) of `number` equal input tuples packed greedily up to degree `minimum`."""

    def required(size: int) -> int:
        return max(3 + size, table_degree + size * degree + 2)

    size = 1
    while size < number and required(size) + degree <= minimum:
        size += 1
    return ceil(number / size), required(size)


Place = tuple[int, int] | None
"""Where a selector is active: a block and an inner column; None is nowhere."""

ELEMENTWISE = (("add", 2), ("sub", 2), ("mult", 3))
NEVER_USED = {"cumprod", "cumprod_init"}
"""Selectors of operations that few models have: taken to be active nowhere."""


def selector_columns(blocks: int, used: int, inner: int, degree: int, poseidon: int) -> int:
    """Return the number of fixed columns that the simple selectors take after compression.

    Selectors share a column when they are never active on a common row and the degree allows it, tried in the order of their
    creation. Taken here: those of the first `used` blocks are active on common rows unless they belong to the same block and
    inner column, accumulating ones to the first; the others, and those of cumulative products, are active nowhere.
    """
    selectors: list[tuple[int, Place]] = []  # degree of the gate, place where it is active
    selectors += [(6, (-1, 0)), (6, (-1, 0)), (2, (-1, 0))] * poseidon
    for b in range(blocks):
        for j in range(inner):
            selectors += [(d, (b, j) if b < used else None) for _, d in ELEMENTWISE]
    accumulating = (
        ("dot_init", 3),
        ("dot", 3),
        ("cumprod", inner + 2),
        ("cumprod_init", inner + 1),
        ("sum", 2),
        ("sum_init", 2),
    )
    for b in range(blocks):
        selectors += [(d, (b, 0) if b < used and name not in NEVER_USED else None) for name, d in accumulating]
    return combine(selectors, degree)


def combine(selectors: Sequence[tuple[int, Place]], limit: int) -> int:
    """Return how many columns selectors of (gate degree, place) need, combined greedily up to the degree `limit`.

    The first that waits opens a column; later ones join in their order, unless they are active where another of the column is
    not, or the degree forbids it. Selectors of one degree and place wait in one line: where its first cannot join, none can.
    """
    lines: dict[tuple[int, Place], deque[int]] = {}
    kinds: dict[Place, list[tuple[int, Place]]] = {}
    for i, kind in enumerate(selectors):
        if kind not in lines:
            lines[kind] = deque()
            kinds.setdefault(kind[1], []).append(kind)
        lines[kind].append(i)
    taken = [False] * len(selectors)
    columns = 0
    for i, opening in enumerate(selectors):
        if taken[i]:
            continue
        lines[opening].popleft()
        deepest, size, place, columns = opening[0] - 1, 1, opening[1], columns + 1
        shut: set[int] = set()  # degrees that no longer fit
        ahead = i
        while deepest + size < limit:
            if place is None:
                ahead = next((j for j in range(ahead + 1, len(taken)) if not taken[j] and selectors[j][0] not in shut), -1)
                if ahead < 0:
                    break
                kind = selectors[ahead]
            else:
                waiting = [k for p in (place, None) for k in kinds.get(p, ()) if lines[k] and k[0] not in shut]
                if not waiting:
                    break
                kind = min(waiting, key=lambda k: lines[k][0])
            candidate = max(deepest, kind[0] - 1)
            if candidate + size + 1 > limit:
                shut.add(kind[0])
                continue
            taken[lines[kind].popleft()] = True
            deepest, size, place = candidate, size + 1, place or kind[1]
    return columns


def instances(settings: Mapping[str, Any]) -> int:
    """Return the number of public values of a proof."""
    total = 0
    for shape in settings.get("model_instance_shapes") or []:
        size = 1
        for d in shape:
            size *= int(d)
        total += size
    return total


def unique(items: list[Any]) -> list[Any]:
    """Return the items without repetitions, in order."""
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
