"""`zkml job cancel`."""

from __future__ import annotations

import click

from zkml.cli.job.options import store_options
from zkml.cli.output import command_errors, emit, json_option, say
from zkml.jobs.database import Database
from zkml.jobs.manage import cancel, find


@click.command()
@click.argument("job")
@store_options
@json_option
@command_errors
def command(job: str, db_url: str | None, store_url: str | None, as_json: bool) -> None:
    """Stop JOB: nothing more of it is begun, and proofs under way are ended.

    Proofs that were made are kept, and what other jobs ask for goes on. `zkml job retry` takes it up again.
    """
    db = Database(db_url, on_wait=say)
    found = find(db, job)
    count = cancel(db, found)
    state = find(db, found.id).state
    emit({"job": found.id, "state": state, "cancelled": count}, as_json=as_json, text=f"{count} proofs will not be made")
    if state != "cancelled":
        say(f"job {found.id} was {state} already")
