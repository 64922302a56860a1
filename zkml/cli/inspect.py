"""`zkml inspect`: what is in a model, what of it cannot be compiled, and what its circuit would cost, before anything costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from zkml.cli.inspect_graph import inspect_graph
from zkml.cli.options import budget_options, dim_option
from zkml.cli.output import command_errors, emit, gigabytes, json_option, progress, report_error, say, seconds
from zkml.cli.rewrites import rewrite_lines
from zkml.errors import InfeasibleError, ModelError, ZkmlError
from zkml.estimate import Budget, Estimate, NodeCost, cheapest_k, enforce, estimate, node_costs
from zkml.estimate.rows import approximate_settings, boundary_slots
from zkml.ezkl import Limits, Worker
from zkml.model import Model, Unsupported, check_rewritten, load, load_samples, normalise, run_float, support
from zkml.model.probe import confirmed_support
from zkml.model.samples import describe
from zkml.settings import RunArgs

LAYOUT_SECONDS = 120.0
LAYOUT_RAM = 8 << 30
"""What EZKL may use to lay a model out before our own approximation of its rows is taken instead."""

MAX_LISTED = 400


@click.command("inspect")
@click.argument("model_path", metavar="MODEL.onnx", type=click.Path(path_type=Path))
@dim_option
@click.option(
    "--data", "data", metavar="FILE", help="Check samples (.npz, .npy, .json, or - for JSON on stdin) against the model."
)
@click.option("--allow-wrong", is_flag=True, help="Do not refuse operators that EZKL compiles into another function than ONNX's.")
@click.option("--no-rewrite", is_flag=True, help="Replace no operator by others that EZKL computes rightly.")
@click.option("--logrows", type=click.IntRange(4, 28), help="Estimate for 2^N rows. Default: where a proof is fastest.")
@click.option("--scale", type=click.IntRange(0, 30), default=7, show_default=True, help="Fixed-point bits of inputs and weights.")
@click.option("--quick", is_flag=True, help="Do not ask EZKL: approximate the rows.")
@click.option("--graph", is_flag=True, help="Show the nodes of a compiled circuit: a bundle, or its circuit.ezkl.")
@budget_options
@json_option
@command_errors
def command(
    model_path: Path,
    dims: Sequence[tuple[str, int]],
    data: str | None,
    allow_wrong: bool,
    no_rewrite: bool,
    logrows: int | None,
    scale: int,
    quick: bool,
    graph: bool,
    max_ram: int | None,
    max_time: float | None,
    max_k: int | None,
    as_json: bool,
) -> None:
    """Show a model's nodes, what cannot be compiled, and what a circuit would cost.

    Makes no keys and changes nothing. Exit status 3 when a node cannot be compiled, 4 when the estimate exceeds a limit.
    """
    if graph:
        inspect_graph(model_path, as_json=as_json)
        return
    args = RunArgs(input_scale=scale, param_scale=scale)
    given = load(model_path, dict(dims))
    model = normalise(given, rewrite=not no_rewrite)
    for note in model.notes:
        say(note)
    samples = check_data(data, model) if data is not None else None
    for note in check_rewritten(given, model, load_samples(data, model) if data not in (None, "-") else None):
        say(note)
    costs = node_costs(model, args)
    unsupported, settings = support(model, allow_wrong=allow_wrong), None
    if not quick:
        unsupported, settings = ask_ezkl(model, args, unsupported, allow_wrong=allow_wrong)
    counted = settings is not None
    cost = None
    if counted or not unsupported:
        settings = settings or approximate_settings(model, args)
        cost = estimate(settings, logrows=logrows or cheapest_k(settings), counted=counted)
    report = as_data(model, costs, unsupported, cost) | ({"samples": samples} if samples is not None else {})
    problem = fault(model, unsupported)
    if cost is not None:
        try:
            enforce(cost, Budget(max_ram, max_time, max_k), costs)
        except InfeasibleError as e:
            problem = e
    if problem is not None:
        report["error"] = problem.as_dict()
    emit(report, as_json=as_json, text=lambda console: draw(console, model, costs, unsupported, cost, args))
    if problem is not None:
        report_error(problem, as_json=False)
        raise SystemExit(problem.exit_code)


def check_data(source: str, model: Model) -> int:
    """Run the samples through the model in floats and return how many there are."""
    samples = load_samples(source, model)
    run_float(model, samples)
    say(f"{len(samples)} sample{'s' if len(samples) != 1 else ''} fit the model")
    return len(samples)


def ask_ezkl(
    model: Model, args: RunArgs, expected: tuple[Unsupported, ...], *, allow_wrong: bool
) -> tuple[tuple[Unsupported, ...], dict[str, Any] | None]:
    """Return the nodes that EZKL itself cannot compile, and its settings; what the table says when it takes too long."""
    with progress() as show, Worker(limits=Limits(LAYOUT_RAM, LAYOUT_SECONDS), on_progress=show) as worker:
        try:
            return confirmed_support(model, args, worker, allow_wrong=allow_wrong)
        except InfeasibleError as e:
            say(f"EZKL did not finish laying the model out ({e.message}): rows are approximate")
            return expected, None


def fault(model: Model, unsupported: tuple[Unsupported, ...]) -> ZkmlError | None:
    """Return the error for nodes that cannot be compiled, or None."""
    if not unsupported:
        return None
    wrong = all(u.kind == "wrong" for u in unsupported)
    return ModelError(
        f"{len(unsupported)} of {len(model.proto.graph.node)} nodes cannot be compiled: "
        + ", ".join(f"{u.node} ({u.op})" for u in unsupported),
        hint="--allow-wrong compiles them into another function than the model's" if wrong else "see the remedy beside each",
        code="unsupported",
        node=unsupported[0].node,
        details={"nodes": [u.as_dict() for u in unsupported]},
    )


def as_data(model: Model, costs: Sequence[NodeCost], unsupported: Sequence[Unsupported], cost: Estimate | None) -> dict[str, Any]:
    """Return the whole report as data."""
    return {
        "model": str(model.path),
        "sha256": model.digest,
        "opsets": dict(model.opsets),
        "inputs": [{"name": t.name, "shape": list(t.shape), "type": t.dtype} for t in model.inputs],
        "outputs": [{"name": t.name, "shape": list(t.shape), "type": t.dtype} for t in model.outputs],
        "notes": list(model.notes),
        "rewrites": [r.as_dict() for r in model.rewrites],
        "nodes": [
            {
                "name": c.name,
                "op": c.op,
                "shape": list(c.shape),
                "parameters": c.parameters,
                "macs": c.macs,
                "slots": c.slots,
                "approximate": not c.sure,
            }
            for c in costs
        ],
        "parameters": sum(c.parameters for c in costs),
        "macs": sum(c.macs for c in costs),
        "unsupported": [u.as_dict() for u in unsupported],
        "estimate": cost.as_dict() if cost is not None else None,
    }


def draw(
    console: Console,
    model: Model,
    costs: Sequence[NodeCost],
    unsupported: Sequence[Unsupported],
    cost: Estimate | None,
    args: RunArgs,
) -> None:
    """Draw the report for people."""
    console.print(f"{model.path}  sha256 {model.digest[:16]}…", markup=False)
    opsets = ", ".join(f"{d} {v}" for d, v in model.opsets.items())
    console.print(
        f"opset {opsets}; in {', '.join(map(describe, model.inputs))}; out {', '.join(map(describe, model.outputs))}",
        markup=False,
    )
    bad = {u.node: u for u in unsupported}
    lines = [("node", "op", "shape", "params", "MACs", "slots", "")]
    for c in costs[:MAX_LISTED]:
        mark = bad[c.name].kind if c.name in bad else ""
        shape = "×".join(map(str, c.shape)) or "scalar"
        slots = f"{'' if c.sure else '~'}{c.slots:,}"
        lines.append((c.name, c.op, shape, number(c.parameters), number(c.macs), slots, mark))
    boundary = boundary_slots(model, args)
    lines.append(("inputs and outputs", "", "", "", "", number(boundary), ""))
    parameters, macs, slots_ = (sum(getattr(c, name) for c in costs) for name in ("parameters", "macs", "slots"))
    lines.append(("total", "", "", number(parameters), number(macs), number(slots_ + boundary), ""))
    for line in columns(lines):
        console.print(line, markup=False, soft_wrap=True)
    if len(costs) > MAX_LISTED:
        console.print(f"… and {len(costs) - MAX_LISTED} more nodes (--json lists all)")
    for line in rewrite_lines(model):
        console.print(f"rewritten: {line}", markup=False, soft_wrap=True)
    for u in unsupported:
        console.print(
            f"{u.kind}: {u.node}: {u.op} (opset {u.opset}): {u.reason}. Remedy: {u.remedy}", markup=False, soft_wrap=True
        )
    if cost is not None:
        draw_cost(console, cost)


def number(value: int) -> str:
    """Return a count for people, nothing for none."""
    return f"{value:,}" if value else ""


def columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of equal columns: three to the left, then numbers to the right, none cut."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 3 <= i <= 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def draw_cost(console: Console, cost: Estimate) -> None:
    """Draw the estimate for people."""
    c = cost.columns
    how = "counted by EZKL" if cost.counted else "approximate"
    console.print(
        f"circuit  {cost.slots:,} slots ({how}), {cost.constants:,} constants; 2^{cost.k} rows,"
        f" {c.blocks} block{'s' if c.blocks > 1 else ''} of {c.inner}: {c.advice} advice, {c.fixed} fixed,"
        f" {c.lookups} lookups, degree {c.degree}"
    )
    console.print(
        f"files    proving key {gigabytes(cost.pk_bytes)}, verifying key {gigabytes(cost.vk_bytes)},"
        f" SRS {gigabytes(cost.srs_bytes)}, proof {gigabytes(cost.proof_bytes)} and {c.instances} public values"
    )
    console.print(f"setup    {seconds(cost.setup.seconds)}, {gigabytes(cost.setup.ram)} of memory")
    console.print(f"prove    {seconds(cost.prove.seconds)}, {gigabytes(cost.prove.ram)} of memory")
    console.print(
        f"on       {cost.machine.cpu}, {cost.machine.cpus} CPUs, speed {1 / cost.machine.slowness:.2f} of the reference",
        markup=False,
    )
