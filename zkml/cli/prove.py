"""`zkml prove`: a verified proof of one inference."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.bundle import Bundle
from zkml.cli.inputs import one_sample
from zkml.cli.options import budget_options, bundle_argument, srs_options
from zkml.cli.output import command_errors, emit, gigabytes, json_option, progress, say, seconds
from zkml.cli.srs_choice import choose_srs
from zkml.estimate import Budget, enforce, estimate
from zkml.ezkl import Limits, Worker
from zkml.model import load
from zkml.proof import DEVICES, ENGINES, choose_engine, prove
from zkml.settings import read_settings
from zkml.witness import make_witness


@click.command()
@bundle_argument
@click.option("--input", "source", help="The input: .npz, .npy, EZKL's input.json, or - for JSON on stdin.")
@click.option("--sample", type=int, default=0, show_default=True, help="Which sample of the input.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the proof. Default: in the bundle.")
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="auto: Rust where it can.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads of the prover. Default: all cores.")
@srs_options
@budget_options
@json_option
@command_errors
def command(
    bundle: Path,
    source: str | None,
    sample: int,
    out: Path | None,
    engine: str,
    device: str,
    threads: int | None,
    srs_path: Path | None,
    unsafe_srs: bool,
    max_ram: int | None,
    max_time: float | None,
    max_k: int | None,
    as_json: bool,
) -> None:
    """Prove an inference of BUNDLE on --input, or on the witness that the bundle holds.

    The proof is verified before it is written. An unsafe SRS was allowed, or not, at setup: proving does not ask again.
    """
    opened = Bundle.open(bundle)
    choose_engine(engine, device)
    opened.require("model", "settings", "circuit", "vk", "protocol")
    settings = read_settings(opened.path("settings"))
    enforce(estimate(settings), Budget(max_ram=max_ram, max_seconds=max_time, max_k=max_k))
    srs = choose_srs(settings["run_args"]["logrows"], srs_path, allow_unsafe=unsafe_srs)
    with progress() as on_progress:
        worker = Worker(limits=Limits(max_ram, max_time), threads=threads, on_progress=on_progress)
        with worker:
            if source is not None:
                model = load(opened.path("model"))
                made = make_witness(opened, model, one_sample(source, model, sample), worker, srs=srs)
                if made.reason is not None:
                    say(f"witness made by EZKL: {made.reason}")
            proved = prove(opened, srs, worker, engine=engine, device=device, out=out)
    if proved.reason is not None:
        say(f"proved by EZKL: {proved.reason}")
    text = (
        f"{proved.path}\n"
        f"circuit {proved.circuit_id}\n"
        f"proof   {gigabytes(proved.proof_bytes)}, {proved.instances} public values, verified\n"
        f"by      {proved.engine} on {proved.device}"
        f"{f' ({proved.arithmetic})' if proved.arithmetic else ''}, {proved.threads} threads,"
        f" in {seconds(proved.seconds)} with {gigabytes(proved.peak_rss)} of memory"
    )
    emit(proved.as_dict(), as_json=as_json, text=text)
    say(f"next: zkml verify {bundle}" + (f" {out}" if out else "") + ("" if srs.trust.safe else " --unsafe-srs"))
