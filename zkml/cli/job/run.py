"""`zkml job run`: from inputs to results in one command, on this machine or a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zkml.bundle.bundle import SUFFIX
from zkml.cli.job.options import SETTLING, price_option, settle_options, store_options, worker_options
from zkml.cli.job.signals import stopping
from zkml.cli.job.status import describe
from zkml.cli.job.taking_in import submit_options, take_in
from zkml.cli.options import srs_options
from zkml.cli.output import INTERRUPTED, command_errors, emit, err, json_option, report_error, say, seconds
from zkml.errors import SampleError, UsageError, ZkmlError
from zkml.estimate.machine import usable_cpus
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import by_key, ship
from zkml.jobs.cluster import LOCAL, ClusterWorkers
from zkml.jobs.database import Database
from zkml.jobs.local import LocalWorkers
from zkml.jobs.manage import JobInfo, close_finished, find
from zkml.jobs.progress import Meter, status
from zkml.jobs.results import FORMATS, write_results
from zkml.jobs.tables import CANCELLED, DONE, FAILED, FINISHED

if TYPE_CHECKING:
    from zkml.jobs.settle import Settler

MOVING_SECONDS, PLAIN_SECONDS = 1.0, 10.0


@contextmanager
def meter(db: Database, job: str) -> Iterator[Callable[[], None]]:
    """Yield a function that shows how far the job is, now and then: a moving line on a terminal, lines elsewhere."""
    console, gauge = err(), Meter(db, job)
    every = MOVING_SECONDS if console.is_terminal else PLAIN_SECONDS
    due = time.monotonic() + every

    def line() -> str:
        counts, rate, left = gauge.read()
        speed = f", {rate:.3g} a second, {seconds(left)} to go" if rate and left is not None else ""
        failed = f", {counts[FAILED]} failed" if counts[FAILED] else ""
        return f"{counts[DONE]} of {sum(counts.values())} proved{failed}{speed}"

    def show(tell: Callable[[str], None]) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            tell(line())
            due = time.monotonic() + max(every, 10 * (time.monotonic() - now))  # asking must not slow what it watches

    gauge.read()
    if console.is_terminal:
        with console.status("") as moving:
            yield lambda: show(moving.update)
    else:
        yield lambda: show(say)


@click.command()
@click.argument("target")
@click.argument("inputs", required=False)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that prove.")
@click.option(
    "--on",
    metavar="WHERE",
    default=LOCAL,
    show_default=True,
    help="local: processes on this machine. ray://HOST:PORT, HOST:PORT: a Ray cluster; ray: the one that this machine is in.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder for the results. Default: JOB-results.")
@click.option("--format", "formats", type=click.Choice(FORMATS), default="both", show_default=True, help="Of the manifest.")
@click.option("--then", type=click.Choice(["settle"]), help="Afterwards settle the proofs on a chain.")
@settle_options
@price_option
@worker_options
@submit_options
@srs_options
@store_options
@json_option
@command_errors
def command(
    target: str,
    inputs: str | None,
    workers: int,
    on: str,
    out: Path | None,
    formats: str,
    then: str | None,
    price: float | None,
    threads: int | None,
    max_ram: int | None,
    max_time: float | None,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
    **submission: Any,
) -> None:
    """Prove every one of INPUTS by the circuit of the bundle TARGET and write the results; or go on with the job TARGET.

    The same command again goes on where it was. Ctrl-C has the workers finish or give back what they hold. Exit status 3 when
    some inputs were malformed or failed: the manifest says why. With `--then settle`, the proofs go onto a chain as by
    `zkml job settle`.
    """
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    settler = settler_of(db, artefacts, then, {name: submission.pop(name) for name in SETTLING})
    if inputs is not None:
        taken = take_in(db, artefacts, Path(target), inputs, **submission)
        found = find(db, taken.job)
        if taken.existing:
            say(f"going on with job {found.id}, which asked for the same")
    else:
        if target.endswith(SUFFIX) or Path(target).is_dir():
            raise UsageError("a bundle needs INPUTS", hint=f"zkml job run {target} inputs.npz", code="no-inputs")
        found = find(db, target)
    close_finished(db)
    found = find(db, found.id)
    if found.state == CANCELLED:
        raise UsageError(f"job {found.id} was cancelled", hint=f"zkml job retry {found.id} takes it up again", code="cancelled")
    error: ZkmlError | None = None
    if found.state != FINISHED:
        error, stopped = prove(db, artefacts, found, workers, on, threads, max_ram, max_time)
        close_finished(db)
        found = find(db, found.id)
        if stopped:
            say(f"stopped; `zkml job run {found.id}` goes on")
            raise SystemExit(INTERRUPTED)
    finish(db, artefacts, found, out, formats, price, error, settler, as_json=as_json)


def prove(
    db: Database,
    artefacts: Artefacts,
    job: JobInfo,
    workers: int,
    on: str,
    threads: int | None,
    max_ram: int | None,
    max_time: float | None,
) -> tuple[ZkmlError | None, bool]:
    """Have workers here, or on a cluster, make a job's proofs; return what kept them from all, and whether they were stopped."""
    each = threads or (max(1, usable_cpus() // workers) if on == LOCAL else 1)
    arguments = ["--threads", str(each)]
    arguments += ["--max-time", str(max_time)] if max_time is not None else []
    where = "" if on == LOCAL else f" on the cluster at {on}"
    say(f"job {job.id}: {workers} worker{'s' if workers > 1 else ''} of {each} thread{'s' if each > 1 else ''}{where}")
    with stopping() as stop, meter(db, job.id) as show:
        made: LocalWorkers | ClusterWorkers
        if on == LOCAL:
            arguments += ["--max-ram", str(max_ram)] if max_ram is not None else []
            made = LocalWorkers(db, artefacts, job.id, workers, arguments)
        else:
            circuit = by_key(db, job.circuit)
            ship(db, circuit, artefacts)
            ram = max_ram or circuit.ram
            arguments += ["--max-ram", str(ram)]
            made = ClusterWorkers(db, artefacts, job.id, workers, arguments, address=on, threads=each, ram=ram)
        try:
            error = made.watch(stop, show, say)
        except BaseException:
            made.stop()
            raise
        return error, stop.is_set()


def settler_of(db: Database, artefacts: Artefacts, then: str | None, settling: dict[str, Any]) -> Settler | None:
    """Return what settles the proofs afterwards, checked before the first is made; None without `--then settle`."""
    if then is None:
        if settling["settlement"] is not None or settling["broadcast"]:
            raise UsageError("--settlement and --broadcast are for what settles", hint="add --then settle", code="no-then")
        return None
    from zkml.cli.job.settle import open_settler  # noqa: PLC0415  web3 takes a second to load

    return open_settler(db, artefacts, **settling)


def finish(
    db: Database,
    artefacts: Artefacts,
    job: JobInfo,
    out: Path | None,
    formats: str,
    price: float | None,
    error: ZkmlError | None,
    settler: Settler | None,
    *,
    as_json: bool,
) -> None:
    """Write, settle and print the results of a job that is finished; say what keeps one from its end that is not."""
    state = status(db, job, price)
    if job.state != FINISHED:
        if error is None:
            error = UsageError(f"job {job.id} is {job.state}", hint=f"zkml job status {job.id}", code="not-finished")
        raise error
    written = write_results(db, artefacts, job, out or Path(f"{job.id}-results"), formats=formats)
    value, text = state | {"results": written.as_dict()}, f"{describe(state)}\nresults {written.folder}"
    settled = None
    if settler is not None:
        from zkml.cli.job.settle import described, end, summary  # noqa: PLC0415  see `settler_of`

        settled = described(settler, job, settler.run(job))
        value, text = value | {"settled": settled}, f"{text}\n{summary(settled)}"
    emit(value, as_json=as_json, text=text)
    if settled is not None:
        end(settled)
    bad = state["counts"]["malformed"] + state["counts"][FAILED]
    if bad:
        partly = SampleError(
            f"{bad} of {state['entries']} inputs have no proof",
            hint=f"{written.folder}/manifest.jsonl says why; `zkml job retry {job.id}` tries those again that failed",
            code="inputs-failed",
        )
        report_error(partly, as_json=False)
        raise SystemExit(partly.exit_code)
