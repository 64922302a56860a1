"""The flow as functions: what `import zkml` offers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from zkml.bundle import Bundle, default_folder
from zkml.checking import check_bundle
from zkml.circuit.compile import Compilation, compile_model
from zkml.ezkl import Limits, ProgressCallback, Worker
from zkml.keys.setup import setup
from zkml.keys.srs import Srs, find
from zkml.model import load, make_samples
from zkml.model.source import Exported, export, onnx_file
from zkml.proof import Proved
from zkml.proof import prove as prove_witness
from zkml.settings import read_settings
from zkml.verdict import Verdict
from zkml.verifier.policy import Policy
from zkml.witness import Witness
from zkml.witness import make_witness as witness_of_sample
from zkml.witness.engine import committed

__all__ = ["check", "compile", "make_witness", "prove", "setup", "verify"]


def compile(
    model: Any,
    samples: Any = None,
    *,
    opset: int | None = None,
    exporter: str = "auto",
    out: Path | str | None = None,
    **options: Any,
) -> Compilation:
    """Compile a model into the bundle `out`: an ONNX file, or a model in memory through its own library's exporter.

    `model` is a path (ONNX, or xgboost's `.json` or `.ubj`), an `onnx.ModelProto`, a torch module, a fitted scikit-learn
    estimator or pipeline, or an xgboost booster or wrapper. `samples` are arrays by input name for a file or an
    `onnx.ModelProto`, and for a model in memory what it is called with, samples along the first axis. `options` are those of
    `zkml.circuit.compile.compile_model`: `labels`, `metric`, `tolerance`, `visibility`, `budget`, `run_args`, …; `opset` and
    `exporter` (torch's `dynamo` or `torchscript`) go to the exporter. By default the bundle is `NAME.zkml` beside the file, or
    in the working folder under the name of the model's class.

    Raises what `compile_model` raises, `EnvironmentFault` when the extra for the model's library is not installed, and
    `ModelError` when the exporter fails or makes another function than the model.
    """
    if isinstance(model, str | os.PathLike):
        with onnx_file(Path(model)) as (file, notes):
            say_all(notes, options)
            folder = Path(out) if out is not None else default_folder(Path(model))
            return compile_model(file, samples=samples, out=folder, **options)
    if isinstance(model, onnx.ModelProto):
        exported = Exported(model, {}, model.graph.name or "model")
    else:
        exported = export(model, samples, opset=opset, exporter=exporter)
        samples = exported.arrays
    say_all(exported.notes, options)
    with tempfile.TemporaryDirectory(prefix="zkml-export-") as temporary:
        onnx_path = Path(temporary) / "model.onnx"
        onnx_path.write_bytes(exported.proto.SerializeToString(deterministic=True))
        folder = Path(out) if out is not None else Path(f"{Path(exported.name).name}.zkml")
        return compile_model(onnx_path, samples=samples, out=folder, **options)


def say_all(notes: Iterable[str], options: Mapping[str, Any]) -> None:
    """Report remarks on an export to whom the caller wants it told."""
    report: Callable[[str], None] = options.get("report") or (lambda _: None)
    for note in notes:
        report(note)


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
    engine: str = "auto",
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_progress: ProgressCallback | None = None,
) -> Witness:
    """Return the witness of one sample (arrays by input name), and put it into the bundle.

    `engine` is `rust`, `ezkl`, or `auto`: Rust where it can. `srs` matters where a tensor is committed, and is found where
    none is given. Raises `SampleError`, `WitnessError`, `SrsError`, `CircuitError` for an engine that cannot run this circuit,
    `InfeasibleError`, and what `Bundle.require` raises.
    """
    bundle = opened(bundle)
    bundle.require("settings")
    if committed(read_settings(bundle.path("settings"))):
        srs = find_srs(bundle, srs)
    with Worker(limits=limits, on_progress=on_progress) as worker:
        return witness_of_sample(bundle, load(bundle.path("model")), sample_of(bundle, inputs), worker, srs=srs, engine=engine)


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
