"""Does the Rust engine lay circuits out as EZKL does? Its verification key beside EZKL's, byte for byte, on many models.

    python -m benches.layouts MODELS … --keep DIR [--only NAME …] [--settings DIR] [--out docs/layouts.md]

MODELS are folders as `benches.conformance` takes them. A model without `DIR/MODELS/NAME/vk.key` is compiled, keyed by EZKL and
given a witness, and what a comparison needs is kept there; how far it came stands in `failure.txt` otherwise. `--settings` names
a folder with `NAME/settings.json` whose run arguments are used instead of a search. Then every kept circuit is keyed by the Rust
engine and compared, and its witness is held against every constraint of its Protocol.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benches.conformance import ROOT, UNSOUND_BY_EZKL, files
from zkml._core import graph, keys
from zkml._core.check import check_witness
from zkml.circuit.compile import compile_model
from zkml.cli.options import Bytes, Duration
from zkml.cli.srs_choice import choose_srs
from zkml.errors import ZkmlError
from zkml.estimate import Budget
from zkml.ezkl import Limits, Worker
from zkml.keys.setup import setup
from zkml.keys.srs import trim
from zkml.model import load, load_labels, load_samples, normalise
from zkml.settings import RunArgs
from zkml.settings.recipe import read_recipe
from zkml.witness import make_witness

KEPT = {"circuit": "c.ezkl", "settings": "settings.json", "protocol": "protocol.json", "witness": "witness.json", "vk": "vk.key"}
COMPRESSED = 2
"""The byte of `vk.key` that says whether selectors share columns."""


@dataclass(frozen=True)
class Row:
    """One model: `outcome` is *equal*, *different*, *refused* (by the Rust engine) or *not keyed* (by EZKL, in the budget)."""

    name: str
    outcome: str
    k: int | None = None
    columns: int | None = None
    cells: int | None = None
    operators: int | None = None
    reason: str = ""
    broken: int | None = None
    seconds: float | None = None


def run_args(folder: Path, settings: Path | None) -> RunArgs | None:
    """Return the run arguments that somebody chose for this model before, if any."""
    recipe = ROOT / "circuits" / folder.name / "recipe.json"
    if (folder / "model.onnx").is_file() and recipe.is_file():
        return read_recipe(recipe)
    if settings is not None and (settings / folder.name / "settings.json").is_file():
        return RunArgs.from_settings(json.loads((settings / folder.name / "settings.json").read_bytes()))
    return None


def keep(folder: Path, kept: Path, settings: Path | None, budget: Budget) -> None:
    """Compile one model, key it with EZKL, make a witness, and keep what a comparison needs."""
    source, data = files(folder)
    with TemporaryDirectory(prefix="zkml-layouts-") as work:
        samples = load_samples(data, normalise(load(source)))
        chosen = run_args(folder, settings)
        compiled = compile_model(
            source,
            samples=None if chosen else samples,
            labels=None if chosen else load_labels(data),
            run_args=chosen,
            budget=budget,
            allow_findings=frozenset(UNSOUND_BY_EZKL),
            compare=False,
            out=Path(work) / f"{folder.name}.zkml",
        )
        srs = choose_srs(compiled.run_args.logrows, None, allow_unsafe=True)
        setup(compiled.bundle, srs, allow_unsafe_srs=True, budget=budget)
        with Worker(limits=Limits(budget.max_ram, budget.max_seconds)) as worker:
            make_witness(compiled.bundle, compiled.model, samples[0], worker, srs=srs)
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "failure.txt").unlink(missing_ok=True)
        for role, name in KEPT.items():  # the key last: it marks the folder as whole
            shutil.copyfile(compiled.bundle.path(role), kept / name)


def count(protocol: dict[str, Any]) -> int:
    """Return the columns of a circuit: advice and fixed."""
    return len(protocol["advice_phases"]) + int(protocol["num_fixed"])


def exact(k: int, work: Path) -> Path:
    """Return an SRS of 2^k points, trimmed into `work` where there is a larger one only."""
    srs = choose_srs(k, None, allow_unsafe=True)
    return srs.path if srs.k == k else trim(srs.path, work / f"k{k}.srs", k).path


def compare(name: str, kept: Path) -> Row:
    """Return how the Rust engine's key of a kept circuit compares with EZKL's, and how many constraints its witness breaks."""
    settings = json.loads((kept / "settings.json").read_bytes())
    protocol = (kept / "protocol.json").read_bytes()
    circuit = graph.decode((kept / "c.ezkl").read_bytes())
    theirs = (kept / "vk.key").read_bytes()
    k = settings["run_args"]["logrows"]
    facts = {
        "k": k,
        "columns": count(json.loads(protocol)),
        "cells": settings["total_assignments"],
        "operators": len(json.loads(circuit.to_json())["core"]["model"]["graph"]["nodes"]),
    }
    compressed = theirs[COMPRESSED] == 1
    began = time.perf_counter()
    try:
        with TemporaryDirectory(prefix="zkml-layouts-") as work:
            srs = exact(k, Path(work))
            ours = keys.make_verification_key(circuit, srs, compressed)
        spent = time.perf_counter() - began
        if ours != theirs:
            return Row(name, "different", **facts, seconds=spent)
        broken, _ = check_witness(circuit, (kept / "witness.json").read_bytes(), protocol, compressed)
    except ZkmlError as e:
        return Row(name, "refused", **facts, reason=e.message)
    return Row(name, "equal", **facts, broken=broken, seconds=spent)


def line(row: Row) -> str:
    cells = (row.name, row.outcome, row.k, row.columns, row.cells, row.broken, row.reason.replace("|", "/")[:200])
    return "| " + " | ".join("" if c is None else f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"


def page(rows: Sequence[Row]) -> str:
    """Return the table."""
    tally = {name: sum(row.outcome == name for row in rows) for name in ("equal", "different", "refused", "not keyed")}
    head = f"""# Layouts

Of {len(rows)} models, the Rust engine gives {tally["equal"]} the verification key that EZKL gives them, byte for byte, and
{tally["different"]} of them another one. It refuses {tally["refused"]} by the node that it cannot lay out. EZKL made no key for
{tally["not keyed"]} within the budget. *broken*: constraints of the circuit that the witness of a sample does not satisfy, as
the constraint checker finds them.

Written by `python -m benches.layouts`.

| model | key | k | columns | cells | broken | why |
|---|---|---|---|---|---|---|
"""
    return head + "\n".join(line(row) for row in rows) + "\n"


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--keep", "kept", required=True, type=click.Path(path_type=Path), help="Keep circuits and EZKL's keys here.")
@click.option("--only", multiple=True, help="These models only.")
@click.option("--settings", type=click.Path(path_type=Path), help="Run arguments chosen before.")
@click.option("--again", is_flag=True, help="Try models once more that failed before.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table (Markdown) here.")
@click.option("--max-ram", type=Bytes(), default="8GB", show_default=True)
@click.option("--max-time", type=Duration(), default="5m", show_default=True)
def main(
    models: tuple[Path, ...],
    kept: Path,
    only: tuple[str, ...],
    settings: Path | None,
    again: bool,
    out: Path | None,
    max_ram: int,
    max_time: float,
) -> None:
    """Compare the keys of MODELS."""
    budget = Budget(max_ram=max_ram, max_seconds=max_time)
    rows = []
    for group in models:
        for folder in sorted(p for p in group.iterdir() if p.is_dir() and any(p.glob("*.onnx"))):
            place = kept / group.name / folder.name
            failure = place / "failure.txt"
            if only and folder.name not in only:
                continue
            if not (place / "vk.key").is_file() and (again or not failure.is_file()):
                try:
                    keep(folder, place, settings, budget)
                except ZkmlError as e:
                    place.mkdir(parents=True, exist_ok=True)
                    failure.write_text(e.message)
            name = f"{group.name}/{folder.name}"
            keyed = (place / "vk.key").is_file()
            row = compare(name, place) if keyed else Row(name, "not keyed", reason=failure.read_text())
            rows.append(row)
            sys.stderr.write(f"{line(row)} {row.seconds or 0:.1f} s\n")
    if out is not None:
        out.write_text(page(rows))


if __name__ == "__main__":
    main()
