"""`zkml witness`: one input through the circuit, in integers."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.bundle import Bundle
from zkml.cli.inputs import bundle_srs, one_sample
from zkml.cli.options import budget_options, bundle_argument, srs_options
from zkml.cli.output import command_errors, emit, json_option, progress, say, seconds
from zkml.ezkl import Limits, Worker
from zkml.model import load
from zkml.witness import ENGINES, make_witness
from zkml.witness.constraints import check_constraints
from zkml.witness.witness import witness_json


@click.command()
@bundle_argument
@click.option("--input", "source", required=True, help="The input: .npz, .npy, EZKL's input.json, or - for JSON on stdin.")
@click.option("--sample", type=int, default=0, show_default=True, help="Which sample of the input.")
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="auto: Rust where it can.")
@click.option("--check", is_flag=True, help="Hold the witness against every constraint of the circuit (after `zkml setup`).")
@srs_options
@budget_options
@json_option
@command_errors
def command(
    bundle: Path,
    source: str,
    sample: int,
    engine: str,
    check: bool,
    srs_path: Path | None,
    unsafe_srs: bool,
    max_ram: int | None,
    max_time: float | None,
    max_k: int | None,
    as_json: bool,
) -> None:
    """Make the witness of one input for BUNDLE and show its outputs.

    The witness holds the input: it stays readable by you alone and is never packed unless you ask.
    """
    opened = Bundle.open(bundle)
    opened.require("model", "settings", "circuit")
    model = load(opened.path("model"))
    values = one_sample(source, model, sample)
    srs = bundle_srs(opened, srs_path, allow_unsafe=unsafe_srs)
    with progress() as on_progress, Worker(limits=Limits(max_ram, max_time), on_progress=on_progress) as worker:
        made = make_witness(opened, model, values, worker, srs=srs, engine=engine)
    if check:
        check_constraints(opened)
        say("every gate, lookup and copy of the circuit holds")
    lines = [
        f"{tensor.name} = {array.reshape(-1)[:16].tolist()}{' …' if array.size > 16 else ''}"
        for tensor, array in zip(model.outputs, made.rescaled, strict=True)
    ]
    if made.reason is not None:
        say(f"made by EZKL: {made.reason}")
    emit(witness_json(made), as_json=as_json, text="\n".join([*lines, f"by {made.engine}, in {seconds(made.seconds)}"]))
