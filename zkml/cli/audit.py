"""`zkml audit`: what a circuit does not prove."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from zkml.bundle import Bundle
from zkml.circuit.audit import AuditReport, OutputSlack, audit_files
from zkml.cli.options import dim_option, srs_options
from zkml.cli.output import command_errors, emit, hint, json_option, progress, say, seconds
from zkml.errors import RefusedByPolicy, UsageError
from zkml.keys.rebuild import Rebuilt, rebuild
from zkml.keys.srs import find
from zkml.settings import read_settings

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


def _rebuild(
    target: Path, model: Path | None, srs_path: Path | None, unsafe_srs: bool, allow_wrong: bool, dims: dict[str, int]
) -> Rebuilt:
    bundle = Bundle.open(target)
    bundle.require("settings")
    k = read_settings(bundle.path("settings"))["run_args"]["logrows"]
    with progress() as on_progress:
        return rebuild(
            bundle,
            find(k, srs_path),
            model=model,
            dims=dims,
            allow_unsafe_srs=unsafe_srs,
            allow_wrong=allow_wrong,
            on_progress=on_progress,
        )


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
@click.option("--rebuild", "again", is_flag=True, help="Also compile and key TARGET again and compare: its key *is* the model.")
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --rebuild: the ONNX model that it should be. Default: the one in the bundle.",
)
@click.option("--allow-wrong", is_flag=True, help="With --rebuild: although EZKL computes an operator otherwise than ONNX.")
@srs_options
@dim_option
@json_option
@command_errors
def audit(
    target: Path | None,
    circuit: Path | None,
    settings: Path | None,
    domains: tuple[tuple[int, int], ...],
    again: bool,
    model: Path | None,
    allow_wrong: bool,
    srs_path: Path | None,
    unsafe_srs: bool,
    dims: tuple[tuple[str, int], ...],
    as_json: bool,
) -> None:
    """Say what a forger could do with TARGET, a bundle, or with bare EZKL files.

    Recomputed from the compiled circuit and its settings; keys and proofs are not needed. With --rebuild, settings, circuit and
    key are made again from the model and compared byte for byte; what comes out equal counts as audited on this machine. Exit 7
    when a false statement is provable, 3 when something is not what the model gives, 0 otherwise, whatever else is found.
    """
    report = audit_files(*_files(target, circuit, settings), domains=domains or None)
    value = report.as_dict()
    if again:
        if target is None:
            raise UsageError("--rebuild needs a bundle: bare files do not hold the model", code="rebuild-bare")
        rebuilt = _rebuild(target, model, srs_path, unsafe_srs, allow_wrong, dict(dims))
        value |= {"rebuilt": {"circuit_id": rebuilt.circuit_id, "vk_sha256": rebuilt.vk_sha256, "seconds": rebuilt.seconds}}
        say(f"rebuilt in {seconds(rebuilt.seconds)}: settings, circuit and key are what the model gives")
        say(f"circuit {rebuilt.circuit_id} counts as audited on this machine")
    elif model is not None or srs_path is not None or unsafe_srs or dims or allow_wrong:
        raise UsageError("--model, --srs, --unsafe-srs, --dim and --allow-wrong go with --rebuild", code="without-rebuild")
    emit(value, as_json=as_json, text=lambda console: draw(report, console))
    if report.refused:
        codes = ", ".join(finding.code for finding in report.refused)
        say(f"a false statement is provable with this circuit: {codes}")
        hint(report.refused[0].remedy)
        sys.exit(RefusedByPolicy.exit_code)


command = audit
