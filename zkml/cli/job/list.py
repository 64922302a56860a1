"""`zkml job list`."""

from __future__ import annotations

import time

import click
from rich.console import Console
from rich.table import Table

from zkml.cli.job.options import store_options
from zkml.cli.output import command_errors, emit, json_option, printable, say
from zkml.jobs.database import Database
from zkml.jobs.manage import close_finished, jobs
from zkml.jobs.tables import JOB_STATES


@click.command("list")
@click.option("--state", "states", type=click.Choice(JOB_STATES), multiple=True, help="Only jobs in this state; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@store_options
@json_option
@command_errors
def command(states: tuple[str, ...], limit: int, db_url: str | None, store_url: str | None, as_json: bool) -> None:
    """List the jobs, newest first."""
    db = Database(db_url, on_wait=say)
    close_finished(db)
    found = jobs(db, states=states, limit=limit)

    def draw(console: Console) -> None:
        table = Table("job", "number", "state", "inputs", "circuit", "submitted", "name", box=None, pad_edge=False)
        for job in found:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
            table.add_row(job.id, str(job.number), job.state, str(job.entries), job.circuit_id[:12], when, printable(job.name))
        console.print(table)

    emit([job.as_dict() for job in found], as_json=as_json, text=draw)
