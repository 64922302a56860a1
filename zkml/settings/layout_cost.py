"""What a circuit costs to prove, from `settings.json` alone: columns, degree, and a relative time and memory.

Columns are those of EZKL's constraint system (blocks of `num_inner_cols` columns for three tensors, tables, selectors, logUp
arguments, permutation chunks). The time is the sum below, in seconds of a nominal two-core machine; its use is to rank layouts:

    full(n)·(φ + z + 1 + (D-1) + 2) + small(n)·(advice + m)              commitments: n·MSM
    + fft(n)·P + fft(e)·P                    P = advice + m + φ + z: to coefficients, then onto the extended domain
    + e·expressions·EVAL + n·opened·OPEN + columns·COLUMN

n = 2^k rows, e = 2^extended_k. Scalars of advice and multiplicities are small, those of φ, z and quotients are full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

MAX_TABLE_COLUMNS = 16
BLINDING = 6
TABLE_BLINDING = 8
MIN_K = 5

MSM_FULL = 3.0e-6
MSM_SMALL = 0.9e-6
MSM_START = 4.0e-4
FFT = 6.0e-9
EVAL = 9.0e-9
OPEN = 2.0e-8
COLUMN = 6.0e-5
ASSIGN = 1.2e-6


@dataclass(frozen=True)
class Counts:
    """What settings say about size whatever the number of rows. `ranges` and `lookup_range` are inclusive."""

    inner: int
    assignments: int
    constants: int
    dynamic_rows: int
    dynamic_kinds: int
    lookups: int
    lookup_range: tuple[int, int]
    ranges: tuple[tuple[int, int], ...]
    instances: int
    hashed: bool
    poseidon_rows: int
    committed: tuple[int, ...]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Counts:
        """Return the counts that a settings file records."""
        args = settings["run_args"]
        modules = settings["module_sizes"]
        poseidon_rows, hashes = modules["poseidon"]
        low, high = args["lookup_range"]
        return cls(
            inner=int(args["num_inner_cols"]),
            assignments=int(settings["total_assignments"]),
            constants=int(settings["total_const_size"]),
            dynamic_rows=int(settings.get("total_dynamic_col_size") or 0) + int(settings.get("total_shuffle_col_size") or 0),
            dynamic_kinds=sum(bool(settings.get(name)) for name in ("num_dynamic_lookups", "num_shuffles")),
            lookups=len({str(op) for op in settings["required_lookups"]}),
            lookup_range=(int(low), int(high)),
            ranges=tuple(sorted({(int(a), int(b)) for a, b in settings["required_range_checks"]})),
            instances=sum(int(_product(shape)) for shape in settings["model_instance_shapes"]),
            hashed=any("Hashed" in args[f"{t}_visibility"] for t in ("input", "output", "param")),
            poseidon_rows=int(poseidon_rows) if sum(hashes) else 0,
            committed=tuple(int(n) for n in modules["polycommit"]),
        )


@dataclass(frozen=True)
class Layout:
    """One way to place the cells: 2^k rows, and what a proof then commits to. `seconds` and `ram` (bytes) are estimates."""

    k: int
    inner: int
    blocks: int
    advice: int
    fixed: int
    permutation: int
    products: int
    arguments: int
    degree: int
    extended_k: int
    table_columns: int
    seconds: float
    ram: int

    @property
    def columns(self) -> int:
        """All polynomials that a proof opens."""
        return self.advice + self.fixed + self.permutation + self.products + 2 * self.arguments + self.degree

    def as_dict(self) -> dict[str, int | float]:
        return {
            "k": self.k,
            "num_inner_cols": self.inner,
            "blocks": self.blocks,
            "advice": self.advice,
            "fixed": self.fixed,
            "permutation": self.permutation,
            "products": self.products,
            "lookup_arguments": self.arguments,
            "degree": self.degree,
            "extended_k": self.extended_k,
            "table_columns": self.table_columns,
            "columns": self.columns,
            "estimated_seconds": self.seconds,
            "estimated_ram": self.ram,
        }


def smallest_k(counts: Counts) -> int:
    """Return the least k at which tables, instances and hashes fit, whatever the number of columns."""
    k = MIN_K
    while misfit(counts, k) is not None:
        k += 1
    return k


def misfit(counts: Counts, k: int) -> str | None:
    """Return what does not fit 2^k rows, or None."""
    usable = (1 << k) - BLINDING
    if counts.instances > usable:
        return f"{counts.instances} public values"
    if counts.poseidon_rows > usable:
        return f"{counts.poseidon_rows} rows of hashing"
    tables = [(f"the range table [{lo}, {hi}]", lo, hi) for lo, hi in counts.ranges]
    if counts.lookups:
        tables.append(("the lookup table [{}, {}]".format(*counts.lookup_range), *counts.lookup_range))
    for name, low, high in tables:
        if spread(low, high, k) > MAX_TABLE_COLUMNS:
            return name
    return None


def spread(low: int, high: int, k: int) -> int:
    """Return over how many columns of 2^k rows a table of `low` to `high` is cut."""
    return (high - low) // ((1 << k) - TABLE_BLINDING) + 1


def blocks(cells: int, usable: int, inner: int) -> int:
    area = usable * inner
    first = cells // area + 1
    return (cells + first) // area + 1


def lay_out(counts: Counts, k: int) -> Layout:
    """Return the layout of `counts` on 2^k rows; `misfit` says whether there is one."""
    n, usable, w = 1 << k, (1 << k) - BLINDING, counts.inner
    nb = blocks(counts.assignments, usable, w)
    dynamic = blocks(counts.dynamic_rows, usable, 1) if counts.dynamic_kinds else 0
    committed = sum(blocks(size, usable, 1) for size in counts.committed)
    poseidon = bool(counts.poseidon_rows)
    constants = int(counts.hashed)
    if counts.constants:
        constants = (counts.constants + counts.constants // usable + 1) // usable + 1
    advice = committed + 3 * nb * w + 3 * dynamic + 3 * poseidon
    permutation = advice - poseidon + constants + 2 * poseidon + 1

    tuples = nb * w
    wide = spread(*counts.lookup_range, k) if counts.lookups else 0
    tables = [wide] * counts.lookups + [spread(lo, hi, k) for lo, hi in counts.ranges]
    # each table column: (tuples that look into it, degree of a tuple, degree of the table)
    groups = [(tuples, m + 1, 1) for m in tables for _ in range(m)]
    groups += [(tuples, 2, 2)] * (counts.dynamic_kinds * dynamic)
    gates = max([3, w + 2, 6 * poseidon, *(m + 1 for m in tables if m > 1)])
    least = max([gates, *(max(3, t + 2) + d for _, d, t in groups)])
    packed = [pack(number, d, t, least) for number, d, t in groups]
    arguments = sum(number for number, _ in packed)
    degree = max([3, gates, *(d for _, d in packed)])
    extended_k = k + (degree - 2).bit_length()
    products = ceil(permutation / (degree - 2))
    complex_selectors = tuples * len(tables) + counts.dynamic_kinds * (tuples + dynamic)
    # Compression puts selectors of low degree that never meet on one column: about half of them.
    selectors = complex_selectors + ceil((3 * tuples + 6 * nb) / 2) + 3 * poseidon
    table_columns = wide * (1 + counts.lookups) + sum(spread(lo, hi, k) for lo, hi in counts.ranges)
    fixed = constants + 4 * poseidon + table_columns + selectors

    e = 1 << extended_k
    own = advice + 2 * arguments + products
    opened = own + fixed + permutation + degree
    expressions = 4 * tuples + 6 * nb * w + 8 * len(groups) * tuples + 3 * permutation
    seconds = (
        (arguments + products + 1 + (degree - 1) + 2) * (MSM_START + n * MSM_FULL)
        + (advice + arguments) * (MSM_START + n * MSM_SMALL)
        + own * FFT * (n * k + e * extended_k)
        + e * expressions * EVAL
        + n * opened * OPEN
        + opened * COLUMN
        + counts.assignments * ASSIGN
    )
    ram = 32 * ((fixed + permutation + 3) * (2 * n + e) + own * (2 * n + e) + (degree + 4) * e) + 60_000_000
    return Layout(k, w, nb, advice, fixed, permutation, products, arguments, degree, extended_k, max([0, *tables]), seconds, ram)


def pack(number: int, degree: int, table_degree: int, least: int) -> tuple[int, int]:
    """Return (arguments, their largest degree) of `number` like tuples, packed into arguments while the degree allows."""
    size = 1
    while size < number and required(size, degree, table_degree) + degree <= least:
        size += 1
    return ceil(number / size), required(size, degree, table_degree)


def required(size: int, degree: int, table_degree: int) -> int:
    return max(3 + size, table_degree + size * degree + 2)


def _product(shape: Any) -> int:
    result = 1
    for d in shape:
        result *= int(d)
    return result
