"""`zkml srs`: make, import, check, cut down and trust structured reference strings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from zkml.cli.output import PLAIN_INTERVAL_SECONDS, command_errors, emit, err, gigabytes, json_option, say
from zkml.errors import UsageError
from zkml.keys import srs as keys
from zkml.keys.srs_checked import Progress
from zkml.keys.srs_trust import add_trust, remove_trust, trusted

FILE = click.Path(path_type=Path, dir_okay=False)
force_option = click.option("--force", is_flag=True, help="Replace the file.")


@contextmanager
def stages() -> Iterator[Progress]:
    """Show (stage, done, total) on stderr: a moving line on a terminal, otherwise a line every ten seconds."""
    console = err()
    if console.is_terminal:
        with console.status("") as status:
            yield lambda stage, done, total: status.update(f"{stage}  {100 * done // max(total, 1)} %")
        return
    last = time.monotonic()

    def plain(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL_SECONDS:
            last = now
            say(f"{stage}: {100 * done // max(total, 1)} %")

    yield plain


def show(srs: keys.Srs, *, as_json: bool, **more: Any) -> None:
    text = "\n".join(
        [
            f"file    {srs.path}",
            f"k       {srs.k} (2^{srs.k} = {1 << srs.k} points, {gigabytes(srs.path.stat().st_size)})",
            f"digest  {srs.digest}",
            f"trust   {srs.trust}",
        ]
    )
    emit({**srs.as_dict(), **more}, as_json=as_json, text=text)


@click.group()
def srs() -> None:
    """Make, import, check and trust structured reference strings (SRS).

    Whoever knows an SRS's secret can forge proofs, so one is UNSAFE unless it comes from a known ceremony or you vouch for it.
    """


@srs.command("generate")
@click.option("-k", "k", type=click.IntRange(keys.MIN_K, keys.MAX_K), required=True, help="2^K points.")
@click.option("--unsafe", is_flag=True, help="Say that you know: whoever makes an SRS can forge proofs under it.")
@click.argument("out", type=FILE, required=False)
@force_option
@json_option
@command_errors
def generate(k: int, unsafe: bool, out: Path | None, force: bool, as_json: bool) -> None:
    """Make an SRS with a secret drawn on this machine, at OUT (default: the cache). For trying out only."""
    if not unsafe:
        raise UsageError(
            "an SRS made on one machine is unsafe: who makes it can forge proofs under it",
            hint="say --unsafe if it is for trying out; `zkml srs import` takes a ceremony's",
            code="unsafe-not-said",
        )
    start = time.monotonic()
    with stages() as progress:
        made = keys.generate_unsafe(out or keys.cache_path(k), k, progress, overwrite=force)
    say("this SRS is UNSAFE: use it for nothing that must hold")
    show(made, as_json=as_json, seconds=round(time.monotonic() - start, 3))


@srs.command("import")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("out", type=FILE, required=False)
@click.option("-k", "--k", "k", type=click.IntRange(keys.MIN_K, keys.MAX_K), help="Cut down to 2^K points.")
@force_option
@json_option
@command_errors
def import_command(source: Path, out: Path | None, k: int | None, force: bool, as_json: bool) -> None:
    """Import SOURCE, a halo2 .srs or snarkjs .ptau, to OUT (default: the cache), and check all of it."""
    if out is None:
        if k is None:
            raise UsageError("without OUT, say -k", hint="-k K stores it in the cache as kK.srs", code="usage")
        out = keys.cache_path(k)
    with stages() as progress:
        made = keys.import_file(source, out, k, progress, overwrite=force)
    show(made, as_json=as_json)


@srs.command("check")
@click.argument("file", type=FILE)
@json_option
@command_errors
def check(file: Path, as_json: bool) -> None:
    """Check the whole of FILE by pairings; say what is wrong and where."""
    with stages() as progress:
        report = keys.check(file, progress)
    show(report.raise_for_outcome(), as_json=as_json, outcome=report.outcome)


@srs.command("trim")
@click.option("-k", "--k", "k", type=click.IntRange(keys.MIN_K, keys.MAX_K), required=True, help="2^K points; 1 for verifiers.")
@click.argument("source", type=FILE)
@click.argument("out", type=FILE)
@force_option
@json_option
@command_errors
def trim(k: int, source: Path, out: Path, force: bool, as_json: bool) -> None:
    """Cut SOURCE down to 2^K points at OUT."""
    with stages() as progress:
        made = keys.trim(source, out, k, progress, overwrite=force)
    show(made, as_json=as_json)


@srs.command("info")
@click.argument("file", type=FILE)
@json_option
@command_errors
def info(file: Path, as_json: bool) -> None:
    """Show FILE's size, digest and trust; its points are not checked."""
    show(keys.Srs.open(file), as_json=as_json)


@srs.command("trust")
@click.argument("digest")
@click.option("--name", help="What you call it.")
@json_option
@command_errors
def trust(digest: str, name: str | None, as_json: bool) -> None:
    """Vouch for the SRS with DIGEST on this machine: you know that nobody kept its secret."""
    add_trust(digest, name)
    if as_json:
        emit({"digest": digest, "trusted": True}, as_json=True, text="")
    say(f"{digest[:16]}… is trusted on this machine from now on")


@srs.command("untrust")
@click.argument("digest")
@json_option
@command_errors
def untrust(digest: str, as_json: bool) -> None:
    """Take DIGEST off your list."""
    remove_trust(digest)
    if as_json:
        emit({"digest": digest, "trusted": False}, as_json=True, text="")
    say(f"{digest[:16]}… is no longer trusted")


@srs.command("trusted")
@json_option
@command_errors
def trusted_command(as_json: bool) -> None:
    """List the digests that you trust."""
    names = trusted()
    emit(names, as_json=as_json, text="\n".join(f"{digest}  {name or ''}".rstrip() for digest, name in names.items()))
