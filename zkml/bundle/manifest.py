"""`bundle.json`: what each artefact is, what it was made from, and with what."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from zkml import __version__
from zkml.bundle.artifacts import BY_NAME
from zkml.errors import MalformedArtifact
from zkml.files import parse_json

MANIFEST = "bundle.json"
VERSION = 1
MAX_MANIFEST_BYTES = 4 << 20
MAX_ENTRIES = 64
MAX_TEXT = 256
HEX = frozenset("0123456789abcdef")


def tools() -> dict[str, str]:
    """Return the versions of what makes artefacts here."""
    return {
        "zkml": __version__,
        "ezkl": metadata.version("ezkl"),
        "onnx": metadata.version("onnx"),
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class Record:
    """One artefact: SHA-256 and size of its file, digests of what it was made from, tools, and facts worth keeping.

    `made_from` maps artefact names, and words such as `srs` or `input`, to digests (64 hex digits).
    """

    kind: str
    format: int
    sha256: str
    size: int
    made_from: dict[str, str]
    tools: dict[str, str] = field(default_factory=tools)
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def brief(value: Any) -> str:
    """Return foreign data fit for a message: short, and without control characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def whole_number(value: Any, low: int, high: int) -> bool:
    """Whether `value` is an integer from `low` to `high`; JSON's true is not one."""
    return type(value) is int and low <= value <= high


def digest(value: Any, where: str) -> str:
    if isinstance(value, str) and len(value) == 64 and set(value) <= HEX:
        return value
    raise MalformedArtifact(f"{where} is not a SHA-256 digest", code="manifest")


def string_map(value: Any, where: str) -> dict[str, str]:
    if isinstance(value, dict) and len(value) <= MAX_ENTRIES:
        texts = [*value, *value.values()]
        if all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts):
            return value
    raise MalformedArtifact(f"{where} is not a map of strings", code="manifest")


def parse_record(name: str, value: Any) -> Record:
    """Return the record of artefact `name`. Raises `MalformedArtifact`."""
    if name not in BY_NAME:
        raise MalformedArtifact(f"{MANIFEST}: {brief(name)} is not an artefact that this version knows", code="unknown-kind")
    where = f"{MANIFEST}: {name}"
    if not isinstance(value, dict) or value.get("kind") != name:
        raise MalformedArtifact(f"{where} has no record of that kind", code="manifest")
    version, known = value.get("format"), BY_NAME[name].format
    if not whole_number(version, known, known):
        raise MalformedArtifact(
            f"{where} has format version {brief(version)}, this version of zkml reads {known}",
            hint="use the version of zkml that made the bundle, or compile the model again",
            code="unknown-version",
        )
    size = value.get("size")
    if not isinstance(size, int) or not whole_number(size, 0, BY_NAME[name].max_bytes):
        raise MalformedArtifact(f"{where} has an impossible size", code="manifest")
    made_from = string_map(value.get("made_from"), f"{where}.made_from")
    facts = value.get("facts", {})
    if not isinstance(facts, dict):
        raise MalformedArtifact(f"{where}.facts is not a map", code="manifest")
    return Record(
        kind=name,
        format=known,
        sha256=digest(value.get("sha256"), f"{where}.sha256"),
        size=size,
        made_from={k: digest(v, f"{where}.made_from {brief(k)}") for k, v in made_from.items()},
        tools=string_map(value.get("tools", {}), f"{where}.tools"),
        facts=facts,
    )


def parse_manifest(value: Any) -> dict[str, Record]:
    """Return the records of a manifest. Raises `MalformedArtifact`."""
    if not isinstance(value, dict) or value.get("kind") != "zkml.bundle":
        raise MalformedArtifact(f"{MANIFEST} is not the manifest of a bundle", code="manifest")
    if not whole_number(value.get("version"), VERSION, VERSION):
        raise MalformedArtifact(
            f"the bundle has version {brief(value.get('version'))}, this version of zkml reads {VERSION}",
            hint="use the version of zkml that made the bundle",
            code="unknown-version",
        )
    artifacts = value.get("artifacts")
    if not isinstance(artifacts, dict):
        raise MalformedArtifact(f"{MANIFEST} lists no artefacts", code="manifest")
    return {name: parse_record(name, record) for name, record in artifacts.items()}


def manifest_dict(records: dict[str, Record]) -> dict[str, Any]:
    return {
        "kind": "zkml.bundle",
        "version": VERSION,
        "artifacts": {name: records[name].as_dict() for name in BY_NAME if name in records},
    }


def encode_manifest(records: dict[str, Record]) -> bytes:
    """Return the text of `bundle.json`, which reads back as the same records. Raises `MalformedArtifact` when it would not."""
    try:
        data = (json.dumps(manifest_dict(records), indent=2, allow_nan=False) + "\n").encode()
    except ValueError as e:
        raise MalformedArtifact(f"{MANIFEST} cannot hold a fact: {e}", code="manifest") from e
    if len(data) > MAX_MANIFEST_BYTES:
        raise MalformedArtifact(f"{MANIFEST} would have {len(data)} bytes, more than {MAX_MANIFEST_BYTES}", code="manifest")
    parse_manifest(parse_json(data, what=MANIFEST))
    return data
