"""The verdict on an attestation: every proof, and everything that is said of them, made again from the folder alone.

Steps, in order; the first that fails is the verdict:
1. `attestation.json` and `protocol.json` parse within bounds and belong together.
2. The statement binds what is scored: outputs public, every input public or hashed (else *refused*: `unbound-inputs`).
3. Each item: its proof is there under its digest, verifies, states what its digest says, gives the prediction that is written,
   and is about the same parameters as the others.
4. The digests of data set and labels, the count of duplicates and the score follow from the items.
5. Where given, data set and labels are those of the caller.
6. The policy has nothing against the circuit; parameters that the statement leaves open are refused (`unbound-parameters`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

from zkml.attestation.dataset import commitments, digest_of, labels_digest, read_arrays, read_labels, stated, tensors, words
from zkml.attestation.format import PROTOCOL, Attestation, proof_path, read_attestation
from zkml.attestation.metrics import score_of
from zkml.checking import as_policy_audit, checker, local_policy, vouched
from zkml.errors import MalformedArtifact
from zkml.files import read_bounded
from zkml.protocol import Proof, Protocol, decode, read_proof
from zkml.protocol.encoding import MAX_PROTOCOL_BYTES
from zkml.protocol.field import to_signed
from zkml.protocol.proof import MAX_PROOF_JSON_BYTES
from zkml.protocol.statement import StatementTensor
from zkml.verdict import Verdict
from zkml.verifier.policy import Policy

BATCH_ITEMS, BATCH_BYTES = 256, 64 << 20
MATHEMATICS = Policy(allow_unsafe_srs=True, allow_unaudited=True)
OPEN_PARAMETERS = "parameters-private"
DIGEST_PREFIX = "sha256:"


@dataclass(frozen=True)
class Checked:
    """The verdict on an attestation, what it attests (None unless it was read), and what an honest reader has to be told."""

    verdict: Verdict
    attestation: Attestation | None
    notes: tuple[str, ...] = ()
    dataset_bound: bool = False
    labels_bound: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return verdict, score, digests and notes, without the items."""
        value: dict[str, Any] = self.verdict.as_dict() | {"notes": list(self.notes)}
        if (a := self.attestation) is not None:
            value |= {
                "dataset": {"name": a.name, "sha256": a.dataset, "checked": self.dataset_bound},
                "labels": {"sha256": a.labels, "checked": self.labels_bound},
                "metric": {"name": a.metric.name, "definition": a.metric.definition, "output": a.output},
                "score": a.score,
                "counts": {"items": len(a.items), "duplicates": a.duplicates},
            }
        return value


class _Fault(Exception):
    """Something does not hold; `outcome` and `where` of the verdict."""

    def __init__(self, where: str, reason: str, outcome: str = "rejected", policy: str | None = None) -> None:
        super().__init__(reason)
        self.where, self.reason, self.outcome, self.policy = where, reason, outcome, policy


def check(
    folder: Path,
    *,
    policy: Policy | None,
    dataset: str | Path | None = None,
    labels: str | Path | None = None,
    verifier: str = "rust",
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Checked:
    """Return the verdict on the attestation in `folder`.

    `policy` None asks for the mathematics alone. `dataset` and `labels` are files that it must be about, or their digests as
    `sha256:…`. Raises `SampleError` when these files cannot be read; whatever is wrong with the attestation is a verdict.
    """
    attestation: Attestation | None = None
    circuit: str | None = None
    notes: list[str] = []
    bound = {"dataset": False, "labels": False}
    try:
        attestation = read_attestation(folder)
        protocol = read_own_protocol(folder, attestation)
        circuit = protocol.circuit_id
        subject = Subject.of(protocol, attestation)
        found = _items(folder, subject, _Proofs(protocol, verifier, threads), on_progress)
        notes += _whole(subject, found)
        bound["dataset"] = _dataset(subject, found, dataset)
        bound["labels"] = _labels(subject, labels)
        if policy is not None:
            _policy(protocol, policy)
    except MalformedArtifact as e:
        verdict = Verdict("malformed", circuit, where=str(e.details.get("where") or "top level"), reason=e.message)
    except _Fault as e:
        verdict = Verdict(e.outcome, circuit, where=e.where, policy=e.policy, reason=e.reason)  # type: ignore[arg-type]
    else:
        verdict = Verdict("accepted", circuit)
        notes += [f"{what} not given: compare its digest with its owner's" for what, known in bound.items() if not known]
    return Checked(verdict, attestation, tuple(notes), bound["dataset"], bound["labels"])


def read_own_protocol(folder: Path, attestation: Attestation) -> Protocol:
    """Return the Protocol in an attestation, which must be the one that it names. Raises `MalformedArtifact`, or a rejection."""
    text = read_bounded(folder / PROTOCOL, what="protocol", max_bytes=MAX_PROTOCOL_BYTES)
    protocol = decode(text)
    if hashlib.sha256(text).hexdigest() != attestation.protocol or protocol.circuit_id != attestation.circuit_id:
        raise _Fault("protocol.json", "another circuit than the attestation names")
    return protocol


@dataclass(frozen=True)
class Subject:
    """What is scored: the attestation's claims beside the tensors of the statement that they are about."""

    attestation: Attestation
    inputs: list[StatementTensor]
    output: StatementTensor
    parameters: list[StatementTensor]

    @classmethod
    def of(cls, protocol: Protocol, attestation: Attestation) -> Subject:
        inputs = tensors(protocol, "input")
        if not inputs or any(t.visibility == "hashed-private" for t in inputs):
            raise _Fault(
                "protocol.json",
                "the statement says nothing of the inputs: any input could have been proved for any item",
                "refused",
                "unbound-inputs",
            )
        if len(inputs) != len(attestation.inputs):
            raise _Fault("inputs", f"the statement has {len(inputs)} inputs, the attestation {len(attestation.inputs)}")
        for i, (t, f) in enumerate(zip(inputs, attestation.inputs, strict=True)):
            if t.visibility == "public" and (t.scale != f.scale or t.length != prod(f.shape)):
                raise _Fault(f"inputs[{i}]", f"the statement has {t.length} values at scale {t.scale}")
        outputs = [t for t in tensors(protocol, "output") if t.name == attestation.output]
        if not outputs or outputs[0].visibility != "public" or outputs[0].scale is None:
            raise _Fault("metric.output", f"the statement has no public output {attestation.output}")
        if unfit := attestation.metric.fits(outputs[0].length):
            raise _Fault("metric.name", unfit)
        return cls(attestation, inputs, outputs[0], tensors(protocol, "parameters"))

    def integers(self, proof: Proof) -> list[int]:
        """Return the scored output of a proof, in integers."""
        t = self.output
        return [to_signed(v) for v in proof.instances[t.column][t.row : t.row + t.length]]


class _Proofs:
    """Proofs of one circuit, verified many at once."""

    def __init__(self, protocol: Protocol, verifier: str, threads: int | None) -> None:
        self._protocol, self._threads = protocol, threads
        self._check = checker(verifier)
        self.parse = read_proof
        self._native: Any = None
        if verifier == "rust":
            native = import_module("zkml.verifier.native")  # the plain verifier must work without it
            self._native = native.NativeVerifier(protocol)
            self.parse = native.proof_from_json

    def first_bad(self, proofs: Sequence[Proof]) -> tuple[int, Verdict] | None:
        """Return the first proof that does not hold, with its verdict."""
        if self._native is not None:
            batch = import_module("zkml.verifier.batch")
            verdicts = batch.check_batch([(self._native, p) for p in proofs], MATHEMATICS, threads=self._threads)
        else:
            verdicts = [self._check(self._protocol, p, MATHEMATICS, None) for p in proofs]
        return next(((i, v) for i, v in enumerate(verdicts) if not v.accepted), None)


@dataclass
class _Found:
    """What the proofs say, item by item."""

    inputs: list[bytes] = field(default_factory=list)
    total: Fraction = Fraction(0)


def _items(folder: Path, subject: Subject, proofs: _Proofs, on_progress: Callable[[int], None] | None) -> _Found:
    """Check each item against its proof, and the proofs."""
    found = _Found()
    parameters: bytes | None = None
    for batch in _batches(folder, subject.attestation, proofs):
        if bad := proofs.first_bad([proof for _, proof in batch]):  # from here on they have the shape of the statement
            index, verdict = batch[bad[0]][0], bad[1]
            said = f"step {verdict.step}: {verdict.reason}" if verdict.step else str(verdict.reason)
            raise _Fault(f"items[{index}]", f"its proof is {verdict.outcome} ({said})", verdict.outcome)
        for index, proof in batch:
            entry, where = subject.attestation.items[index], f"items[{index}]"
            if hashlib.sha256(b"".join(map(words, proof.instances))).hexdigest() != entry.statement:
                raise _Fault(f"{where}.statement_sha256", "the proof states something else")
            weights = stated(subject.parameters, proof.instances)
            if parameters is not None and weights != parameters:
                raise _Fault(where, "its proof is about other parameters than those of the items before")
            parameters = weights
            found.inputs.append(stated(subject.inputs, proof.instances))
            found.total += _points(subject, index, proof)
        if on_progress is not None:
            on_progress(len(found.inputs))
    return found


def _points(subject: Subject, index: int, proof: Proof) -> Fraction:
    """Return what an item adds to the score, its prediction being the one that is written."""
    a, where = subject.attestation, f"items[{index}]"
    entry, integers = a.items[index], subject.integers(proof)
    predicted = a.metric.predicted(integers)
    if json.dumps(predicted) != json.dumps(entry.predicted):
        raise _Fault(f"{where}.predicted", f"the proof's outputs predict {str(predicted)[:80]}")
    if isinstance(entry.label, int) and entry.label >= len(integers):
        raise _Fault(f"{where}.label", f"there is no class {entry.label}: the output has {len(integers)}")
    if isinstance(entry.label, list) and len(entry.label) != len(integers):
        raise _Fault(f"{where}.label", f"{len(entry.label)} numbers for {len(integers)} outputs")
    return a.metric.points(predicted, entry.label, subject.output.scale or 0)


def _batches(folder: Path, attestation: Attestation, proofs: _Proofs) -> Iterator[list[tuple[int, Proof]]]:
    """Yield proofs with their numbers, read one batch at a time and held against their digests."""
    batch: list[tuple[int, Proof]] = []
    size = 0
    for index, entry in enumerate(attestation.items):
        where = f"items[{index}]"
        try:
            text = read_bounded(proof_path(folder, entry.proof), what="proof", max_bytes=MAX_PROOF_JSON_BYTES)
            if hashlib.sha256(text).hexdigest() != entry.proof:
                raise _Fault(f"{where}.proof_sha256", "the file of the proof was changed")
            batch.append((index, proofs.parse(text)))
        except MalformedArtifact as e:
            raise MalformedArtifact(f"{where}: {e.message}", code=e.code, details={"where": where}) from e
        size += len(text)
        if len(batch) == BATCH_ITEMS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _whole(subject: Subject, found: _Found) -> list[str]:
    """Check what is said of all items together; return what has to be told of them."""
    a, count = subject.attestation, len(found.inputs)
    if digest_of(found.inputs) != a.dataset:
        raise _Fault("dataset.sha256", "the data set is not the inputs of these proofs: some are left out, added or moved")
    if labels_digest([e.label for e in a.items]) != a.labels:
        raise _Fault("labels.sha256", "the labels are not those of these items")
    duplicates = count - len(set(found.inputs))
    if duplicates != a.duplicates:
        raise _Fault("counts.duplicates", f"{duplicates} of the items repeat the input of another")
    if (score := score_of(found.total / count)) != a.score:
        raise _Fault("score", f"the score of these items is {score['numerator']}/{score['denominator']}")
    notes = []
    if duplicates:
        notes.append(f"{duplicates} of {count} items repeat the input of an item before, and count again")
        pairs = {(x, json.dumps(e.label)) for x, e in zip(found.inputs, a.items, strict=True)}
        if len(pairs) > len(set(found.inputs)):
            notes.append("equal inputs have different labels")
    return notes


def _dataset(subject: Subject, found: _Found, given: str | Path | None) -> bool:
    """Hold the items against a file or a digest; return whether one was given."""
    if given is None:
        return False
    a = subject.attestation
    if str(given).startswith(DIGEST_PREFIX):
        if str(given).removeprefix(DIGEST_PREFIX) != a.dataset:
            raise _Fault("dataset.sha256", f"the data set is {a.dataset}, not the one that was asked for")
        return True
    expected = commitments(read_arrays(Path(given), [f.name for f in a.inputs]), a.inputs, subject.inputs)
    if len(expected) != len(found.inputs):
        raise _Fault("counts.items", f"{given} has {len(expected)} samples, the attestation {len(found.inputs)}")
    for i, (mine, proved) in enumerate(zip(expected, found.inputs, strict=True)):
        if mine != proved:
            raise _Fault(f"items[{i}]", f"its proof is about another input than sample {i} of {given}")
    return True


def _labels(subject: Subject, given: str | Path | None) -> bool:
    """Hold the labels against a file or a digest; return whether one was given."""
    if given is None:
        return False
    a = subject.attestation
    if str(given).startswith(DIGEST_PREFIX):
        if str(given).removeprefix(DIGEST_PREFIX) != a.labels:
            raise _Fault("labels.sha256", f"the labels are {a.labels}, not those that were asked for")
        return True
    expected = read_labels(Path(given), a.metric)
    if len(expected) != len(a.items):
        raise _Fault("counts.items", f"{given} has {len(expected)} labels, the attestation {len(a.items)}")
    for i, (mine, entry) in enumerate(zip(expected, a.items, strict=True)):
        if mine != entry.label:
            raise _Fault(f"items[{i}].label", f"{given} has {str(mine)[:40]}, the attestation {str(entry.label)[:40]}")
    return True


def _policy(protocol: Protocol, policy: Policy) -> None:
    """Let the policy speak of a circuit whose proofs all hold."""
    refusal = local_policy(policy).refusal(protocol, as_policy_audit(protocol))
    report = vouched(protocol)
    left_open = report is not None and OPEN_PARAMETERS in report.codes - policy.allow_findings
    if refusal is None and left_open:
        refusal = "unbound-parameters", "the parameters are private: each item may have been proved of another model"
    if refusal is not None:
        raise _Fault("protocol.json", refusal[1], "refused", refusal[0])
