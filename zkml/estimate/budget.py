"""Limits on what may be spent, enforced on estimates before anything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zkml.errors import InfeasibleError
from zkml.estimate.estimate import Estimate
from zkml.estimate.rows import NodeCost

LARGEST = 5


@dataclass(frozen=True)
class Budget:
    """What one circuit may use: `max_ram` bytes of resident memory, `max_seconds` for setup and for a proof each, 2^`max_k` rows.
    None is no limit."""

    max_ram: int | None = None
    max_seconds: float | None = None
    max_k: int | None = None


def enforce(estimate: Estimate, budget: Budget, nodes: Sequence[NodeCost] = ()) -> None:
    """Raise `InfeasibleError` unless `estimate` fits `budget`: what does not, the largest nodes, the smallest relaxation."""
    over: list[tuple[str, str, str, dict[str, Any]]] = []  # what, numbers, flag that would do, data
    if budget.max_k is not None and estimate.k > budget.max_k:
        over.append(
            (
                "rows",
                f"2^{estimate.k} rows, more than 2^{budget.max_k}",
                f"--max-k {estimate.k}",
                {"limit": budget.max_k, "estimate": estimate.k},
            )
        )
    if budget.max_ram is not None and estimate.peak_ram > budget.max_ram:
        stage = "setup" if estimate.setup.ram >= estimate.prove.ram else "prove"
        over.append(
            (
                "memory",
                f"{estimate.peak_ram / 1e9:.3g} GB of memory in {stage}, more than {budget.max_ram / 1e9:.3g} GB",
                f"--max-ram {_up(estimate.peak_ram / 1e6):.0f}MB",
                {"limit": budget.max_ram, "estimate": estimate.peak_ram},
            )
        )
    seconds = max(estimate.setup.seconds, estimate.prove.seconds)
    if budget.max_seconds is not None and seconds > budget.max_seconds:
        stage = "setup" if estimate.setup.seconds >= estimate.prove.seconds else "prove"
        over.append(
            (
                "time",
                f"{seconds:.3g} s for {stage}, more than {budget.max_seconds:.3g} s",
                f"--max-time {_up(seconds):.0f}s",
                {"limit": budget.max_seconds, "estimate": seconds},
            )
        )
    if not over:
        return
    largest = sorted(nodes, key=lambda c: -c.slots)[:LARGEST]
    total = sum(c.slots for c in nodes) or 1
    most = ", ".join(f"{c.name} ({c.op}, {100 * c.slots / total:.0f} %)" for c in largest)
    raise InfeasibleError(
        "the circuit would need " + "; ".join(numbers for _, numbers, _, _ in over),
        hint=f"the smallest relaxation is {' '.join(flag for _, _, flag, _ in over)}"
        + (f"; the largest nodes are {most}" if most else ""),
        code="budget",
        node=largest[0].name if largest else None,
        details={
            "over": {what: data for what, _, _, data in over},
            "relax": [flag for _, _, flag, _ in over],
            "largest_nodes": [{"node": c.name, "op": c.op, "slots": c.slots} for c in largest],
        },
    )


def _up(value: float) -> float:
    """Return `value` rounded up to a whole number, with a twentieth to spare for what the estimate is off by."""
    return float(-(-value * 1.05 // 1))
