"""The Rust executor beside EZKL's witness generation, on compiled circuits.

    python -m benches.witness FOLDER… [--runs 3] [--json]

A folder holds `c.ezkl` and `input.json`. Each engine reads both files, computes, and writes the witness; the files are compared.
EZKL runs in a worker that is already up.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from zkml._core import graph as core
from zkml.ezkl import Worker


def rust(circuit: Path, source: Path, target: Path) -> float:
    started = time.perf_counter()
    target.write_bytes(core.decode(circuit.read_bytes()).witness(source.read_bytes()))
    return time.perf_counter() - started


def row(folder: Path, runs: int, worker: Worker, scratch: Path) -> dict[str, Any]:
    """Return the seconds of each run of both engines, and whether they wrote the same bytes."""
    circuit, source = folder / "c.ezkl", folder / "input.json"
    ours, theirs = scratch / "rust.json", scratch / "ezkl.json"
    seconds: dict[str, list[float]] = {"rust": [], "ezkl": []}
    for _ in range(runs):
        seconds["rust"].append(rust(circuit, source, ours))
        seconds["ezkl"].append(worker.call("gen_witness", data=source, model=circuit, output=theirs).seconds)
    ratio = min(seconds["ezkl"]) / min(seconds["rust"])
    return {"circuit": folder.name, "samples": seconds, "ratio": ratio, "equal": ours.read_bytes() == theirs.read_bytes()}


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(folders: tuple[Path, ...], runs: int, as_json: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch, Worker() as worker:
        rows = [row(folder, runs, worker, Path(scratch)) for folder in folders]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for r in rows:
        best = {engine: min(samples) for engine, samples in r["samples"].items()}
        equal = "equal" if r["equal"] else "DIFFERENT"
        click.echo(f"{r['circuit']:28} rust {best['rust']:8.4f} s   ezkl {best['ezkl']:8.4f} s   {r['ratio']:6.1f}×   {equal}")


if __name__ == "__main__":
    main()
