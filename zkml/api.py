"""The flow as functions: what `import zkml` offers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zkml.bundle import Bundle
from zkml.checking import check_bundle
from zkml.circuit.compile import compile_model as compile
from zkml.ezkl import Limits, ProgressCallback, Worker
from zkml.keys.setup import setup
from zkml.keys.srs import Srs, find
from zkml.model import load, make_samples
from zkml.proof import Proved
from zkml.proof import prove as prove_witness
from zkml.settings import read_settings
from zkml.verdict import Verdict
from zkml.verifier.policy import Policy
from zkml.witness import Witness
from zkml.witness import make_witness as witness_of_sample

__all__ = ["check", "compile", "make_witness", "prove", "setup", "verify"]


def opened(bundle: Bundle | Path | str) -> Bundle:
    return bundle if isinstance(bundle, Bundle) else Bundle.open(Path(bundle))


def sample_of(bundle: Bundle, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return one sample, given with or without a leading axis of one."""
    return make_samples(dict(inputs), load(bundle.path("model")))[0]


def find_srs(bundle: Bundle, srs: Srs | None) -> Srs:
    return srs or find(read_settings(bundle.path("settings"))["run_args"]["logrows"])


def make_witness(
    bundle: Bundle | Path | str,
    inputs: Mapping[str, np.ndarray],
    *,
    srs: Srs | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_progress: ProgressCallback | None = None,
) -> Witness:
    """Return the witness of one sample (arrays by input name), and put it into the bundle.

    Raises `SampleError`, `WitnessError`, `InfeasibleError`, and what `Bundle.require` raises.
    """
    bundle = opened(bundle)
    with Worker(limits=limits, on_progress=on_progress) as worker:
        return witness_of_sample(bundle, load(bundle.path("model")), sample_of(bundle, inputs), worker, srs=srs)


def prove(
    bundle: Bundle | Path | str,
    inputs: Mapping[str, np.ndarray] | None = None,
    *,
    srs: Srs | None = None,
    engine: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    out: Path | str | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_progress: ProgressCallback | None = None,
) -> Proved:
    """Prove an inference on `inputs`, or on the witness that the bundle holds; the proof is verified before it is written.

    Raises what `make_witness` raises, `MismatchedArtifacts` for keys or SRS of another circuit, `EnvironmentFault` for a device
    that is not there.
    """
    bundle = opened(bundle)
    bundle.require("settings", "circuit", "vk", "protocol")
    found = find_srs(bundle, srs)
    with Worker(limits=limits, threads=threads, on_progress=on_progress) as worker:
        if inputs is not None:
            witness_of_sample(bundle, load(bundle.path("model")), sample_of(bundle, inputs), worker, srs=found)
        return prove_witness(bundle, found, worker, engine=engine, device=device, out=Path(out) if out else None)


def check(
    bundle: Bundle | Path | str,
    proof: Path | str | None = None,
    *,
    policy: Policy | None = None,
    verifier: str = "rust",
) -> Verdict:
    """Return the verdict on a proof (by default the bundle's own), as data. Never raises for a bad proof."""
    return check_bundle(opened(bundle), Path(proof) if proof else None, policy=policy or Policy(), verifier=verifier)


def verify(
    bundle: Bundle | Path | str,
    proof: Path | str | None = None,
    *,
    policy: Policy | None = None,
    verifier: str = "rust",
) -> Verdict:
    """Return the accepting verdict on a proof. Raises `ProofRejected`, `MalformedArtifact` or `RefusedByPolicy`."""
    return check(bundle, proof, policy=policy, verifier=verifier).raise_for_outcome()
