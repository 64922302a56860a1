"""The verdict on an attestation, for people."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zkml.attestation.check import Checked
from zkml.cli.output import printable


def draw(console: Console, checked: Checked) -> None:
    """Print the verdict, and what an attestation that holds says."""
    verdict, a = checked.verdict, checked.attestation
    colour = {"accepted": "green", "refused": "yellow"}.get(verdict.outcome, "red")
    console.print(f"[{colour}]{verdict.outcome}[/]")
    table = Table(box=None, show_header=False, pad_edge=False)
    rows: list[tuple[str, str | None]] = [("circuit", verdict.circuit_id or "?"), ("where", verdict.where)]
    rows += [("policy", verdict.policy), ("reason", verdict.reason)]
    if a is not None and verdict.accepted:
        rows += [
            (a.metric.name, f"{a.score['decimal']} ({a.score['numerator']}/{a.score['denominator']})"),
            ("definition", a.metric.definition),
            ("items", f"{len(a.items)}, each with a proof that holds"),
            ("data set", f"{a.name or 'unnamed'}, sha256:{a.dataset}"),
            ("labels", f"sha256:{a.labels}"),
        ]
    for name, text in [*rows, *(("note", note) for note in checked.notes)]:
        if text is not None:
            table.add_row(name, escape(printable(text)))
    console.print(table)
