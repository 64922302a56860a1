"""A proof for a witness, counted as made only once it has been verified."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zkml.bundle import Bundle
from zkml.errors import InternalFault, WitnessError
from zkml.ezkl import Worker
from zkml.files import disk_errors, fsync_dir, read_json
from zkml.keys.setup import MAX_WITNESS_BYTES, check_srs, needs_witness
from zkml.keys.srs import Srs
from zkml.proof.engine import Job, choose_engine
from zkml.protocol import decode, read_proof
from zkml.settings import read_settings
from zkml.verdict import Verdict
from zkml.verifier import native
from zkml.verifier.policy import Policy
from zkml.witness.engine import committed
from zkml.witness.witness import check_tables

MATHEMATICS_ONLY = Policy(allow_unsafe_srs=True, allow_unaudited=True)
"""What was allowed at setup is not asked again when the prover checks its own work."""


@dataclass(frozen=True)
class Proved:
    """A verified proof: its file, what made it, and what that cost.

    `stages` are the seconds of each stage, and `arithmetic` the path that ran, where the engine tells; `reason` says why EZKL ran
    where Rust was to be preferred.
    """

    path: Path
    circuit_id: str
    verdict: Verdict
    engine: str
    device: str
    threads: int
    seconds: float
    peak_rss: int
    proof_bytes: int
    instances: int
    verify_seconds: float
    stages: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    arithmetic: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return self.__dict__ | {"path": str(self.path), "verdict": self.verdict.as_dict()}


def prove(
    bundle: Bundle,
    srs: Srs,
    worker: Worker,
    *,
    engine: str = "auto",
    device: str = "auto",
    out: Path | None = None,
) -> Proved:
    """Prove the witness in the bundle; write the proof into the bundle, or to `out`.

    The proof is verified before it is written. Raises `WitnessError` when the witness does not satisfy the circuit,
    `MismatchedArtifacts`, `EnvironmentFault` for a device that is not there, and what `Bundle.require` raises.
    """
    chosen = choose_engine(engine, device)
    bundle.require("settings", "circuit", "vk", "protocol", "witness")
    check_srs(bundle, srs)
    settings = read_settings(bundle.path("settings"))
    protocol = decode(bundle.path("protocol").read_bytes())
    with bundle.change() as change:
        bundle.require("witness")
        staged = change.path("proof")
        check_tables(read_json(bundle.path("witness"), what="witness", max_bytes=MAX_WITNESS_BYTES), settings)
        fixed = WitnessError(
            "this input or output is not the one that the keys were made for: it is fixed",
            hint="run `zkml setup` again to fix another one, or compile with it public",
            code="not-the-fixed-one",
        )
        try:
            ran = chosen.prove(Job(bundle, staged, srs, committed(settings)), worker)
        except WitnessError as e:
            raise (fixed if e.code == "unsatisfied" and needs_witness(settings) else e) from e
        data = staged.read_bytes()
        proof = read_proof(data)
        started = time.perf_counter()
        verdict = native.check(protocol, proof, MATHEMATICS_ONLY)
        verify_seconds = time.perf_counter() - started
        if not verdict.accepted and needs_witness(settings):
            raise fixed
        if not verdict.accepted:
            raise InternalFault(
                f"the proof that {ran.engine} made does not verify: {verdict.reason}",
                hint="nothing was written; please report this",
                code="bad-proof",
                details=verdict.as_dict(),
            )
        if out is None:
            change.record("proof", engine=ran.engine, device=ran.device, circuit_id=protocol.circuit_id)
        else:
            copy_out(staged, out)
    return Proved(
        path=out or bundle.path("proof"),
        circuit_id=protocol.circuit_id,
        verdict=verdict,
        engine=ran.engine,
        device=ran.device,
        threads=ran.threads,
        seconds=ran.result.seconds,
        peak_rss=ran.result.peak_rss,
        proof_bytes=len(proof.proof),
        instances=sum(map(len, proof.instances)),
        verify_seconds=verify_seconds,
        stages=ran.result.value if ran.engine == "rust" else {},
        reason=ran.reason,
        arithmetic=ran.arithmetic,
    )


def copy_out(staged: Path, out: Path) -> None:
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp", delete=False) as f:
            temporary = Path(f.name)
        try:
            shutil.copyfile(staged, temporary)
            temporary.chmod(0o644)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_dir(out.parent)
