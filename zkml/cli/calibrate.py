"""`zkml calibrate`: the cheapest settings that keep the accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from zkml.cli.options import budget_options
from zkml.cli.output import command_errors, emit, json_option, progress, say
from zkml.errors import SampleError, UsageError
from zkml.ezkl import Limits, Worker
from zkml.files import read_bounded, read_json, write_json
from zkml.report.fidelity import draw_fidelity, plot_fidelity
from zkml.settings.calibrate import Calibration, calibrate
from zkml.settings.float_model import FloatModel
from zkml.settings.metrics import METRICS
from zkml.settings.run_args import RunArgs
from zkml.settings.sizing import Budget

LABEL_NAMES = ("label", "labels", "target", "targets", "y")


def read_samples(path: Path, model: FloatModel) -> tuple[dict[str, Any], Any]:
    """Return (inputs, labels or None) of an `.npz` or of EZKL's `input.json`. Raises `SampleError`."""
    if path.suffix.lower() == ".npz":
        read_bounded(path, what="samples")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (ValueError, OSError, EOFError, KeyError) as e:
            raise SampleError(f"{path} is not an .npz archive of numbers: {e}", code="sample-format") from e
        labels = next((arrays[name] for name in LABEL_NAMES if name in arrays and name not in model.inputs), None)
        return {name: a for name, a in arrays.items() if name in model.inputs}, labels
    data = read_json(path, what="samples")
    flat = data.get("input_data") if isinstance(data, dict) else None
    if not isinstance(flat, list) or len(flat) != len(model.inputs):
        raise SampleError(f"{path} does not hold input_data with a list for each of {list(model.inputs)}", code="sample-format")
    inputs = {}
    for name, shape, values in zip(model.inputs, model.shapes, flat, strict=True):
        try:
            array = np.asarray(values, dtype=np.float64)
        except (ValueError, TypeError) as e:
            raise SampleError(f"input {name!r} of {path} is not an array of numbers", code="sample-format") from e
        size = int(np.prod(shape))
        if size == 0 or array.size == 0 or array.size % size:
            raise SampleError(f"input {name!r} has {array.size} values, expected {size} for each sample", code="sample-shape")
        inputs[name] = array.reshape(-1, *shape)
    return inputs, None


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


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Samples: .npz or input.json."
)
@click.option("--metric", type=click.Choice(["auto", *METRICS]), default="auto", show_default=True, help="What must be kept.")
@click.option("--tolerance", type=float, help="How much of it may be lost (an absolute error for mae, rmse, max_abs).")
@click.option(
    "--margin", type=float, default=2.0, show_default=True, help="Room for unseen inputs: times the largest value seen."
)
@click.option("--scales", callback=parse_scales, help="Try only these common scales, such as 4,7,10.")
@click.option("--max-columns", type=click.IntRange(1), help="At most this many polynomials to open.")
@click.option("--search-time", type=click.FloatRange(1), default=45.0, show_default=True, help="Seconds the search may take.")
@click.option("--input-visibility", default="public", show_default=True)
@click.option("--output-visibility", default="public", show_default=True)
@click.option("--param-visibility", default="fixed", show_default=True)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot (PNG).")
@click.option("--out", "recipe", type=click.Path(path_type=Path, dir_okay=False), help="Write run arguments and fidelity (JSON).")
@budget_options
@json_option
@command_errors
def command(
    model: Path,
    data: Path,
    metric: str,
    tolerance: float | None,
    margin: float,
    scales: list[int] | None,
    max_columns: int | None,
    search_time: float,
    input_visibility: str,
    output_visibility: str,
    param_visibility: str,
    plot: Path | None,
    recipe: Path | None,
    max_k: int | None,
    max_time: float | None,
    max_ram: int | None,
    as_json: bool,
) -> None:
    """Find the cheapest settings for MODEL that keep its accuracy on data."""
    for path in (plot, recipe):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", code="folder")
    inputs, labels = read_samples(data, FloatModel.load(model))
    args = RunArgs(input_visibility=input_visibility, output_visibility=output_visibility, param_visibility=param_visibility)
    budget = Budget(max_k=max_k, max_ram=max_ram, max_seconds=max_time, max_columns=max_columns, search_seconds=search_time)
    with progress() as on_progress, Worker(limits=Limits(max_ram=max_ram), on_progress=on_progress) as worker:
        found = calibrate(
            model,
            inputs,
            labels=labels,
            metric=metric,
            tolerance=tolerance,
            margin=margin,
            run_args=args,
            budget=budget,
            scales=scales,
            worker=worker,
            on_progress=say,
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
