"""What jobs cost: proofs a second beside a bare `Prover` loop on the same cores, and how fast inputs are taken in.

    python -m benches.jobs throughput BUNDLE --input INPUTS --srs SRS [--count 60] [--workers 1] [--rounds 3] [--json]
    python -m benches.jobs submit BUNDLE --srs SRS [--count 1000000] [--format jsonl|npz] [--db URL] [--json]

`throughput` pins everything to as many cores as there are workers, a thread each. The bare loop opens a `Prover` once and makes
witness and proof of one input after the other; the job's workers do that and lease, verify again, store and record. Rates are
from the end of the first proof to that of the last, so that neither side's start is in them; rounds of the two take turns. On a
machine that others use too, compare the processors' seconds.

`submit` is the command whole, on inputs of the bundle's shape that are all different, with the most memory that it held.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import sqlalchemy as sa

from zkml._core import graph as core_graph
from zkml.bundle import Bundle
from zkml.jobs.database import Database
from zkml.jobs.tables import Attempt
from zkml.keys.srs import Srs
from zkml.model import load, load_samples, random_samples, to_ezkl_json
from zkml.proof import Prover
from zkml.witness.engine import KIB


def bare(bundle: Path, source: str, srs: Path, count: int, first: int) -> None:
    """Prove `count` samples one after the other; print when each ended and the processor's seconds from the first to the last."""
    opened = Bundle.open(bundle)
    key = "prover_key" if opened.has("prover_key") else "pk"
    model = load(opened.path("model"))
    samples = load_samples(source, model)
    prover = Prover(opened, Srs.open(srs), key=opened.path(key), threads=1)
    circuit = core_graph.decode(opened.path("circuit").read_bytes())
    ends, used = [], []
    for i in range(count):
        prover.prove(circuit.witness(to_ezkl_json(samples[(first + i) % len(samples)], model)))
        ends.append(time.time())
        used.append(time.process_time())
    print(json.dumps({"ends": ends, "processor": used[-1] - used[0]}))


def start(arguments: list[str], environment: dict[str, str], cores: list[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        env=os.environ | environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509  no threads run here
    )


def rate(ends: list[float]) -> float:
    return (len(ends) - 1) / (max(ends) - min(ends))


def bare_rate(bundle: Path, source: str, srs: Path, count: int, workers: int, cores: list[int]) -> tuple[float, float]:
    """Return proofs a second of `workers` bare loops side by side, and the processors' seconds of a proof."""
    each = count // workers
    arguments = ["-m", "benches.jobs", "bare", str(bundle), source, str(srs), str(each)]
    processes = [start([*arguments, str(i * each)], {"RAYON_NUM_THREADS": "1"}, cores) for i in range(workers)]
    answers = [json.loads(p.communicate()[0]) for p in processes]
    processor = sum(a["processor"] for a in answers) / (each - 1) / workers
    return rate([end for a in answers for end in a["ends"]]), processor


def job_rate(bundle: Path, source: Path, srs: Path, count: int, workers: int, cores: list[int]) -> tuple[float, float]:
    """Return proofs a second of a job with `workers` workers, and the processors' seconds of a proof, start and end with it."""
    with tempfile.TemporaryDirectory(prefix="zkml-bench-") as folder:
        db = Database(f"sqlite:///{folder}/jobs.db")
        environment = {"ZKML_JOBS_DB": db.url, "ZKML_JOBS_STORE": f"{folder}/store"}
        zkml = ["-m", "zkml.cli"]
        submit = [*zkml, "job", "submit", str(bundle), str(source), "--srs", str(srs), "--unsafe-srs", "--ram", "1GB"]
        job = start(submit, environment, cores).communicate()[0].decode().strip()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        worker = [*zkml, "worker", "--job", job, "--drain", "--threads", "1", "--max-ram", "2GB"]
        processes = [start(worker, environment, cores) for _ in range(workers)]
        for process in processes:
            process.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ends = db.read(lambda c: list(c.execute(sa.select(Attempt.at).where(Attempt.outcome == "done")).scalars()))
        db.close()
        assert len(ends) == count, f"{len(ends)} of {count} proved"
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return rate(ends), used / count


@click.group()
def cli() -> None:
    """Measure jobs."""


@cli.command("bare")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("source")
@click.argument("srs", type=click.Path(path_type=Path))
@click.argument("count", type=int)
@click.argument("first", type=int)
def bare_command(bundle: Path, source: str, srs: Path, count: int, first: int) -> None:
    """One bare loop, for `throughput`."""
    bare(bundle, source, srs, count, first)


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--input", "source", help="The inputs. Default: random ones.")
@click.option("--srs", type=click.Path(path_type=Path), required=True)
@click.option("--count", default=60, show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def throughput(bundle: Path, source: str | None, srs: Path, count: int, workers: int, rounds: int, as_json: bool) -> None:
    """Proofs a second beside a bare loop."""
    cores = sorted(os.sched_getaffinity(0))[:workers]
    model = load(Bundle.open(bundle).path("model"))
    samples = load_samples(source, model) if source else random_samples(model, count, 1)
    found: dict[str, list[tuple[float, float]]] = {"bare": [], "job": []}
    with tempfile.TemporaryDirectory(prefix="zkml-bench-") as folder:
        path = Path(folder) / "inputs.npz"
        some: dict[str, Any] = {name: array[:count] for name, array in samples.arrays.items()}
        np.savez(path, **some)
        for _ in range(rounds):
            found["bare"].append(bare_rate(bundle, str(path), srs, count, workers, cores))
            found["job"].append(job_rate(bundle, path, srs, count, workers, cores))
    rates = {side: statistics.median(r for r, _ in pairs) for side, pairs in found.items()}
    result: dict[str, Any] = {"count": count, "workers": workers, "rounds": found}
    result |= {f"{side}_per_second": value for side, value in rates.items()}
    result |= {f"{side}_processor_seconds": statistics.median(p for _, p in pairs) for side, pairs in found.items()}
    result["ratio"] = rates["job"] / rates["bare"]
    result["ratios"] = [j[0] / b[0] for b, j in zip(found["bare"], found["job"], strict=True)]
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(f"bare {rates['bare']:.3f} a second, job {rates['job']:.3f}: {100 * result['ratio']:.1f} %")
    for name in ("bare_processor_seconds", "job_processor_seconds"):
        print(f"{name} {result[name]:.4f} a proof")


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--srs", type=click.Path(path_type=Path), required=True)
@click.option("--count", default=1_000_000, show_default=True)
@click.option("--format", "kind", type=click.Choice(("jsonl", "npz")), default="jsonl", show_default=True)
@click.option("--db", "url", help="Default: SQLite.")
@click.option("--json", "as_json", is_flag=True)
def submit(bundle: Path, srs: Path, count: int, kind: str, url: str | None, as_json: bool) -> None:
    """Inputs taken in."""
    model = load(Bundle.open(bundle).path("model"))
    with tempfile.TemporaryDirectory(prefix="zkml-bench-") as folder:
        path = Path(folder) / f"inputs.{kind}"
        if kind == "npz":
            arrays: dict[str, Any] = dict(random_samples(model, count, 1).arrays)
            np.savez(path, **arrays)
        else:
            write_lines(path, model, count)
        environment = {"ZKML_JOBS_DB": url or f"sqlite:///{folder}/jobs.db", "ZKML_JOBS_STORE": f"{folder}/store"}
        command = [sys.executable, "-m", "zkml.cli", "job", "submit", str(bundle), str(path), "--srs", str(srs), "--unsafe-srs"]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        assert status == 0
        size = path.stat().st_size
    result = {"count": count, "format": kind, "bytes": size, "seconds": seconds, "processor": used.ru_utime + used.ru_stime}
    result["peak_rss"] = used.ru_maxrss * KIB
    print(json.dumps(result, indent=2) if as_json else result)


def write_lines(path: Path, model: Any, count: int, batch: int = 50_000) -> None:
    """Write `count` random samples as JSON lines."""
    with path.open("w") as f:
        for start_at in range(0, count, batch):
            arrays = random_samples(model, min(batch, count - start_at), start_at).arrays
            lists = {name: array.reshape(len(array), -1).round(6).tolist() for name, array in arrays.items()}
            for i in range(min(batch, count - start_at)):
                f.write(json.dumps({name: values[i] for name, values in lists.items()}) + "\n")


if __name__ == "__main__":
    cli()
