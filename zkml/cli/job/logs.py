"""`zkml job logs`: what was tried, by whom, with what outcome."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from zkml.cli.job.options import store_options
from zkml.cli.output import command_errors, gigabytes, json_option, plain, printable, say, seconds, write_out
from zkml.jobs.database import Database
from zkml.jobs.manage import find, log
from zkml.jobs.tables import FINISHED

FOLLOW_SECONDS = 1.0


def line(attempt: dict[str, Any]) -> str:
    """Return an attempt for people."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(attempt["at"]))
    what = f"{when}  {attempt['position']:>6}  {attempt['outcome']:<7}  {attempt['worker']}"
    if attempt["seconds"] is not None:
        what += f"  {seconds(attempt['seconds'])}, {gigabytes(attempt['peak_ram'])}, {attempt['engine']}"
    if attempt["message"]:
        what += f"  {attempt['code']}: {attempt['message'].splitlines()[0]}"
    return printable(what)


@click.command()
@click.argument("job")
@click.option("--failures", is_flag=True, help="Leave out what went well.")
@click.option("--input", "position", type=click.IntRange(0), help="Only the input at this position.")
@click.option("--follow", is_flag=True, help="Go on until the job is finished.")
@store_options
@json_option
@command_errors
def command(
    job: str,
    failures: bool,
    position: int | None,
    follow: bool,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Show the attempts at JOB's inputs in their order, a line each; with --json, JSON lines."""
    db = Database(db_url, on_wait=say)
    after = 0
    while True:
        found = find(db, job)
        for attempt in log(db, found.id, after=after, failures=failures, position=position):
            after = attempt["id"]
            write_out((json.dumps(plain(attempt)) if as_json else line(attempt)) + "\n")
        if not follow or found.state == FINISHED:
            return
        time.sleep(FOLLOW_SECONDS)
