"""`zkml calibrate`: the cheapest settings that keep the accuracy."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from zkml.circuit.audit import slack_of
from zkml.cli.options import budget_options, dim_option
from zkml.cli.output import command_errors, emit, json_option, progress, say
from zkml.errors import UsageError
from zkml.estimate import Budget
from zkml.ezkl import Limits, Worker
from zkml.files import write_json
from zkml.model import check_support, load, load_labels, load_samples, normalise
from zkml.model.quantisation import quantisation_scales
from zkml.report.fidelity import draw_fidelity, plot_fidelity
from zkml.settings.calibrate import Calibration, calibrate
from zkml.settings.metrics import METRICS
from zkml.settings.run_args import RunArgs
from zkml.settings.sizing import SEARCH_SECONDS

EXAMPLES = """
\b
Examples:
  zkml calibrate model.onnx --data samples.npz
  zkml calibrate model.onnx --data samples.npz --metric max_abs --tolerance 0.05 --max-ram 8GB --out recipe.json
"""


def parse_scales(_: click.Context, __: click.Parameter, text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        scales = [int(part) for part in text.split(",")]
    except ValueError as e:
        raise click.BadParameter("give numbers such as 4,7,10") from e
    if not all(0 <= s <= 30 for s in scales):
        raise click.BadParameter("scales lie between 0 and 30")
    return scales


@click.command(epilog=EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, help="Samples: .npz, .npy, EZKL's input.json, or - for JSON on stdin.")
@click.option("--metric", type=click.Choice(["auto", *METRICS]), default="auto", show_default=True, help="What must be kept.")
@click.option("--tolerance", type=float, help="How much of it may be lost (an absolute error for mae, rmse, max_abs).")
@click.option("--margin", type=float, default=2.0, show_default=True, help="Room for unseen inputs: times the largest seen.")
@click.option("--scales", callback=parse_scales, help="Try only these common scales, such as 4,7,10.")
@click.option("--max-columns", type=click.IntRange(1), help="At most this many polynomials to open.")
@click.option(
    "--search-time", type=click.FloatRange(1), help=f"Seconds for all of it. Default: {SEARCH_SECONDS:.0f}, more for slow models."
)
@click.option("--input-visibility", default="public", show_default=True)
@click.option("--output-visibility", default="public", show_default=True)
@click.option("--param-visibility", default="fixed", show_default=True)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot (PNG).")
@click.option("--out", "recipe", type=click.Path(path_type=Path, dir_okay=False), help="Write run arguments and fidelity (JSON).")
@click.option("--allow-wrong", is_flag=True, help="Accept operators that EZKL computes otherwise than ONNX.")
@dim_option
@budget_options
@json_option
@command_errors
def command(
    model: Path,
    data: str,
    metric: str,
    tolerance: float | None,
    margin: float,
    scales: list[int] | None,
    max_columns: int | None,
    search_time: float | None,
    input_visibility: str,
    output_visibility: str,
    param_visibility: str,
    plot: Path | None,
    recipe: Path | None,
    allow_wrong: bool,
    dims: tuple[tuple[str, int], ...],
    max_k: int | None,
    max_time: float | None,
    max_ram: int | None,
    as_json: bool,
) -> None:
    """Find the cheapest settings for MODEL that keep its accuracy on data.

    The recipe that --out writes is what `zkml compile --recipe` takes.
    """
    for path in (plot, recipe):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", code="folder")
    given = load(model, dict(dims))
    loaded = normalise(given)
    check_support(loaded, allow_wrong=allow_wrong)
    for note in loaded.notes:
        say(note)
    samples, labels = load_samples(data, loaded), load_labels(data)
    args = RunArgs(input_visibility=input_visibility, output_visibility=output_visibility, param_visibility=param_visibility)
    with (
        tempfile.TemporaryDirectory(prefix="zkml-model-") as folder,
        progress() as on_progress,
        Worker(limits=Limits(max_ram=max_ram), on_progress=on_progress) as worker,
    ):
        normalised = Path(folder) / "model.onnx"
        normalised.write_bytes(loaded.to_bytes())
        found = calibrate(
            normalised,
            samples.arrays,
            labels=labels,
            metric=metric,
            tolerance=tolerance,
            margin=margin,
            run_args=args,
            budget=Budget(max_ram=max_ram, max_seconds=max_time, max_k=max_k),
            max_columns=max_columns,
            search_seconds=search_time,
            slack_of=slack_of,
            scales=scales,
            start=quantisation_scales(given),
            worker=worker,
            report=say,
        )
    if plot is not None:
        plot_fidelity(plot, found.fidelity)
    result = as_recipe(found)
    if recipe is not None:
        write_json(recipe, result)
    emit(result, as_json=as_json, text=lambda console: draw_fidelity(console, found.fidelity, found.run_args))


def as_recipe(found: Calibration) -> dict[str, Any]:
    """Return run arguments and fidelity as plain JSON data."""
    plain: dict[str, Any] = json.loads(json.dumps({"run_args": found.run_args.as_ezkl(), "fidelity": found.fidelity.as_dict()}))
    return plain
