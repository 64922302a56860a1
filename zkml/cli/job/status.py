"""`zkml job status`: how far a job is."""

from __future__ import annotations

from typing import Any

import click

from zkml.cli.job.options import price_option, store_options
from zkml.cli.output import command_errors, emit, gigabytes, json_option, printable, say, seconds
from zkml.jobs.database import Database
from zkml.jobs.manage import close_finished, find
from zkml.jobs.progress import status


def describe(state: dict[str, Any]) -> str:
    """Return a job's state for people."""
    counts, cost = state["counts"], state["cost"]
    lines = [f"job     {state['id']} ({printable(state['name'])}), {state['state']}", f"circuit {state['circuit_id']}"]
    parts = [f"{counts[name]} {name}" for name in counts if counts[name]]
    lines.append(f"inputs  {state['entries']}: {', '.join(parts)}")
    if state["rate"]:
        lines.append(f"rate    {state['rate']:.3g} proofs a second, {seconds(state['seconds_left'])} to go")
    if cost["proofs"]:
        each = f"{seconds(cost['seconds_each'])} each, at most {gigabytes(cost['peak_ram'])} of memory"
        lines.append(f"cost    {cost['core_seconds'] / 3600:.3g} core hours for {cost['proofs']} proofs: {each}")
        if cost["money"] is not None:
            lines.append(f"        {cost['money']:.4g} at the price given")
    if cost["wasted_attempts"]:
        lines.append(f"        {cost['wasted_attempts']} attempts brought no proof")
    if state["problem"]:
        lines.append(f"problem {printable(state['problem'])}")
    return "\n".join(lines)


@click.command()
@click.argument("job")
@price_option
@store_options
@json_option
@command_errors
def command(job: str, price: float | None, db_url: str | None, store_url: str | None, as_json: bool) -> None:
    """Show how far JOB is: its inputs by state, rate, expected end, cost, and what keeps workers from it."""
    db = Database(db_url, on_wait=say)
    close_finished(db)
    state = status(db, find(db, job), price)
    emit(state, as_json=as_json, text=describe(state))
