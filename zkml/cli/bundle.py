"""`zkml bundle`: pack, unpack, verify and show."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from zkml.bundle import KINDS, Bundle, default_folder, pack, unpack
from zkml.cli.options import bundle_argument
from zkml.cli.output import command_errors, emit, gigabytes, json_option, say
from zkml.errors import MalformedArtifact


@click.group()
def command() -> None:
    """Pack, unpack, check and show bundles."""


@command.command("show")
@bundle_argument
@json_option
@command_errors
def show(bundle: Path, as_json: bool) -> None:
    """List the artefacts of BUNDLE with digest, size and lineage."""
    opened = Bundle.open(bundle)

    def draw(console: Console) -> None:
        table = Table("artefact", "file", "size", "sha-256", "made from", box=None, pad_edge=False)
        for kind in KINDS:
            record = opened.records.get(kind.name)
            if record is not None:
                table.add_row(kind.name, kind.file, gigabytes(record.size), record.sha256, ", ".join(record.made_from))
        console.print(table)

    emit({name: record.as_dict() for name, record in opened.records.items()}, as_json=as_json, text=draw)


@command.command("verify")
@bundle_argument
@json_option
@command_errors
def verify(bundle: Path, as_json: bool) -> None:
    """Check every artefact of BUNDLE against its digest and lineage. Exit 3 when something is wrong."""
    opened = Bundle.open(bundle)
    problems = opened.verify()
    if problems:
        raise MalformedArtifact(
            "; ".join(problems), hint="restore the files, or make them again", code="bundle", details={"problems": problems}
        )
    emit({"bundle": str(bundle), "artifacts": len(opened.records), "problems": []}, as_json=as_json, text="whole")


@command.command("pack")
@bundle_argument
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--private", is_flag=True, help="Pack the witness too: it holds the input.")
@click.option("--no-proving-key", is_flag=True, help="Leave the proving key out.")
@click.option("--force", is_flag=True, help="Replace TARGET.")
@json_option
@command_errors
def pack_command(bundle: Path, target: Path | None, private: bool, no_proving_key: bool, force: bool, as_json: bool) -> None:
    """Write BUNDLE as one file (default NAME.zkml.tar). The witness stays out unless you say --private."""
    opened = Bundle.open(bundle)
    target = target or bundle.parent / (bundle.name + ".tar")
    names = pack(opened, target, private=private, keys=not no_proving_key, overwrite=force)
    emit({"file": str(target), "artifacts": names, "bytes": target.stat().st_size}, as_json=as_json, text=str(target))
    if private:
        say("the pack holds the witness, and with it the input")


@command.command("unpack")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path), help="The new bundle. Default: NAME.zkml beside SOURCE.")
@json_option
@command_errors
def unpack_command(source: Path, out: Path | None, as_json: bool) -> None:
    """Unpack SOURCE into a new bundle. Nothing is trusted that its manifest does not announce."""
    folder = out or default_folder(source.parent / source.name.removesuffix(".tar"))
    opened = unpack(source, folder)
    emit({"bundle": str(folder), "artifacts": sorted(opened.records)}, as_json=as_json, text=str(folder))
