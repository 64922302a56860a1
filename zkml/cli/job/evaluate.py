"""`zkml job evaluate`: a model's score on a data set, with a proof of every item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zkml.attestation.dataset import read_labels
from zkml.attestation.metrics import metric_of
from zkml.bundle import Bundle
from zkml.cli.attestation import draw
from zkml.cli.job.options import store_options, worker_options
from zkml.cli.job.run import prove
from zkml.cli.job.taking_in import submit_options, take_in
from zkml.cli.options import bundle_argument, srs_options
from zkml.cli.output import INTERRUPTED, command_errors, emit, json_option, say
from zkml.errors import UsageError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.cluster import LOCAL
from zkml.jobs.database import Database
from zkml.jobs.evaluate import attest, check_target, subject_of
from zkml.jobs.manage import close_finished, find
from zkml.jobs.tables import CANCELLED, FINISHED


@click.command()
@bundle_argument
@click.argument("inputs")
@click.option(
    "--labels",
    "labels_path",
    type=click.Path(path_type=Path),
    help="What the model should say: .npz (label or target), .npy, .json. Default: in INPUTS.",
)
@click.option("--metric", "metric_name", default="top1", show_default=True, help="top1, top2, …, mse or mae.")
@click.option("--output", help="The output that is scored, as the statement names it. Default: the only one.")
@click.option("--dataset-name", help="The data set's name, for people.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that prove.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("attestation"),
    show_default=True,
    help="The folder for the attestation.",
)
@worker_options
@submit_options
@srs_options
@store_options
@json_option
@command_errors
def command(
    bundle: Path,
    inputs: str,
    labels_path: Path | None,
    metric_name: str,
    output: str | None,
    dataset_name: str | None,
    workers: int,
    out: Path,
    threads: int | None,
    max_ram: int | None,
    max_time: float | None,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
    **submission: Any,
) -> None:
    """Prove the circuit of BUNDLE on every one of INPUTS, and attest its score against the labels.

    The attestation is a folder that `zkml verify` checks, without the inputs where these are hashed. The same command again goes
    on where it was. There is no attestation unless every item has a proof.
    """
    metric = metric_of(metric_name)
    if labels_path is None and not inputs.endswith(".npz"):
        raise UsageError("there are no labels", hint="--labels FILE, or an array `label` in INPUTS (.npz)", code="labels")
    labels = read_labels(labels_path or Path(inputs), metric)
    subject = subject_of(Bundle.open(bundle), metric, labels, output, dataset_name)
    check_target(out)
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    found = find(db, take_in(db, artefacts, bundle, inputs, **submission).job)
    if found.entries != len(labels):
        raise UsageError(f"there are {found.entries} inputs and {len(labels)} labels", code="labels")
    close_finished(db)
    found = find(db, found.id)
    if found.state == CANCELLED:
        raise UsageError(f"job {found.id} was cancelled", hint=f"zkml job retry {found.id} takes it up again", code="cancelled")
    if found.state != FINISHED:
        error, stopped = prove(db, artefacts, found, workers, LOCAL, threads, max_ram, max_time)
        close_finished(db)
        found = find(db, found.id)
        if stopped:
            say("stopped; the same command goes on")
            raise SystemExit(INTERRUPTED)
        if error is not None:
            raise error
    checked = attest(db, artefacts, found, subject, labels, out, threads=threads)
    value = checked.as_dict() | {"job": found.id, "folder": str(out)}
    emit(value, as_json=as_json, text=lambda console: draw(console, checked))
    say(f"attestation {out}: `zkml verify {out}` checks it")
