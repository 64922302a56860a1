"""`zkml contract compile`: Solidity files to bytecode, by the pinned compiler."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from zkml.cli.output import command_errors, emit, json_option
from zkml.contract.compiler import MAX_SOURCE_BYTES, compile_sources
from zkml.contract.evm import CODE_LIMIT
from zkml.errors import MalformedArtifact, UsageError
from zkml.files import disk_errors, read_bounded, write_json

MAX_FILES = 64
ARTIFACTS = "artifacts"


def sources_in(folder: Path) -> dict[str, str]:
    """Return the Solidity files of a folder, or of its src/, by name. Raises `UsageError` when there are none or too many."""
    within = folder / "src" if (folder / "src").is_dir() else folder
    paths = sorted(within.glob("*.sol"))
    if not 1 <= len(paths) <= MAX_FILES:
        raise UsageError(
            f"{within} holds {len(paths)} Solidity files", hint="`zkml contract generate` writes such a folder", code="no-sources"
        )
    sources = {}
    for path in paths:
        data = read_bounded(path, what="source", max_bytes=MAX_SOURCE_BYTES)
        try:
            sources[path.name] = data.decode()
        except UnicodeDecodeError as e:
            raise MalformedArtifact(f"source {path} is not UTF-8: {e}", code="source") from e
    return sources


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
@command_errors
def command(folder: Path, as_json: bool) -> None:
    """Compile the Solidity files of FOLDER and write FOLDER/artifacts/NAME.json: ABI and bytecode.

    A source that does not compile exits 3 with the compiler's message; a missing or wrong compiler exits 5.
    """
    contracts = [c for c in compile_sources(sources_in(folder)).values() if c.runtime]
    out = folder / ARTIFACTS
    with disk_errors(out):
        out.mkdir(exist_ok=True)
    for c in contracts:
        write_json(out / f"{c.name}.json", c.as_dict())

    def draw(console: Console) -> None:
        table = Table("contract", "bytes", "artefact", box=None, pad_edge=False)
        for c in contracts:
            over = f" > {CODE_LIMIT:,}" if len(c.runtime) > CODE_LIMIT else ""
            table.add_row(c.name, f"{len(c.runtime):,}{over}", str(out / f"{c.name}.json"))
        console.print(table)

    value = {
        "compiler": contracts[0].compiler if contracts else None,
        "contracts": {
            c.name: {
                "file": c.file,
                "bytes": len(c.runtime),
                "fits": len(c.runtime) <= CODE_LIMIT,
                "artifact": str(out / f"{c.name}.json"),
            }
            for c in contracts
        },
    }
    emit(value, as_json=as_json, text=draw)
