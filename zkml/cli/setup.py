"""`zkml setup`: the keys of a compiled circuit."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.bundle import Bundle
from zkml.cli.options import budget_options, bundle_argument, srs_options
from zkml.cli.output import command_errors, emit, gigabytes, json_option, progress, say, seconds
from zkml.cli.srs_choice import choose_srs
from zkml.estimate import Budget
from zkml.keys.setup import ENGINES, setup
from zkml.settings import read_settings


@click.command()
@bundle_argument
@srs_options
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="ezkl",
    show_default=True,
    help="rust: a small proving key for the Rust engine alone. auto: Rust where it can.",
)
@click.option("--no-selector-compression", is_flag=True, help="Keep selectors apart: more columns, lower degree.")
@budget_options
@json_option
@command_errors
def command(
    bundle: Path,
    srs_path: Path | None,
    unsafe_srs: bool,
    engine: str,
    no_selector_compression: bool,
    max_ram: int | None,
    max_time: float | None,
    max_k: int | None,
    as_json: bool,
) -> None:
    """Make proving key, verification key and Protocol for BUNDLE."""
    opened = Bundle.open(bundle)
    opened.require("settings", "circuit")
    k = read_settings(opened.path("settings"))["run_args"]["logrows"]
    srs = choose_srs(k, srs_path, allow_unsafe=unsafe_srs)
    with progress() as on_progress:
        keys = setup(
            opened,
            srs,
            allow_unsafe_srs=unsafe_srs,
            compress_selectors=not no_selector_compression,
            engine=engine,
            budget=Budget(max_ram=max_ram, max_seconds=max_time, max_k=max_k),
            on_progress=on_progress,
        )
    if keys.reason is not None:
        say(f"keys by EZKL: {keys.reason}")
    value = {
        "bundle": str(bundle),
        "circuit_id": keys.circuit_id,
        "k": k,
        "srs": {"path": str(srs.path), "digest": srs.digest, "trust": str(srs.trust)},
        "engine": keys.engine,
        "reason": keys.reason,
        "seconds": keys.seconds,
        "peak_rss": keys.peak_rss,
        "pk_bytes": keys.pk_bytes,
        "vk_bytes": keys.vk_bytes,
    }
    emit(
        value,
        as_json=as_json,
        text=f"circuit {keys.circuit_id}\n"
        f"keys    {gigabytes(keys.pk_bytes)} to prove, {gigabytes(keys.vk_bytes)} to verify,"
        f" in {seconds(keys.seconds)} with {gigabytes(keys.peak_rss)} of memory\n"
        f"srs     {srs.trust}, k = {srs.k}, {srs.digest}",
    )
    say(f"next: zkml prove {bundle} --input INPUT.json")
