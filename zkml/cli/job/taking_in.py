"""A bundle and its inputs taken into the store, for `submit` and `run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from zkml.bundle import Bundle
from zkml.cli.options import Bytes
from zkml.cli.output import say
from zkml.cli.srs_choice import choose_srs
from zkml.jobs import circuits
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.inputs import Inputs
from zkml.jobs.submit import MAX_ATTEMPTS, MAX_CRASHES, Submitted, submit
from zkml.model import load
from zkml.settings import read_settings

P = ParamSpec("P")
R = TypeVar("R")

TELL_EVERY = 100_000


def submit_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add what a submission may say: `--name`, `--max-attempts`, `--max-crashes`, `--ship`, `--ram`."""
    f = click.option("--ram", type=Bytes(), help="What a proof takes, where that is known better than it is estimated.")(f)
    f = click.option("--ship", is_flag=True, help="Put keys and circuit into the store, for workers on other machines.")(f)
    f = click.option(
        "--max-crashes",
        type=click.IntRange(1, 100),
        default=MAX_CRASHES,
        show_default=True,
        help="An input that kills its worker so often has failed.",
    )(f)
    f = click.option(
        "--max-attempts",
        type=click.IntRange(1, 1000),
        default=MAX_ATTEMPTS,
        show_default=True,
        help="An input that fails so often has failed for good.",
    )(f)
    return click.option("--name", help="A name for people. Default: that of the bundle.")(f)


def take_in(
    db: Database,
    artefacts: Artefacts,
    bundle: Path,
    source: str,
    *,
    srs_path: Path | None,
    unsafe_srs: bool,
    name: str | None,
    max_attempts: int,
    max_crashes: int,
    ship: bool,
    ram: int | None,
) -> Submitted:
    """Submit the inputs at `source`. Raises what `circuits.register`, `Inputs.read` and `submit` raise."""
    opened = Bundle.open(bundle)
    opened.require("model", "settings", "circuit", "vk", "protocol")
    srs = choose_srs(read_settings(opened.path("settings"))["run_args"]["logrows"], srs_path, allow_unsafe=unsafe_srs)
    batches = Inputs(load(opened.path("model"))).read(source)
    circuit = circuits.register(db, opened, srs, ram=ram)
    if ship:
        circuits.ship(db, circuit, artefacts)
    told = 0

    def tell(entries: int) -> None:
        nonlocal told
        if entries - told >= TELL_EVERY:
            told = entries
            say(f"{entries} inputs taken in")

    taken = submit(
        db,
        artefacts,
        circuit,
        batches,
        name=name or opened.name,
        max_attempts=max_attempts,
        max_crashes=max_crashes,
        on_progress=tell,
    )
    if taken.malformed:
        say(f"{taken.malformed} of {taken.entries} inputs are malformed: the results say why")
    return taken
