"""`attestation.json`: written, and read from strangers with bounds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zkml.attestation.metrics import Label, Metric, metric_of
from zkml.errors import MalformedArtifact, UsageError
from zkml.files import parse_json, read_bounded

KIND, VERSION = "zkml.attestation", 1
FILE, PROTOCOL = "attestation.json", "protocol.json"
MAX_BYTES = 256 << 20
MAX_ITEMS = 1_000_000
MAX_INPUTS, MAX_RANK, MAX_SCALE, MAX_NAME = 64, 32, 128, 256
DTYPES = ("<f2", "<f4", "<f8", "|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8")
_HEX = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"-?[0-9]{1,4000}")
_DECIMAL = re.compile(r"-?[0-9.]{1,1000}")


@dataclass(frozen=True)
class InputField:
    """An input of the model: how numbers of a data set become the integers of a statement (x · 2^scale, half away from zero)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: int


@dataclass(frozen=True)
class Entry:
    """One item: its label, what the proof's outputs predict, SHA-256 of the proof's public values and of its file."""

    label: Label
    predicted: Any
    statement: str
    proof: str


@dataclass(frozen=True)
class Attestation:
    """What the maker claims; `output` names the statement's tensor that is scored, `score` has fraction and decimal as text."""

    circuit_id: str
    protocol: str
    name: str | None
    dataset: str
    labels: str
    inputs: tuple[InputField, ...]
    metric: Metric
    output: str
    score: dict[str, str]
    duplicates: int
    items: tuple[Entry, ...] = field(repr=False)

    def encode(self) -> bytes:
        """Return the file's text."""
        items = [
            {"index": i, "label": e.label, "predicted": e.predicted, "statement_sha256": e.statement, "proof_sha256": e.proof}
            for i, e in enumerate(self.items)
        ]
        value = {
            "kind": KIND,
            "version": VERSION,
            "circuit_id": self.circuit_id,
            "protocol_sha256": self.protocol,
            "dataset": {"name": self.name, "sha256": self.dataset},
            "labels": {"sha256": self.labels},
            "inputs": [{"name": f.name, "dtype": f.dtype, "shape": list(f.shape), "scale": f.scale} for f in self.inputs],
            "metric": {"name": self.metric.name, "definition": self.metric.definition, "output": self.output},
            "score": self.score,
            "counts": {"items": len(items), "duplicates": self.duplicates},
            "items": items,
        }
        return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def proof_path(folder: Path, digest: str) -> Path:
    """Return where a proof lies: by its digest, so that no file names a path."""
    return folder / "proofs" / digest[:2] / f"{digest}.json"


def read_attestation(folder: Path) -> Attestation:
    """Return the attestation in a folder. Raises `MalformedArtifact`, `where` among its details."""
    value = parse_json(read_bounded(folder / FILE, what="attestation", max_bytes=MAX_BYTES), what="attestation")
    top = _object(value, "", "kind version circuit_id protocol_sha256 dataset labels inputs metric score counts items")
    if top["kind"] != KIND or top["version"] != VERSION or type(top["version"]) is not int:
        raise _bad("version", f"the file is no {KIND} of version {VERSION}")
    dataset = _object(top["dataset"], "dataset", "name sha256")
    labels = _object(top["labels"], "labels", "sha256")
    named = _object(top["metric"], "metric", "name definition output")
    try:
        metric = metric_of(_text(named["name"], "metric.name"))
    except UsageError as e:
        raise _bad("metric.name", e.message) from e
    if named["definition"] != metric.definition:
        raise _bad("metric.definition", f"{metric.name} is defined otherwise: {metric.definition}")
    counts = _object(top["counts"], "counts", "items duplicates")
    items = _list(top["items"], "items", 1, MAX_ITEMS)
    if counts["items"] != len(items):
        raise _bad("counts.items", f"the file counts {counts['items']!r} items and lists {len(items)}")
    score = _object(top["score"], "score", "numerator denominator decimal")
    for name, text in score.items():
        if not isinstance(text, str) or not (_DECIMAL if name == "decimal" else _NUMBER).fullmatch(text):
            raise _bad(f"score.{name}", "not a number as text")
    return Attestation(
        circuit_id=_digest(top["circuit_id"], "circuit_id"),
        protocol=_digest(top["protocol_sha256"], "protocol_sha256"),
        name=None if dataset["name"] is None else _text(dataset["name"], "dataset.name"),
        dataset=_digest(dataset["sha256"], "dataset.sha256"),
        labels=_digest(labels["sha256"], "labels.sha256"),
        inputs=tuple(_input(v, f"inputs[{i}]") for i, v in enumerate(_list(top["inputs"], "inputs", 1, MAX_INPUTS))),
        metric=metric,
        output=_text(named["output"], "metric.output"),
        score=score,
        duplicates=_integer(counts["duplicates"], "counts.duplicates", 0, len(items)),
        items=tuple(_entry(v, i, metric) for i, v in enumerate(items)),
    )


def _entry(value: Any, index: int, metric: Metric) -> Entry:
    where = f"items[{index}]"
    item = _object(value, where, "index label predicted statement_sha256 proof_sha256")
    if type(item["index"]) is not int or item["index"] != index:
        raise _bad(f"{where}.index", f"item {index} has the index {str(item['index'])[:20]}: one is left out, or stands twice")
    label = item["label"]
    if metric.kind == "class":
        _integer(label, f"{where}.label", 0, (1 << 31) - 1)
    else:
        label = [_number(v, f"{where}.label") for v in _list(label, f"{where}.label", 1, MAX_ITEMS)]
    statement = _digest(item["statement_sha256"], f"{where}.statement_sha256")
    return Entry(label, item["predicted"], statement, _digest(item["proof_sha256"], f"{where}.proof_sha256"))


def _input(value: Any, where: str) -> InputField:
    v = _object(value, where, "name dtype shape scale")
    if v["dtype"] not in DTYPES:
        raise _bad(f"{where}.dtype", "no type of numbers")
    shape = tuple(_integer(d, f"{where}.shape", 1, 1 << 31) for d in _list(v["shape"], f"{where}.shape", 0, MAX_RANK))
    scale = _integer(v["scale"], f"{where}.scale", -MAX_SCALE, MAX_SCALE)
    return InputField(_text(v["name"], f"{where}.name"), v["dtype"], shape, scale)


# ---- values from outside


def _bad(where: str, reason: str) -> MalformedArtifact:
    return MalformedArtifact(f"attestation: {where or 'top level'}: {reason}", code="attestation", details={"where": where})


def _object(value: Any, where: str, keys: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys.split()):
        raise _bad(where, f"not an object of {', '.join(keys.split())}")
    return value


def _list(value: Any, where: str, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise _bad(where, f"not a list of {least} to {most} values")
    return value


def _integer(value: Any, where: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(where, f"not an integer in {low}..{high}")
    return value


def _number(value: Any, where: str) -> float:
    if type(value) not in (int, float):
        raise _bad(where, "not a number")
    try:
        return float(value)
    except OverflowError as e:
        raise _bad(where, "a number beyond floats") from e


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        raise _bad(where, f"not 1 to {MAX_NAME} printable characters")
    return value


def _digest(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _bad(where, "not 64 hex digits")
    return value
