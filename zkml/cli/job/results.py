"""`zkml job results`: manifest and proofs in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.cli.job.options import store_options
from zkml.cli.output import command_errors, emit, json_option, say
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.manage import close_finished, find
from zkml.jobs.results import FORMATS, write_results


@click.command()
@click.argument("job")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The new folder. Default: JOB-results.")
@click.option("--partial", is_flag=True, help="Take what there is of a job under way.")
@click.option("--format", "formats", type=click.Choice(FORMATS), default="both", show_default=True, help="Of the manifest.")
@store_options
@json_option
@command_errors
def command(
    job: str,
    out: Path | None,
    partial: bool,
    formats: str,
    db_url: str | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Write the results of JOB: manifest.jsonl and manifest.parquet with a row for each input, the proofs, protocol.json.

    The folder is there whole or not at all. Exit status 3 when inputs were malformed or failed: the manifest says why.
    """
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    close_finished(db)
    found = find(db, job)
    written = write_results(db, artefacts, found, out or Path(f"{found.id}-results"), partial=partial, formats=formats)
    emit(written.as_dict(), as_json=as_json, text=str(written.folder))
    if written.done < written.entries:
        parts = ", ".join(f"{n} {state}" for state, n in written.states.items() if n and state != "done")
        say(f"{written.done} of {written.entries} inputs have a proof; {parts}")
        bad = written.states["failed"] + written.states["malformed"]
        if bad:
            raise SystemExit(3)
