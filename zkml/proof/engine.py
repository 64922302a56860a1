"""Which engine proves, on which device. What was asked for runs, or nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from zkml.errors import EnvironmentFault, UsageError
from zkml.ezkl import CallResult, Worker
from zkml.keys.srs import Srs

ENGINES = ("auto", "ezkl")
DEVICES = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class Job:
    """Files of one proof: circuit, witness and proving key are read, `proof` is written."""

    circuit: Path
    witness: Path
    pk: Path
    proof: Path
    srs: Srs
    committed: bool


class Engine(Interface):
    """Makes a proof from a job. `name` and `device` are what every result reports."""

    name: str
    device: str

    def prove(self, job: Job, worker: Worker) -> CallResult: ...


class EzklEngine:
    """EZKL's own prover, on the CPU."""

    name = "ezkl"
    device = "cpu"

    def prove(self, job: Job, worker: Worker) -> CallResult:
        result = worker.call(
            "prove", witness=job.witness, model=job.circuit, pk_path=job.pk, proof_path=job.proof, srs_path=job.srs.path
        )
        if job.committed:
            # The commitments that a verifier sees are those of the witness; the bytes of the proof are the same.
            worker.call("swap_proof_commitments", proof_path=job.proof, witness_path=job.witness)
        return result


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
    return EzklEngine()
