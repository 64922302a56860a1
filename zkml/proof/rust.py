"""The Rust prover: opened once for a circuit, used for any number of proofs that EZKL's verifier and contracts accept."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from zkml._core import graph as core_graph
from zkml._core import prover as core
from zkml.bundle import Bundle
from zkml.errors import WitnessError
from zkml.ezkl import CallResult, Progress, Worker
from zkml.files import disk_errors, read_bounded
from zkml.keys.setup import MAX_WITNESS_BYTES
from zkml.keys.srs import Srs
from zkml.witness.constraints import MAX_PROTOCOL_BYTES, UNSATISFIED, compressed, first_failure
from zkml.witness.engine import KIB, MAX_CIRCUIT_BYTES

WORD = 32

Tell = Callable[[str, int, int], object]
"""Called with stage, steps done, steps in all; what it raises stops the proof."""


@dataclass(frozen=True)
class RustProof:
    """What a proof ran on, and what it cost."""

    device: str
    threads: int
    arithmetic: str
    result: CallResult


class Prover:
    """Protocol, key, SRS and compiled circuit of a bundle, opened once. Any number of threads may use it."""

    def __init__(self, bundle: Bundle, srs: Srs, *, key: Path | None = None, threads: int | None = None) -> None:
        """Open the prover of a bundle; `key` is its own key, or EZKL's `pk.key`.

        Raises `MismatchedArtifacts` for a key of another circuit or an SRS of another ceremony, `MalformedArtifact` for a damaged
        key, `SrsError`, and what `Bundle.require` raises.
        """
        bundle.require("circuit", "protocol", *(("prover_key",) if key is None else ()))
        self._protocol = read_bounded(bundle.path("protocol"), what="protocol", max_bytes=MAX_PROTOCOL_BYTES)
        circuit = read_bounded(bundle.path("circuit"), what="circuit", max_bytes=MAX_CIRCUIT_BYTES)
        self._circuit = core_graph.decode(circuit)
        self._compressed = compressed(bundle)
        self._prover = core.Prover(self._protocol, key or bundle.path("prover_key"), srs.path, threads)

    @property
    def device(self) -> str:
        return self._prover.device

    @property
    def arithmetic(self) -> str:
        """The path of the arithmetic: `scalar`, `avx2` or `avx512`; `$ZKML_ARITHMETIC` forces one."""
        return self._prover.arithmetic

    @property
    def threads(self) -> int:
        return self._prover.threads

    def prove(self, witness: bytes, on_progress: Tell | None = None) -> tuple[bytes, dict[str, float]]:
        """Return the text of a `proof.json` for a witness (that of `witness.json`), verified, and the seconds of each stage.

        Raises `WitnessError`, naming constraint, row and the circuit's node, when the witness does not satisfy the circuit;
        `CircuitError` (`engine-unsupported`) for a circuit that this engine does not lay out.
        """
        try:
            proof, columns, seconds = self._prover.prove(self._circuit, witness, on_progress)
        except WitnessError as e:
            if e.code != UNSATISFIED:
                raise
            raise first_failure(self._circuit, witness, self._protocol, self._compressed) or e from e
        return proof_json(self._circuit, proof, columns), seconds


def proof_json(circuit: core_graph.CompiledCircuit, proof: bytes, columns: list[bytes]) -> bytes:
    """Return EZKL's `proof.json` of these bytes and instance columns (words of 32 bytes, big-endian)."""
    instances = [[column[i : i + WORD][::-1].hex() for i in range(0, len(column), WORD)] for column in columns]
    value = {
        "protocol": None,
        "instances": instances,
        "proof": list(proof),
        "hex_proof": "0x" + proof.hex(),
        "split": None,
        "pretty_public_inputs": json.loads(circuit.public_values(b"".join(columns))),
        "timestamp": int(time.time() * 1000),
        "version": core_graph.EZKL_VERSION,
    }
    return json.dumps(value, separators=(",", ":")).encode()


def peak_rss() -> int:
    """Return the most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def prove_rust(bundle: Bundle, key: Path, proof: Path, srs: Srs, worker: Worker) -> RustProof:
    """Prove the witness of a bundle and write the file `proof`. The limits and the progress of `worker` are kept to here too.

    Raises what `Prover` raises, and `InfeasibleError` when a limit is hit.
    """
    started = time.perf_counter()
    process = psutil.Process()

    def tell(stage: str, done: int, total: int) -> None:
        elapsed, rss = time.perf_counter() - started, process.memory_info().rss
        worker.enforce("prove", elapsed, rss)
        if worker.on_progress is not None:
            worker.on_progress(Progress(f"prove: {stage}, {100 * done // max(total, 1)} %", elapsed, rss))

    prover = Prover(bundle, srs, key=key, threads=worker.asked_threads)
    witness = read_bounded(bundle.path("witness"), what="witness", max_bytes=MAX_WITNESS_BYTES)
    text, seconds = prover.prove(witness, tell)
    with disk_errors(proof):
        proof.write_bytes(text)
    return RustProof(
        prover.device, prover.threads, prover.arithmetic, CallResult(seconds, time.perf_counter() - started, peak_rss(), "")
    )
