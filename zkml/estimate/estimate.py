"""What a circuit will cost, from its settings, before any key is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zkml.estimate.columns import UNUSABLE_ROWS, Columns, count, instances, table_columns
from zkml.estimate.machine import Machine, this_machine
from zkml.estimate.resources import Cost, prove_cost, setup_cost

MAX_TABLE_COLUMNS = 16
"""EZKL's digest of a circuit with more table columns depends on its number of threads."""

MAX_BLOCKS = 8


@dataclass(frozen=True)
class Estimate:
    """The cost of one circuit on one machine.

    `slots` is EZKL's `total_assignments`, `constants` its `total_const_size`; `min_k` the fewest rows
    (log2) in which one block of columns holds the slots. Sizes are in bytes; `proof_bytes` is without
    instances. `counted` is false when the slots are our own
    approximation instead of EZKL's count.
    """

    slots: int
    constants: int
    min_k: int
    columns: Columns
    setup: Cost
    prove: Cost
    machine: Machine
    counted: bool = True

    @property
    def k(self) -> int:
        return self.columns.k

    @property
    def pk_bytes(self) -> int:
        return self.columns.pk_bytes

    @property
    def vk_bytes(self) -> int:
        return self.columns.vk_bytes

    @property
    def proof_bytes(self) -> int:
        return self.columns.proof_bytes

    @property
    def srs_bytes(self) -> int:
        return 4 + 128 * self.columns.rows + 256

    @property
    def peak_ram(self) -> int:
        """Bytes of resident memory of the hungriest stage."""
        return max(self.setup.ram, self.prove.ram)

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as data, for `--json`."""
        return {
            "counted_by": "ezkl" if self.counted else "zkml",
            "slots": self.slots,
            "constants": self.constants,
            "k": self.k,
            "min_k": self.min_k,
            "columns": asdict(self.columns) | {"permutation_products": self.columns.chunks},
            "pk_bytes": self.pk_bytes,
            "vk_bytes": self.vk_bytes,
            "proof_bytes": self.proof_bytes,
            "srs_bytes": self.srs_bytes,
            "setup": asdict(self.setup),
            "prove": asdict(self.prove),
            "peak_ram": self.peak_ram,
            "machine": self.machine.as_dict(),
        }


def estimate(
    settings: Mapping[str, Any], *, logrows: int | None = None, machine: Machine | None = None, counted: bool = True
) -> Estimate:
    """Return the cost of the circuit of `settings`, at another number of rows when `logrows` is given.

    `machine` is this one unless given (measured once, in at most two seconds, and kept in the cache).
    """
    machine = machine or this_machine()
    columns = count(settings, logrows=logrows)
    return Estimate(
        slots=int(settings["total_assignments"]),
        constants=int(settings["total_const_size"]),
        min_k=least_k(settings),
        columns=columns,
        setup=setup_cost(columns, machine),
        prove=prove_cost(columns, machine),
        machine=machine,
        counted=counted,
    )


def least_k(settings: Mapping[str, Any]) -> int:
    """Return the fewest rows, as a logarithm, in which a single block of columns holds all slots and constants."""
    inner = int(settings["run_args"]["num_inner_cols"])
    needed = max(-(-int(settings["total_assignments"]) // inner), int(settings["total_const_size"])) + 8
    return max(4, (needed - 1).bit_length())


def cheapest_k(settings: Mapping[str, Any], *, max_k: int = 26) -> int:
    """Return the number of rows, as a logarithm, at which a proof takes the least time by the estimate.

    Considers what EZKL can lay out: tables over at most `MAX_TABLE_COLUMNS` columns, public values within one column, at most
    `MAX_BLOCKS` blocks. Returns `least_k` when nothing does.
    """
    machine = Machine("", 1, 1.0)
    tables = [list(settings["run_args"]["lookup_range"])] if settings["required_lookups"] else []
    tables += [list(r) for r in settings["required_range_checks"]]
    best, least = least_k(settings), float("inf")
    for k in range(6, max(least_k(settings), 10) + 7):
        if k > max_k or instances(settings) > (1 << k) - UNUSABLE_ROWS:
            continue
        if any(table_columns(low, high, k) > MAX_TABLE_COLUMNS for low, high in tables):
            continue
        columns = count(settings, logrows=k)
        cost = prove_cost(columns, machine).seconds
        if columns.blocks <= MAX_BLOCKS and cost < least:
            best, least = k, cost
    return best
