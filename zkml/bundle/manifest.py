"""`bundle.json`: what each artefact is, what it was made from, and with what."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from zkml import __version__
from zkml.bundle.artifacts import BY_NAME
from zkml.errors import MalformedArtifact

MANIFEST = "bundle.json"
VERSION = 1
MAX_MANIFEST_BYTES = 4 << 20
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


def digest(value: Any, where: str) -> str:
    if isinstance(value, str) and len(value) == 64 and set(value) <= HEX:
        return value
    raise MalformedArtifact(f"{where} is not a SHA-256 digest", code="manifest")


def string_map(value: Any, where: str) -> dict[str, str]:
    if isinstance(value, dict) and len(value) <= 64 and all(isinstance(v, str) and len(v) <= 256 for v in value.values()):
        return value
    raise MalformedArtifact(f"{where} is not a map of strings", code="manifest")


def parse_record(name: str, value: Any) -> Record:
    """Return the record of artefact `name`. Raises `MalformedArtifact`."""
    where = f"{MANIFEST}: {name}"
    if name not in BY_NAME:
        raise MalformedArtifact(f"{where} is not an artefact that this version knows", code="unknown-kind")
    if not isinstance(value, dict) or value.get("kind") != name:
        raise MalformedArtifact(f"{where} has no record of that kind", code="manifest")
    version = value.get("format")
    if version != BY_NAME[name].format:
        raise MalformedArtifact(
            f"{where} has format version {version!r}, this version of zkml reads {BY_NAME[name].format}",
            hint="use the version of zkml that made the bundle, or compile the model again",
            code="unknown-version",
        )
    size = value.get("size")
    if not isinstance(size, int) or not 0 <= size <= BY_NAME[name].max_bytes:
        raise MalformedArtifact(f"{where} has an impossible size", code="manifest")
    made_from = string_map(value.get("made_from"), f"{where}.made_from")
    facts = value.get("facts", {})
    if not isinstance(facts, dict):
        raise MalformedArtifact(f"{where}.facts is not a map", code="manifest")
    return Record(
        kind=name,
        format=version,
        sha256=digest(value.get("sha256"), f"{where}.sha256"),
        size=size,
        made_from={k: digest(v, f"{where}.made_from.{k}") for k, v in made_from.items()},
        tools=string_map(value.get("tools", {}), f"{where}.tools"),
        facts=facts,
    )


def parse_manifest(value: Any) -> dict[str, Record]:
    """Return the records of a manifest. Raises `MalformedArtifact`."""
    if not isinstance(value, dict) or value.get("kind") != "zkml.bundle":
        raise MalformedArtifact(f"{MANIFEST} is not the manifest of a bundle", code="manifest")
    if value.get("version") != VERSION:
        raise MalformedArtifact(
            f"the bundle has version {value.get('version')!r}, this version of zkml reads {VERSION}",
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
