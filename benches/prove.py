"""Both engines on compiled circuits, side by side in one run: keys, proof, memory, and the floor that arithmetic sets.

    python -m benches.prove BUNDLE… --input INPUT [--engine rust,ezkl] [--runs 1] [--threads N] [--floor] [--json]

A bundle is what `zkml compile` makes; it is copied, so that no run sees the keys of another. Every step is a command of its own
(`zkml setup`, `zkml witness`, `zkml prove`), so seconds are those of whole commands, by the clock and of the processors, and
memory is that of the largest of its processes. Every proof is verified by `zkml prove` before it counts, and once more by EZKL
here. On a
machine that others use too, compare the processors' seconds.

The floor is what the proof's sums and transforms cost with this machine's own arithmetic, measured in the same run
(`cargo run --release --example arithmetic`): one sum over small scalars for each advice column and multiplicity; one over
full-size scalars for each product, running sum, random polynomial, quotient piece and the two of the opening; and D transforms of
each column. Evaluating the constraints is not in it.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import ezkl

from zkml.bundle import Bundle
from zkml.files import sha256_file
from zkml.home import home
from zkml.keys.srs import find
from zkml.protocol import Protocol, decode
from zkml.settings import read_settings
from zkml.witness.engine import KIB

ENGINES = ("rust", "ezkl")
RUST = Path(__file__).parents[1] / "rust_ext"


@dataclass(frozen=True)
class Ran:
    """A finished command: what it printed, its seconds by the clock and of the processors, and the most memory of it or a process
    below it, in bytes."""

    value: dict[str, Any]
    seconds: float
    processor: float
    peak_rss: int


def run(*arguments: str) -> Ran:
    """Run `zkml ARGUMENTS --json`. Raises `ClickException` with what it said when it fails."""
    command = [sys.executable, "-m", "zkml.cli", *arguments, "--json"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise click.ClickException(f"zkml {' '.join(arguments)}: {err.read().decode()[-2000:]}")
        return Ran(json.loads(out.read()), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB)


def accepted_by_ezkl(bundle: Bundle, proof: Path, srs: Path) -> bool:
    settings, vk = bundle.path("settings"), bundle.path("vk")
    return bool(ezkl.verify(str(proof), str(settings), str(vk), str(srs), reduced_srs=False))


def measure(source: Path, sample: Path, engine: str, threads: int, runs: int, scratch: Path, out: Path) -> dict[str, Any]:
    """Return what setup and `runs` proofs of one engine cost on a copy of the bundle."""
    folder = Path(shutil.copytree(source, scratch / engine / source.name))
    setup = run("setup", str(folder), "--engine", engine, "--unsafe-srs")
    run("witness", str(folder), "--input", str(sample))
    samples = []
    peak = 0
    for _ in range(runs):
        proof = run("prove", str(folder), "--engine", engine, "--threads", str(threads), "--unsafe-srs")
        sample_row = {"command": proof.seconds, "processor": proof.processor, "prove": proof.value["seconds"]}
        samples.append(sample_row | {"stages": proof.value["stages"]})
        peak = max(peak, proof.peak_rss)
    bundle = Bundle.open(folder)
    settings = read_settings(bundle.path("settings"))
    srs = find(settings["run_args"]["logrows"]).path
    kept = out / f"{source.stem}.{engine}.proof.json"
    shutil.copyfile(bundle.path("proof"), kept)
    if not accepted_by_ezkl(bundle, kept, srs):
        raise click.ClickException(f"EZKL does not accept the proof that {engine} made of {source}")
    protocol = decode(bundle.path("protocol").read_bytes())
    return {
        "engine": engine,
        "model": source.stem,
        "settings_digest": sha256_file(bundle.path("settings")),
        "circuit_id": protocol.circuit_id,
        "k": protocol.k,
        "columns": columns(protocol),
        "threads": threads,
        "samples": samples,
        "seconds": statistics.median(s["command"] for s in samples),
        "processor_seconds": statistics.median(s["processor"] for s in samples),
        "setup_seconds": setup.seconds,
        "setup_processor_seconds": setup.processor,
        "setup_peak_rss": setup.peak_rss,
        "peak_rss": peak,
        "key_bytes": setup.value["pk_bytes"],
        "proof_path": str(kept),
    }


def columns(protocol: Protocol) -> dict[str, int]:
    products = -(-len(protocol.permutation.columns) // protocol.permutation.chunk)
    return {
        "advice": len(protocol.advice_phases),
        "fixed": len(protocol.fixed_commitments),
        "lookups": len(protocol.lookups),
        "permutation": len(protocol.permutation.columns),
        "products": products,
        "degree": protocol.degree,
    }


def unit_costs(k: int, threads: int) -> dict[str, float]:
    """Return the seconds of one sum over full-size scalars, over a witness's mix of small ones, and of one transform, of 2^k."""
    command = ["cargo", "run", "-q", "--release", "-p", "zkml-arithmetic", "--example", "arithmetic", "--"]
    done = subprocess.run([*command, str(k), str(k), "3", str(threads)], cwd=RUST, check=True, stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["what"]: row["ours"]["wall"] for row in rows}


def floor_seconds(of: dict[str, int], costs: dict[str, float]) -> float:
    """Return the seconds below which a proof with these columns cannot be on this arithmetic."""
    small = of["advice"] + of["lookups"]
    full = of["products"] + of["lookups"] + 1 + (of["degree"] - 1) + 2
    transformed = of["advice"] + of["fixed"] + of["permutation"] + of["products"] + 2 * of["lookups"]
    full_cost = next(costs[name] for name in costs if "full" in name)
    mixed_cost = next(costs[name] for name in costs if "mixed" in name)
    fft_cost = next(costs[name] for name in costs if "fft" in name.lower())
    return small * mixed_cost + full * full_cost + transformed * of["degree"] * fft_cost


def compared(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows of one model with EZKL's figures over ours."""
    by_engine = {row["engine"]: row for row in rows}
    ratios = {}
    if set(ENGINES) <= set(by_engine):
        for name in ("seconds", "processor_seconds", "setup_seconds", "setup_processor_seconds", "peak_rss", "key_bytes"):
            ratios[name] = by_engine["ezkl"][name] / by_engine["rust"][name]
    return {"model": rows[0]["model"], "engines": rows, "ezkl_over_rust": ratios}


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--input", "sample", required=True, type=click.Path(exists=True, path_type=Path), help="Samples that fit every bundle."
)
@click.option("--engine", "engines", default=",".join(ENGINES), show_default=True)
@click.option("--runs", type=click.IntRange(1), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=os.cpu_count() or 1)
@click.option("--floor", is_flag=True, help="Measure the floor too; needs cargo.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where proofs are kept. Default: beside the SRS.")
@click.option("--json", "as_json", is_flag=True)
def main(
    bundles: tuple[Path, ...],
    sample: Path,
    engines: str,
    runs: int,
    threads: int,
    floor: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    kept = out or home() / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    results = []
    for source in bundles:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            rows = [measure(source, sample, engine, threads, runs, folder, kept) for engine in engines.split(",")]
        for row in rows:
            row["floor_seconds"] = floor_seconds(row["columns"], unit_costs(row["k"], threads)) if floor else None
        results.append(compared(rows))
    if as_json:
        click.echo(json.dumps(results, indent=1))
        return
    for result in results:
        for row in result["engines"]:
            click.echo(
                f"{row['model']} {row['engine']}: k {row['k']}, setup {row['setup_seconds']:.1f} s, prove {row['seconds']:.1f} s,"
                f" {row['peak_rss'] / 1e6:.0f} MB, key {row['key_bytes'] / 1e6:.1f} MB"
            )
        click.echo(
            f"{result['model']}, EZKL over Rust: {json.dumps({k: round(v, 2) for k, v in result['ezkl_over_rust'].items()})}"
        )


if __name__ == "__main__":
    main()
