"""Which engine proves, on which device. What was asked for runs, or nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from zkml.bundle import Bundle
from zkml.errors import CircuitError, EnvironmentFault, UsageError
from zkml.ezkl import CallResult, Worker
from zkml.keys.srs import Srs
from zkml.proof.rust import prove_rust

ENGINES = ("auto", "rust", "ezkl")
DEVICES = ("auto", "cpu", "gpu")
UNSUPPORTED = "engine-unsupported"


@dataclass(frozen=True)
class Job:
    """One proof: the files of `bundle` are read, `proof` is written. `committed`: some tensor is committed by KZG."""

    bundle: Bundle
    proof: Path
    srs: Srs
    committed: bool


@dataclass(frozen=True)
class Ran:
    """What ran, on what, and what it cost; `reason` is why EZKL ran where Rust was to be preferred, `arithmetic` the path of
    Rust's."""

    engine: str
    device: str
    threads: int
    result: CallResult
    reason: str | None = None
    arithmetic: str | None = None


class Engine(Interface):
    """Makes a proof from a job."""

    def prove(self, job: Job, worker: Worker) -> Ran: ...


class EzklEngine:
    """EZKL's own prover, on the CPU."""

    def prove(self, job: Job, worker: Worker) -> Ran:
        bundle = job.bundle
        require_ezkl_key(bundle)
        result = worker.call(
            "prove",
            witness=bundle.path("witness"),
            model=bundle.path("circuit"),
            pk_path=bundle.path("pk"),
            proof_path=job.proof,
            srs_path=job.srs.path,
        )
        if job.committed:
            # The commitments that a verifier sees are those of the witness; the bytes of the proof are the same.
            worker.call("swap_proof_commitments", proof_path=job.proof, witness_path=bundle.path("witness"))
        return Ran("ezkl", "cpu", worker.threads, result)


class RustEngine:
    """Our own prover, on the CPU: with its own key, or with EZKL's where the bundle has no other."""

    def prove(self, job: Job, worker: Worker) -> Ran:
        key = "pk" if job.bundle.has("pk") and not job.bundle.has("prover_key") else "prover_key"
        job.bundle.require(key)
        proved = prove_rust(job.bundle, job.bundle.path(key), job.proof, job.srs, worker)
        return Ran("rust", proved.device, proved.threads, proved.result, arithmetic=proved.arithmetic)


class AutoEngine:
    """Rust, and EZKL for the circuits that Rust cannot lay out."""

    def prove(self, job: Job, worker: Worker) -> Ran:
        try:
            return RustEngine().prove(job, worker)
        except CircuitError as e:
            if e.code != UNSUPPORTED:
                raise
            reason = e.message
        ran = EzklEngine().prove(job, worker)
        return Ran(ran.engine, ran.device, ran.threads, ran.result, reason)


def require_ezkl_key(bundle: Bundle) -> None:
    """Raise `EnvironmentFault` when the bundle has no key that EZKL can prove with."""
    if not bundle.has("pk") and bundle.has("prover_key"):
        raise EnvironmentFault(
            f"bundle {bundle.folder} has a key for the Rust engine only, which cannot prove this",
            hint=f"run `zkml setup {bundle.folder} --engine ezkl` for a key that EZKL reads",
            code="not-made-yet",
        )
    bundle.require("pk")


BY_NAME: dict[str, type[Engine]] = {"auto": AutoEngine, "rust": RustEngine, "ezkl": EzklEngine}


def choose_engine(engine: str, device: str) -> Engine:
    """Return the engine for what was asked.

    Raises `EnvironmentFault` when a GPU is asked for and no engine of this installation has one: never a silent fallback.
    """
    if engine not in ENGINES or device not in DEVICES:
        raise UsageError(f"no engine {engine!r} on device {device!r}", hint="engines: " + ", ".join(ENGINES), code="engine")
    if device == "gpu":
        raise EnvironmentFault(
            "this installation has no GPU engine", hint="run with --device cpu, or leave --device out", code="no-gpu"
        )
    return BY_NAME[engine]()
