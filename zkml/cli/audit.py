"""`zkml audit`: what a circuit does not prove."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from zkml.circuit.audit import AuditReport, OutputSlack, audit_files
from zkml.cli.output import command_errors, emit, hint, json_option, say
from zkml.errors import RefusedByPolicy, UsageError

COLOURS = {"unsound": "bold red", "unbound": "yellow", "privacy": "yellow", "slack": "cyan", "notice": "dim"}
SHOWN_NODES = 6


def _domains(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return inclusive ranges of integers from text such as `-128:128`."""
    domains = []
    for text in values:
        low, _, high = text.partition(":")
        try:
            domains.append((int(low), int(high)))
        except ValueError:
            raise click.BadParameter(f"{text!r} is not low:high with two integers", ctx, param) from None
    return tuple(domains)


def _files(target: Path | None, circuit: Path | None, settings: Path | None) -> tuple[Path, Path | None]:
    """Return the circuit and the settings to audit. Raises `UsageError`."""
    if (target is None) == (circuit is None):
        raise UsageError("name a bundle, or a circuit with --circuit", hint="`zkml audit model.zkml`")
    if circuit is not None:
        return circuit, settings
    assert target is not None
    if settings is not None:
        raise UsageError("--settings goes with --circuit; a bundle has its own")
    return target / "circuit.ezkl", target / "settings.json"


def _nodes(nodes: tuple[str, ...]) -> str:
    more = len(nodes) - SHOWN_NODES
    return "\n".join(nodes[:SHOWN_NODES]) + (f"\nand {more} more" if more > 0 else "")


def _amount(slack: OutputSlack) -> str:
    return f"unbounded (lost at node {slack.lost_at})" if slack.units is None else f"±{slack.units}  (±{slack.value:.6g})"


def draw(report: AuditReport, console: Console) -> None:
    """Draw the report as two tables: findings, and the slack of the outputs."""
    findings = Table("severity", "finding", "nodes", "a forger could", "remedy", pad_edge=False)
    for f in report.findings:
        colour = COLOURS[f.severity]
        findings.add_row(f"[{colour}]{f.severity}[/]", f.code, _nodes(f.nodes), f.forger, f.remedy)
    if report.findings:
        console.print(findings)
    slack = Table("output", "node", "shape", "slack in units (and in the model's numbers)", box=None, pad_edge=False)
    for s in report.slack:
        slack.add_row(str(s.output), s.node, "×".join(map(str, s.shape)) or "scalar", _amount(s))
    console.print(slack)


@click.command()
@click.argument("target", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--circuit", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A bare compiled circuit of EZKL.")
@click.option("--settings", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its settings.json.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="LOW:HIGH",
    callback=_domains,
    help="An input's lowest and highest integer, once for each input.",
)
@json_option
@command_errors
def audit(
    target: Path | None, circuit: Path | None, settings: Path | None, domains: tuple[tuple[int, int], ...], as_json: bool
) -> None:
    """Say what a forger could do with TARGET, a bundle, or with bare EZKL files.

    Recomputed from the compiled circuit and its settings; keys and proofs are not needed. Exit 7 when a false statement is
    provable, 0 otherwise, whatever else is found.
    """
    report = audit_files(*_files(target, circuit, settings), domains=domains or None)
    emit(report.as_dict(), as_json=as_json, text=lambda console: draw(report, console))
    if report.refused:
        codes = ", ".join(finding.code for finding in report.refused)
        say(f"a false statement is provable with this circuit: {codes}")
        hint(report.refused[0].remedy)
        sys.exit(RefusedByPolicy.exit_code)


command = audit
