"""`zkml compile`: from a model to an audited circuit."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from zkml.bundle import default_folder
from zkml.circuit.compile import Compilation, compile_model
from zkml.cli.options import budget_options, dim_option
from zkml.cli.output import command_errors, emit, gigabytes, json_option, progress, say, seconds
from zkml.cli.rewrites import rewrite_lines
from zkml.estimate import Budget
from zkml.model import load, load_labels, load_samples, normalise
from zkml.model.source import onnx_file
from zkml.settings.recipe import read_recipe

EXAMPLES = """
\b
Examples:
  zkml compile model.onnx --data samples.npz
  zkml compile model.onnx --data samples.npz --input-visibility private --metric top1 --tolerance 0.01
  zkml compile booster.ubj --data samples.npz
  zkml compile model.onnx --recipe circuits/lenet5/recipe.json
"""


def draw(console: Console, result: Compilation) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    run, cost = result.run_args, result.estimate
    table.add_row("circuit", str(result.bundle.path("circuit")))
    table.add_row("rows", f"2^{run.logrows}, {run.num_inner_cols} inner columns")
    table.add_row("scales", f"input 2^{run.input_scale}, parameters 2^{run.param_scale}")
    table.add_row("digits", f"{run.decomp_legs} of base {run.decomp_base}")
    table.add_row(
        "visibility", f"input {run.input_visibility}, output {run.output_visibility}, parameters {run.param_visibility}"
    )
    if result.calibration is not None:
        kept = result.calibration.fidelity
        table.add_row(
            "accuracy", f"{kept.bar['metric']} {kept.metric_integer:.6g} in integers, {kept.metric_float:.6g} in floats"
        )
    table.add_row(
        "will need",
        f"setup {seconds(cost.setup.seconds)}, proof {seconds(cost.prove.seconds)}, memory {gigabytes(cost.peak_ram)},"
        f" proving key {gigabytes(cost.pk_bytes)} (estimates)",
    )
    for line in rewrite_lines(result.model):
        table.add_row("rewrote", line)
    for finding in result.audit.findings:
        table.add_row("audit", f"{finding.severity}: {finding.code}")
    for slack in result.audit.slack:
        bound = "unbounded" if slack.units is None else f"±{slack.units} units"
        table.add_row("rounding", f"{slack.node} is proved up to {bound}")
    console.print(table)


@click.command(epilog=EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", help="Samples (.npz, .npy, EZKL's input.json, or - for JSON on stdin) to choose settings by.")
@click.option("--recipe", type=click.Path(path_type=Path), help="Run arguments chosen before; nothing is searched.")
@click.option("--out", type=click.Path(path_type=Path), help="The bundle. Default: NAME.zkml beside the model.")
@click.option("--input-visibility", help="public (default), private, hashed, polycommit or fixed.")
@click.option("--output-visibility", help="public (default), private, hashed, polycommit or fixed.")
@click.option("--param-visibility", help="fixed (default), private, hashed or polycommit.")
@click.option("--metric", default="auto", show_default=True, help="top1, agreement, mae, max_abs, rmse, auc or cosine.")
@click.option("--tolerance", type=float, help="How much of the metric may be lost.")
@click.option("--allow-wrong", is_flag=True, help="Compile operators that EZKL computes otherwise than ONNX.")
@click.option("--no-rewrite", is_flag=True, help="Replace no operator by others that EZKL computes rightly.")
@click.option("--allow", multiple=True, help="Compile although the audit finds this (a finding's code).")
@dim_option
@budget_options
@json_option
@command_errors
def command(
    model: Path,
    data: str | None,
    recipe: Path | None,
    out: Path | None,
    input_visibility: str | None,
    output_visibility: str | None,
    param_visibility: str | None,
    metric: str,
    tolerance: float | None,
    allow_wrong: bool,
    no_rewrite: bool,
    allow: tuple[str, ...],
    dims: tuple[tuple[str, int], ...],
    max_ram: int | None,
    max_time: float | None,
    max_k: int | None,
    as_json: bool,
) -> None:
    """Compile MODEL (ONNX, or xgboost's .json or .ubj) into a bundle: normalised model, settings, circuit and its audit.

    With --data the settings are searched for: the cheapest circuit that keeps the accuracy on those samples.
    """
    wanted = {"input": input_visibility, "output": output_visibility, "param": param_visibility}
    pinned = dict(dims)
    samples = labels = None
    with onnx_file(model) as (file, exported):
        for note in exported:
            say(note)
        if data is not None and recipe is None:
            loaded = normalise(load(file, pinned), rewrite=not no_rewrite)
            for note in loaded.notes:
                say(note)
            samples = load_samples(data, loaded)
            labels = load_labels(data)
        with progress() as on_progress:
            result = compile_model(
                file,
                samples=samples,
                labels=labels,
                run_args=read_recipe(recipe) if recipe else None,
                visibility={k: v for k, v in wanted.items() if v is not None},
                metric=metric,
                tolerance=tolerance,
                dims=pinned,
                budget=Budget(max_ram=max_ram, max_seconds=max_time, max_k=max_k),
                allow_wrong=allow_wrong,
                allow_findings=frozenset(allow),
                rewrite=not no_rewrite,
                out=out or default_folder(model),
                on_progress=on_progress,
                report=say,
            )
    value = {
        "bundle": str(result.bundle.folder),
        "run_args": result.run_args.as_ezkl(),
        "estimate": result.estimate.as_dict(),
        "audit": result.audit.as_dict(),
        "fidelity": result.calibration.fidelity.as_dict() if result.calibration else None,
        "notes": list(result.model.notes),
        "rewrites": [r.as_dict() for r in result.model.rewrites],
    }
    emit(value, as_json=as_json, text=lambda console: draw(console, result))
    say(f"next: zkml setup {result.bundle.folder}")
