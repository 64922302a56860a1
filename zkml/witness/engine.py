"""What makes a witness: the Rust executor, or EZKL. What was asked for runs, or nothing does."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zkml._core import graph as core
from zkml.bundle import Bundle
from zkml.errors import CircuitError, SrsError, UsageError, WitnessError, ZkmlError
from zkml.ezkl import Worker
from zkml.ezkl.locate import locate
from zkml.files import PRIVATE_MODE, disk_errors, read_bounded
from zkml.keys.setup import check_srs, require_size
from zkml.keys.srs import Srs
from zkml.settings import RunArgs

ENGINES = ("auto", "rust", "ezkl")
UNSUPPORTED = "engine-unsupported"
MAX_CIRCUIT_BYTES = 1 << 34
KIB = 1 if sys.platform == "darwin" else 1024
"""The unit of `ru_maxrss`."""


@dataclass(frozen=True)
class Job:
    """One witness to make: `data`, which is also in the file `source`, runs through the bundle's circuit into `target`.

    `srs` is what committed tensors are committed with.
    """

    bundle: Bundle
    settings: Mapping[str, Any]
    source: Path
    data: bytes
    target: Path
    srs: Srs | None


@dataclass(frozen=True)
class Ran:
    """What an engine's run cost; `reason` is why EZKL ran where Rust was to be preferred."""

    engine: str
    seconds: float
    peak_rss: int
    reason: str | None = None


def committed(settings: Mapping[str, Any]) -> bool:
    """Whether some tensor is committed by KZG, for which a witness needs an SRS."""
    run_args = settings["run_args"]
    return "KZGCommit" in (run_args["input_visibility"], run_args["output_visibility"], run_args["param_visibility"])


def check_engine(engine: str) -> None:
    """Raise `UsageError` unless `engine` is one of `ENGINES`."""
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r} makes witnesses", hint="engines: " + ", ".join(ENGINES), code="engine")


@contextlib.contextmanager
def private_input(target: Path, data: bytes) -> Iterator[Path]:
    """Write `input.json` and an empty witness beside each other, private from the first byte; the input goes at the end."""
    source = target.with_name("input.json")
    with disk_errors(source):
        fd = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_MODE)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        target.touch(mode=PRIVATE_MODE)  # engines write into it
    try:
        yield source
    finally:
        source.unlink(missing_ok=True)


def commitment_srs(job: Job) -> Srs | None:
    """Return the SRS that tensors are committed with, None where none is.

    Raises `SrsError` when there is none or it is too small, `MismatchedArtifacts` when the keys stand on another.
    """
    if not committed(job.settings):
        return None
    if job.srs is None:
        raise SrsError(
            "a committed tensor takes the SRS to make a witness",
            hint="give the SRS of `zkml setup` with --srs",
            code="srs-absent",
        )
    require_size(job.srs, job.settings["run_args"]["logrows"])
    if job.bundle.has("vk"):
        check_srs(job.bundle, job.srs)
    return job.srs


def run_rust(job: Job) -> Ran:
    """Make the witness with the Rust executor. Raises `CircuitError`, code `engine-unsupported`, where it cannot."""
    started = time.perf_counter()
    srs = commitment_srs(job)
    circuit = core.decode(read_bounded(job.bundle.path("circuit"), what="circuit", max_bytes=MAX_CIRCUIT_BYTES))
    text = circuit.witness(job.data, srs.path if srs is not None else None)
    with disk_errors(job.target):
        job.target.write_bytes(text)
    seconds = time.perf_counter() - started
    return Ran("rust", seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB)


def run_ezkl(job: Job, worker: Worker) -> Ran:
    """Make the witness with EZKL's `gen_witness`."""
    keys: dict[str, Any] = {}
    srs = commitment_srs(job)
    if srs is not None:
        if not job.bundle.has("vk"):
            raise WitnessError(
                "a committed tensor takes the key to make a witness with EZKL",
                hint="run `zkml setup` first, or use --engine rust",
                code="witness-needs-keys",
            )
        keys = {"vk_path": job.bundle.path("vk"), "srs_path": srs.path}
    circuit = job.bundle.path("circuit")
    result = worker.call("gen_witness", stage="witness", data=job.source, model=circuit, output=job.target, **keys)
    return Ran("ezkl", result.seconds, result.peak_rss)


def run_engine(engine: str, job: Job, worker: Worker) -> Ran:
    """Make the witness with the engine asked for; `auto` is Rust, and EZKL for the circuits that Rust cannot run.

    An error of either names the model's node where one can be found.
    """
    reason = None
    try:
        if engine != "ezkl":
            try:
                return run_rust(job)
            except CircuitError as e:
                if engine == "rust" or e.code != UNSUPPORTED:
                    raise
                reason = e.message
        ran = run_ezkl(job, worker)
        return Ran(ran.engine, ran.seconds, ran.peak_rss, reason)
    except ZkmlError as e:
        if not job.bundle.has("model"):
            raise
        run_args = RunArgs.from_settings(dict(job.settings))
        raise locate(worker, job.bundle.path("model"), run_args, e, job.source) from e
