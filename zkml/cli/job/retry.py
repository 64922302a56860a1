"""`zkml job retry`."""

from __future__ import annotations

import click

from zkml.cli.job.options import store_options
from zkml.cli.output import command_errors, emit, json_option, say
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.manage import find, retry
from zkml.jobs.repair import make_again


@click.command()
@click.argument("job")
@click.option(
    "--input", "positions", type=click.IntRange(0), multiple=True, help="Only the input at this position; may be repeated."
)
@click.option("--missing", is_flag=True, help="Also make proofs again that are not in the store any more, or were changed there.")
@store_options
@json_option
@command_errors
def command(
    job: str, positions: tuple[int, ...], missing: bool, db_url: str | None, store_url: str | None, as_json: bool
) -> None:
    """Queue again what of JOB failed or was cancelled, as if it had not been tried."""
    db = Database(db_url, on_wait=say)
    found = find(db, job)
    lost = make_again(db, Artefacts(store_url), found) if missing else 0
    count = retry(db, found, positions=positions) + lost
    emit({"job": found.id, "retried": count, "missing": lost}, as_json=as_json, text=f"{count} proofs are queued again")
    if count:
        say(f"next: zkml worker, or zkml job run {found.id}")
