"""`zkml job submit`: inputs into the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zkml.cli.job.options import store_options
from zkml.cli.job.taking_in import submit_options, take_in
from zkml.cli.options import bundle_argument, srs_options
from zkml.cli.output import command_errors, emit, json_option, say
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database


@click.command()
@bundle_argument
@click.argument("inputs")
@submit_options
@srs_options
@store_options
@json_option
@command_errors
def command(
    bundle: Path,
    inputs: str,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
    **submission: Any,
) -> None:
    """Queue a proof of every one of INPUTS by the circuit of BUNDLE; print the job's id.

    An input that was proved or queued before is not made again. One that is malformed is kept with its reason, and the others go
    on. The bundle is not copied unless you say --ship: workers check that its files are those of now.
    """
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    taken = take_in(db, artefacts, bundle, inputs, **submission)
    if taken.existing:
        say(f"these inputs were submitted before: job {taken.job}")
    elif taken.new < taken.entries - taken.malformed:
        say(f"{taken.entries - taken.malformed - taken.new} of the proofs were made or asked for before")
    emit(taken.as_dict(), as_json=as_json, text=taken.job)
    say(f"next: zkml worker, then zkml job status {taken.job}")
