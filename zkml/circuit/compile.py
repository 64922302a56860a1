"""From a model and its run arguments to a compiled circuit, audited and within budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zkml.bundle import Bundle, Transaction, default_folder
from zkml.bundle.journal import JOURNAL
from zkml.bundle.lock import LOCK
from zkml.bundle.manifest import MANIFEST
from zkml.circuit.audit import AuditReport, audit_files, slack_of
from zkml.circuit.drift import check_drift
from zkml.circuit.fit import check_fits
from zkml.circuit.graph import Graph
from zkml.circuit.visibility import check_visibilities
from zkml.errors import CircuitError, RefusedByPolicy, UsageError, ZkmlError
from zkml.estimate import Budget, Estimate, enforce, estimate
from zkml.ezkl import Limits, ProgressCallback, Worker
from zkml.ezkl.locate import locate
from zkml.model import Model, Samples, check_rewritten, load, make_samples, normalise
from zkml.model.operators import refuse
from zkml.model.probe import confirmed_support
from zkml.model.quantisation import quantisation_scales
from zkml.settings import RunArgs, read_settings, sorted_settings, write_settings
from zkml.settings.calibrate import Calibration, calibrate

DOWNSTREAM = ("vk", "pk", "protocol", "prover_key", "witness", "proof")
"""What a new circuit makes worthless."""


@dataclass(frozen=True)
class Compilation:
    """A compiled bundle, what was chosen for it, what it will cost, and what its audit found."""

    bundle: Bundle
    model: Model
    run_args: RunArgs
    settings: Mapping[str, Any] = field(repr=False)
    estimate: Estimate
    audit: AuditReport
    calibration: Calibration | None
    seconds: float
    peak_rss: int


def lay_out(worker: Worker, model: Path, run_args: RunArgs, settings: Path) -> dict[str, Any]:
    """Have EZKL lay the model out; write and return its settings, with everything that it orders at random sorted."""
    try:
        worker.call("gen_settings", stage="lay out", model=model, output=settings, py_run_args=run_args.as_ezkl())
    except ZkmlError as e:
        raise locate(worker, model, run_args, e) from e
    result = sorted_settings(read_settings(settings))
    write_settings(settings, result)
    return result


@contextmanager
def no_empty_folder(folder: Path) -> Iterator[None]:
    """Remove the folders that the block made on the way to a bundle when it fails before the bundle is written."""
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        yield
    except BaseException:
        if made and not any((folder / name).exists() for name in (MANIFEST, JOURNAL)):
            (folder / LOCK).unlink(missing_ok=True)
            for p in made:
                with suppress(OSError):  # gone already, or somebody else put something there meanwhile
                    p.rmdir()
        raise


def check_audit(report: AuditReport, allowed: frozenset[str]) -> None:
    """Raise `RefusedByPolicy` for findings that make a false statement provable, unless the caller allows their codes."""
    refused = [f for f in report.refused if f.code not in allowed]
    if refused:
        raise RefusedByPolicy(
            "the circuit is not sound: " + "; ".join(f"{f.code}: {f.forger}" for f in refused),
            hint="; ".join(dict.fromkeys(f.remedy for f in refused)),
            code="unsound-circuit",
            details={"findings": [f.as_dict() for f in refused]},
        )


def compile_model(
    path: Path | str,
    *,
    samples: Samples | Mapping[str, np.ndarray] | None = None,
    labels: np.ndarray | None = None,
    run_args: RunArgs | None = None,
    visibility: Mapping[str, str] | None = None,
    metric: str = "auto",
    tolerance: float | None = None,
    dims: Mapping[str, int] | None = None,
    budget: Budget | None = None,
    allow_wrong: bool = False,
    allow_findings: frozenset[str] = frozenset(),
    rewrite: bool = True,
    compare: bool = True,
    out: Path | str | None = None,
    on_progress: ProgressCallback | None = None,
    report: Callable[[str], None] | None = None,
) -> Compilation:
    """Compile an ONNX model into the bundle `out` (by default `NAME.zkml` beside it).

    With `run_args` nothing is searched; otherwise they are calibrated on `samples`, for the cheapest circuit that keeps `metric`
    within `tolerance`. `visibility` maps `input`, `output` and `param` to a visibility and wins over `run_args`. `report` is told
    in words what the search finds. Without `rewrite` no operator is replaced by others; with it, the rewritten model is compared
    with the given one on the samples and on made ones first. With `compare` the circuit is, too, unless wrong operators are
    allowed.

    Raises `ModelError` (invalid or unsupported model, naming nodes), `SampleError`, `InfeasibleError` (budget), `RefusedByPolicy`
    (an unsound circuit), `CircuitError`, and what `Bundle.change` raises. A failure leaves an older bundle as it was.
    """
    path = Path(path)
    budget = budget or Budget()
    given = load(path, dict(dims or {}))
    model = normalise(given, rewrite=rewrite)
    if samples is None and run_args is None:
        raise UsageError(
            "there is nothing to choose settings by",
            hint="give samples (--data), or a recipe (--recipe) that somebody calibrated",
            code="no-samples",
        )
    if samples is not None and not isinstance(samples, Samples):
        samples = make_samples(dict(samples), model)
    checked = check_rewritten(given, model, samples)
    changes = {f"{k}_visibility": v for k, v in (visibility or {}).items()}
    start = (run_args or RunArgs()).with_(**changes)
    check_visibilities(model, start)
    folder = Path(out) if out is not None else default_folder(path)
    limits = Limits(budget.max_ram, budget.max_seconds)
    with (
        no_empty_folder(folder),
        (bundle := Bundle.create(folder)).change() as change,
        Worker(limits=limits, on_progress=on_progress) as worker,
    ):
        unsupported, _ = confirmed_support(model, start, worker, allow_wrong=allow_wrong)
        refuse(unsupported)
        drift = check_drift(model, start, samples, worker) if compare and not allow_wrong else None
        change.write(
            "model",
            model.to_bytes(),
            source=model.digest,
            dims=dict(dims or {}),
            notes=[*model.notes, *checked],
            rewrite=rewrite,
            rewrites=[r.as_dict() for r in model.rewrites],
            compared=drift.as_dict() if drift is not None else None,
        )
        calibration = None
        if run_args is None:
            assert samples is not None
            calibration = calibrate(
                change.path("model"),
                samples.arrays,
                labels=labels,
                metric=metric,
                tolerance=tolerance,
                run_args=start,
                budget=budget,
                slack_of=slack_of,
                start=quantisation_scales(given),
                worker=worker,
                on_progress=on_progress,
                report=report,
            )
            change.write_json("fidelity", calibration.fidelity.as_dict())
        elif change.has("fidelity"):
            change.remove("fidelity")
        chosen = calibration.run_args if calibration else start
        with Worker(limits=limits, serial=True, on_progress=on_progress) as serial:
            result = write_circuit(change, serial, model, chosen, budget, allow_findings)
        for name in DOWNSTREAM:
            if change.has(name):
                change.remove(name)
    settings, cost, audit, seconds, peak = result
    return Compilation(bundle, model, chosen, settings, cost, audit, calibration, seconds, peak)


def write_circuit(
    change: Transaction, worker: Worker, model: Model, run_args: RunArgs, budget: Budget, allow_findings: frozenset[str]
) -> tuple[dict[str, Any], Estimate, AuditReport, float, int]:
    """Lay out, check the budget, compile and audit, inside a change that already holds the model."""
    settings = lay_out(worker, change.path("model"), run_args, change.path("settings"))
    change.record("settings", run_args=run_args.as_ezkl())
    check_fits(settings)
    cost = estimate(settings)
    enforce(cost, budget)
    try:
        result = worker.call(
            "compile_circuit",
            stage="compile",
            model=change.path("model"),
            compiled_circuit=change.path("circuit"),
            settings_path=change.path("settings"),
        )
    except ZkmlError as e:
        raise locate(worker, change.path("model"), run_args, e) from e
    if not change.path("circuit").is_file():
        raise CircuitError("EZKL wrote no circuit", hint=f"it printed: {result.log}", code="no-circuit")
    circuit = Graph.open(change.path("circuit"))
    change.path("circuit").write_bytes(circuit.encode_sorted())
    report = audit_files(change.path("circuit"), change.path("settings"))
    check_audit(report, allow_findings)
    change.record("circuit", logrows=run_args.logrows)
    change.write_json("audit", report.as_dict())
    return settings, cost, report, result.seconds, result.peak_rss
