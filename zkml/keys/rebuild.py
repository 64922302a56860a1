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
from zkml.errors import MalformedArtifact, MismatchedArtifacts
from zkml.estimate import Budget
from zkml.ezkl import ProgressCallback
from zkml.keys.setup import Keys, needs_witness, setup
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
    allow_wrong: bool = False,
    budget: Budget | None = None,
    on_progress: ProgressCallback | None = None,
) -> Rebuilt:
    """Compile `model` (by default the bundle's own) under the bundle's run arguments and make its keys again.

    `dims` pins named dimensions of `model`; by default as the bundle says that they were. What comes out equal is from then on
    audited here. Raises `MismatchedArtifacts` naming the first artefact that differs, and what compiling and setup raise.
    """
    bundle.require("model", "settings", "circuit", "vk", "protocol")
    source = model or bundle.path("model")
    pinned = dict(dims or {}) if model is None or dims else recorded_dims(bundle)
    rewrite = bundle.records["model"].facts.get("rewrite", True) is not False
    if normalise(load(source, pinned), rewrite=rewrite).to_bytes() != bundle.path("model").read_bytes():
        raise difference("model.onnx", f"{source}, once normalised, is not the model in the bundle")
    settings = read_settings(bundle.path("settings"))
    check_srs(bundle, srs)
    if needs_witness(settings):
        bundle.require("witness")
    with tempfile.TemporaryDirectory(prefix="zkml-rebuild-") as folder:
        compiled = compile_model(
            source,
            run_args=RunArgs.from_settings(settings),
            dims=pinned,
            budget=budget,
            allow_wrong=allow_wrong,
            rewrite=rewrite,
            compare=False,
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


def check_srs(bundle: Bundle, srs: Srs) -> None:
    """Raise `MismatchedArtifacts` unless the keys were made, as the bundle says, with the ceremony of this SRS."""
    made_with = str(bundle.records["vk"].made_from.get("srs"))
    if made_with != srs.digest:
        raise MismatchedArtifacts(
            f"the keys were made with the SRS {made_with}, this is {srs.digest} ({srs.path})",
            hint="a key depends on its ceremony: give the same one with --srs",
            code="srs-mismatch",
        )


def recorded_dims(bundle: Bundle) -> dict[str, int]:
    """Return the named dimensions that were pinned when the bundle was compiled. Raises `MalformedArtifact`."""
    dims = bundle.records["model"].facts.get("dims", {})
    if not isinstance(dims, dict) or not all(isinstance(n, int) and n > 0 for n in dims.values()):
        raise MalformedArtifact("the bundle does not say how its dimensions were pinned", hint="use --dim", code="manifest")
    return dims


def make_keys(
    built: Bundle, original: Bundle, srs: Srs, allow_unsafe_srs: bool, budget: Budget | None, on_progress: ProgressCallback | None
) -> Keys:
    """Make the keys of the bundle `built` the way those of `original` were made."""
    if needs_witness(read_settings(built.path("settings"))):
        # Fixed inputs and outputs are constants of the key, and they are in the witness.
        with built.change() as change:
            change.write("witness", original.path("witness").read_bytes())
    facts: dict[str, Any] = original.records["vk"].facts
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
