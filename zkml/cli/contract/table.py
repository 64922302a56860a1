"""The table of forms: what each costs, and which one is taken."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from zkml.contract.cost import FormCost
from zkml.contract.evm import CODE_LIMIT
from zkml.contract.split import PARTS


def draw_forms(console: Console, costs: Sequence[FormCost], chosen: FormCost | None) -> None:
    """Print one row a form; the chosen one is marked with an arrow."""
    table = Table(
        "", "form", "bytes", "deployment", "shared", "verification", *PARTS[1:], "an instance", box=None, pad_edge=False
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for c in costs:
        size = f"{c.code_bytes:,}" if c.fits else f"[red]{c.code_bytes:,} > {CODE_LIMIT:,}[/]"
        parts = [f"{c.split.parts[part]:,}" for part in PARTS[1:]]
        shared = f"{c.shared_gas:,}" if c.shared_gas else "–"
        row = [c.form, size, f"{c.deployment_gas:,}", shared, f"{c.verification_gas:,}", *parts, f"{c.instance_gas:,.0f}"]
        table.add_row("→" if c is chosen else "", *row)
    console.print(table)
    if costs and not costs[0].real:
        console.print("gas of a made-up proof, which walks every step and is rejected at the last")


def advice_of(costs: Sequence[FormCost]) -> str | None:
    """Return the advice on many instances, of the first form that has one."""
    return next((c.advice for c in costs if c.advice), None)
