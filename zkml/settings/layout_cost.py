"""One way to lay a circuit out, and what it costs to prove: the estimate of `zkml.estimate` for settings at another k.

A layout is possible when tables, public values and hashes fit its rows; the number of blocks of columns follows. Layouts are
ranked by `work`: the estimated seconds of proving without the constant part that all share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zkml.estimate import Columns, Machine, count
from zkml.estimate.columns import UNUSABLE_ROWS, instances, table_columns
from zkml.estimate.resources import prove_cost, setup_cost, shared_seconds

MAX_TABLE_COLUMNS = 16
"""EZKL's digest of wider tables depends on its number of threads."""
MIN_K = 5

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """Settings on 2^k rows: `seconds` to prove, `slowest` those of setup or proving, `ram` in bytes at the peak of both, `work`
    to rank layouts by."""

    counts: Columns
    table: int
    seconds: float
    slowest: float
    work: float
    ram: int
    k: int = field(init=False)
    inner: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", self.counts.k)
        object.__setattr__(self, "inner", self.counts.inner)

    @property
    def columns(self) -> int:
        """All polynomials that a proof opens."""
        c = self.counts
        return c.advice + c.fixed + c.permutation + c.chunks + 2 * c.lookups + c.degree

    def as_dict(self) -> dict[str, int | float]:
        c = self.counts
        return {
            "k": c.k,
            "num_inner_cols": c.inner,
            "blocks": c.blocks,
            "advice": c.advice,
            "fixed": c.fixed,
            "permutation": c.permutation,
            "products": c.chunks,
            "lookup_arguments": c.lookups,
            "degree": c.degree,
            "extended_k": c.extended_k,
            "table_columns": self.table,
            "columns": self.columns,
            "proof_bytes": c.proof_bytes,
            "estimated_seconds": self.seconds,
            "estimated_ram": self.ram,
        }


def tables(settings: Settings) -> list[tuple[str, int, int]]:
    """Return name, least and largest value of each table that the circuit looks into."""
    found = [(f"the range table [{lo}, {hi}]", int(lo), int(hi)) for lo, hi in settings["required_range_checks"]]
    if settings["required_lookups"]:
        low, high = settings["run_args"]["lookup_range"]
        found.append((f"the lookup table [{low}, {high}]", int(low), int(high)))
    return found


def misfit(settings: Settings, k: int) -> str | None:
    """Return what does not fit 2^k rows however many columns there are, or None."""
    usable = (1 << k) - UNUSABLE_ROWS
    if usable < 1:
        return "the blinding rows"
    if (public := instances(settings)) > usable:
        return f"{public} public values"
    rows, hashes = settings["module_sizes"]["poseidon"]
    if sum(hashes) and rows > usable:
        return f"{rows} rows of hashing"
    for name, low, high in tables(settings):
        if table_columns(low, high, k) > MAX_TABLE_COLUMNS:
            return name
    return None


def smallest_k(settings: Settings) -> int:
    """Return the least k at which everything fits."""
    k = MIN_K
    while misfit(settings, k) is not None:
        k += 1
    return k


def lay_out(settings: Settings, k: int, machine: Machine) -> Layout:
    """Return the layout of settings on 2^k rows of `machine`; `misfit` says whether there is one."""
    counts = count(settings, logrows=k)
    prove, setup = prove_cost(counts, machine), setup_cost(counts, machine)
    shared = shared_seconds() * machine.slowness
    return Layout(
        counts,
        max((table_columns(low, high, k) for _, low, high in tables(settings)), default=0),
        prove.seconds,
        max(prove.seconds, setup.seconds),
        max(prove.cpu_seconds - shared, 1e-9),
        max(prove.ram, setup.ram),
    )
