"""Check that a key *is* a model: build everything again and compare."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zkml.bundle import Bundle
from zkml.circuit.audit import AuditReport, audit_files
from zkml.circuit.compile import compile_model
from zkml.errors import MismatchedArtifacts
from zkml.estimate import Budget
from zkml.ezkl import ProgressCallback
from zkml.keys.setup import Keys, setup
from zkml.keys.srs import Srs
from zkml.model import load, normalise
from zkml.settings import RunArgs, read_settings


@dataclass(frozen=True)
class Rebuilt:
    """A bundle whose settings, circuit and key came out the same when built again from the model."""

    circuit_id: str
    vk_sha256: str
    audit: AuditReport
    seconds: float


def rebuild(
    bundle: Bundle,
    srs: Srs,
    *,
    model: Path | None = None,
    dims: Mapping[str, int] | None = None,
    allow_unsafe_srs: bool = False,
    budget: Budget | None = None,
    on_progress: ProgressCallback | None = None,
) -> Rebuilt:
    """Compile `model` (by default the bundle's own) under the bundle's run arguments and make its keys again.

    What comes out equal is from then on audited here. Raises `MismatchedArtifacts` naming the first artefact that differs, and
    what compiling and setup raise.
    """
    bundle.require("model", "settings", "circuit", "vk", "protocol")
    source = model or bundle.path("model")
    if normalise(load(source, dict(dims or {}))).to_bytes() != bundle.path("model").read_bytes():
        raise difference("model.onnx", f"{source}, once normalised, is not the model in the bundle")
    settings = read_settings(bundle.path("settings"))
    with tempfile.TemporaryDirectory(prefix="zkml-rebuild-") as folder:
        compiled = compile_model(
            source,
            run_args=RunArgs.from_settings(settings),
            dims=dims,
            budget=budget,
            allow_findings=frozenset(f.code for f in audit_files(bundle.path("circuit"), bundle.path("settings")).refused),
            out=Path(folder) / bundle.folder.name,
            on_progress=on_progress,
        )
        if compiled.bundle.records["settings"].sha256 != bundle.records["settings"].sha256:
            raise difference("settings.json", "the model under these run arguments has other settings")
        if compiled.bundle.records["circuit"].sha256 != bundle.records["circuit"].sha256:
            raise difference("circuit.ezkl", "the model compiles to another circuit")
        keys = make_keys(compiled.bundle, bundle, srs, allow_unsafe_srs, budget, on_progress)
        if keys.bundle.records["vk"].sha256 != bundle.records["vk"].sha256:
            raise difference("vk.key", "the circuit has another verification key under this SRS")
        if keys.circuit_id != bundle.records["protocol"].facts.get("circuit_id"):
            raise difference("protocol.json", "the key describes another circuit id")
        seconds = compiled.seconds + keys.seconds
    return Rebuilt(keys.circuit_id, bundle.records["vk"].sha256, compiled.audit, seconds)


def make_keys(
    built: Bundle, original: Bundle, srs: Srs, allow_unsafe_srs: bool, budget: Budget | None, on_progress: ProgressCallback | None
) -> Keys:
    facts: dict[str, Any] = original.records["vk"].facts
    if original.records["vk"].made_from.get("srs") != srs.digest:
        raise MismatchedArtifacts(
            "the keys were made with another SRS than the one given",
            hint="a key depends on its ceremony: give the same one with --srs",
            code="srs-mismatch",
        )
    return setup(
        built,
        srs,
        allow_unsafe_srs=allow_unsafe_srs,
        compress_selectors=bool(facts.get("compress_selectors", True)),
        budget=budget,
        on_progress=on_progress,
    )


def difference(file: str, reason: str) -> MismatchedArtifacts:
    return MismatchedArtifacts(
        f"{file} is not what the model gives: {reason}",
        hint="whoever made this bundle used another model, other tools, or changed a file; do not trust its key",
        code="not-reproduced",
        details={"file": file},
    )
