"""`zkml worker`: a process that takes proving jobs from the store and makes their proofs."""

from __future__ import annotations

import os
import signal

import click

from zkml.cli.job.options import store_options, worker_options
from zkml.cli.job.signals import stopping
from zkml.cli.output import command_errors, emit, json_option, say, seconds
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.local import PARENT
from zkml.jobs.machine import follow
from zkml.jobs.manage import find
from zkml.jobs.worker import GRACE_SECONDS, Options, Worker


@click.command()
@click.option("--job", help="Work for this job alone. Default: for all, the oldest first.")
@click.option("--drain", is_flag=True, help="End when nothing is left to do, instead of waiting for more.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds that the proof under way gets when the worker is stopped.",
)
@worker_options
@store_options
@json_option
@command_errors
def command(
    job: str | None,
    drain: bool,
    grace: float,
    threads: int | None,
    max_ram: int | None,
    max_time: float | None,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Make the proofs of submitted jobs, on this machine, until stopped.

    Start any number, on any number of machines that reach the same database and store. SIGTERM or Ctrl-C has it finish the proof
    under way, or give it back when that takes longer than --grace; a kill costs at most that proof.
    """
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    job_id = find(db, job).id if job is not None else None
    options = Options(threads or os.cpu_count() or 1, max_ram, job_id, drain, max_time, grace)
    with stopping() as stop:
        if PARENT in os.environ:
            follow(int(os.environ[PARENT]), signal.SIGTERM)
        tally = Worker(db, artefacts, options, stop=stop, say=say).run()
    again = tally.retried + tally.crashed
    text = f"{tally.proved} proved, {tally.failed} failed, {again} to be tried again, in {seconds(tally.seconds)}"
    emit(tally.as_dict() | {"stopped": stop.is_set()}, as_json=as_json, text=text)
