"""The attestation of a job: a model's score on the job's inputs, written when every item has its proof."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from zkml.attestation.check import Checked, Subject, check
from zkml.attestation.dataset import digest_of, labels_digest, stated, tensors
from zkml.attestation.format import FILE, KIND, PROTOCOL, Attestation, Entry, InputField, proof_path
from zkml.attestation.metrics import Label, Metric, score_of
from zkml.bundle import Bundle
from zkml.errors import InternalFault, SampleError, UsageError
from zkml.files import disk_errors, read_bounded, temporary, write_atomic
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import by_key
from zkml.jobs.database import Database
from zkml.jobs.layout import Layout, instances_digest
from zkml.jobs.manage import JobInfo
from zkml.jobs.results import Row, put_folder, rows
from zkml.jobs.tables import DONE
from zkml.protocol import Protocol, decode
from zkml.settings import read_settings
from zkml.verifier.native import proof_from_json

HEAD_BYTES = 4096


def subject_of(
    bundle: Bundle, metric: Metric, labels: Sequence[Label], output: str | None = None, name: str | None = None
) -> Attestation:
    """Return the attestation without its items, before there is a job: what cannot be attested is said before it is proved.

    `output` names the statement's tensor that is scored, by default the only one. Raises `UsageError` when there are others,
    when the metric does not fit it, or when the statement binds no inputs; `SampleError` for labels that do not fit.
    """
    bundle.require("model", "settings", "circuit", "vk", "protocol")
    text = bundle.path("protocol").read_bytes()
    protocol = decode(text)
    inputs = tensors(protocol, "input")
    if not inputs or any(t.visibility == "hashed-private" for t in inputs):
        raise UsageError(
            "the circuit's inputs are private: a proof would say nothing of which item it is about",
            hint="compile with input_visibility public or hashed",
            code="unbound-inputs",
        )
    public = [t for t in tensors(protocol, "output") if t.visibility == "public" and t.scale is not None]
    chosen = [t for t in public if output in (None, t.name)]
    if len(chosen) != 1:
        known = ", ".join(t.name for t in public) or "none"
        raise UsageError(f"one public output is scored; the circuit's: {known}", hint="name one with --output", code="output")
    if unfit := metric.fits(chosen[0].length):
        raise UsageError(unfit, code="metric")
    for i, label in enumerate(labels):
        size = chosen[0].length
        if isinstance(label, int) and label >= size:
            raise SampleError(f"label {i} is class {label}, and the output has {size}", code="labels")
        if isinstance(label, list) and len(label) != size:
            raise SampleError(f"label {i} has {len(label)} numbers, and the output {size}", code="labels")
    scales = read_settings(bundle.path("settings"))["model_input_scales"]
    return Attestation(
        circuit_id=protocol.circuit_id,
        protocol=hashlib.sha256(text).hexdigest(),
        name=name,
        dataset="",
        labels=labels_digest(labels),
        inputs=_fields(bundle, scales),
        metric=metric,
        output=chosen[0].name,
        score={},
        duplicates=0,
        items=(),
    )


def _fields(bundle: Bundle, scales: Sequence[int]) -> tuple[InputField, ...]:
    from zkml.model import load  # noqa: PLC0415  ONNX takes a second to load

    fields = Layout.of(load(bundle.path("model"))).fields
    return tuple(InputField(f.name, f.dtype, f.shape, scale) for f, scale in zip(fields, scales, strict=True))


def check_target(folder: Path) -> None:
    """Raise `UsageError` where `folder` holds something else than an attestation, which would be replaced."""
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if (folder / FILE).is_file():
        with (folder / FILE).open("rb") as f:
            if f'"{KIND}"'.encode() in f.read(HEAD_BYTES):
                return
    raise UsageError(f"{folder} exists and holds no attestation", hint="choose another --out", code="exists")


def attest(
    db: Database,
    artefacts: Artefacts,
    job: JobInfo,
    subject: Attestation,
    labels: Sequence[Label],
    folder: Path,
    *,
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Checked:
    """Write the attestation of a job of which every item is done into `folder`, and return the verdict on it, which is accepted.

    Raises `SampleError` when an item has no proof or there is another number of labels, `UsageError` when the folder holds
    something else, `MalformedArtifact` when a proof is not in the store any more, `EnvironmentFault` when the disk is full.
    """
    check_target(folder)
    if len(labels) != job.entries:
        raise SampleError(f"there are {job.entries} inputs and {len(labels)} labels", code="labels")
    for batch in rows(db, job.id):
        _all_done(job, batch)
    circuit = by_key(db, job.circuit)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary(f".{folder.name}.", folder.parent, folder=True) as new:
            text = artefacts.get(circuit.files["protocol.json"])
            write_atomic(new / PROTOCOL, text)
            attestation = _items(db, artefacts, job, decode(text), subject, labels, new)
            write_atomic(new / FILE, attestation.encode())
            checked = check(new, policy=None, threads=threads, on_progress=on_progress)
            if not checked.verdict.accepted:
                raise InternalFault(
                    f"the attestation does not verify: {checked.verdict.where}: {checked.verdict.reason}",
                    code="bad-attestation",
                    details=checked.verdict.as_dict(),
                )
            new.chmod(0o755)
            put_folder(new, folder)
    return checked


def _all_done(job: JobInfo, batch: Sequence[Row]) -> None:
    for row in batch:
        if row["state"] != DONE:
            raise SampleError(
                f"item {row['position']} has no proof ({row['state']}): {row['reason'] or 'it was not made'}",
                hint=f"no score without every item; `zkml job retry {job.id}` tries those again that failed",
                code="inputs-failed",
            )


def _items(
    db: Database,
    artefacts: Artefacts,
    job: JobInfo,
    protocol: Protocol,
    subject: Attestation,
    labels: Sequence[Label],
    folder: Path,
) -> Attestation:
    """Write the proofs, and return the attestation with what follows from them."""
    claimed = Subject.of(protocol, subject)
    inputs: list[bytes] = []
    entries: list[Entry] = []
    total = Fraction(0)
    for batch in rows(db, job.id):
        for row in batch:
            digest, label = row["proof_sha256"], labels[row["position"]]
            path = proof_path(folder, digest)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(artefacts.get(digest))
            proof = proof_from_json(read_bounded(path, what="proof"))
            predicted = subject.metric.predicted(claimed.integers(proof))
            total += subject.metric.points(predicted, label, claimed.output.scale or 0)
            inputs.append(stated(claimed.inputs, proof.instances))
            entries.append(Entry(label, predicted, instances_digest(proof.instances), digest))
    return replace(
        subject,
        dataset=digest_of(inputs),
        score=score_of(total / len(entries)),
        duplicates=len(inputs) - len(set(inputs)),
        items=tuple(entries),
    )
