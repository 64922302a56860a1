"""Files that are either whole or absent: atomic writes, digests, bounded reads."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zkml.errors import EnvironmentFault, MalformedArtifact

PRIVATE_MODE = 0o600
"""The mode of files that hold private inputs."""

MAX_JSON_BYTES = 1 << 30


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into an `EnvironmentFault` that names the file."""
    try:
        yield
    except OSError as e:
        raise EnvironmentFault(
            f"cannot write {path}: {e.strerror or e}",
            hint="free disk space or choose another folder; what was there before is untouched",
            code="disk",
        ) from e


def fsync_dir(path: Path) -> None:
    """Make renames inside a folder survive a crash of the machine."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` so that a kill at any moment leaves the old file or the new one.

    Raises `EnvironmentFault` when the disk refuses.
    """
    with disk_errors(path):
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(fd, "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        fsync_dir(path.parent)


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomic(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode(), mode=mode)


def parse_json(data: bytes, *, what: str) -> Any:
    """Parse JSON from outside. Raises `MalformedArtifact` on bad syntax, too deep nesting, NaN, or duplicate keys."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise MalformedArtifact(f"{what} has a duplicate key", code="json")
        return keys

    def no_constant(name: str) -> Any:
        raise MalformedArtifact(f"{what} holds {name}, which JSON does not have", code="json")

    try:
        return json.loads(data, object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as e:
        raise MalformedArtifact(f"{what} is not valid JSON: {e}", code="json") from e


def read_bounded(path: Path, *, what: str, max_bytes: int = MAX_JSON_BYTES) -> bytes:
    """Read a whole file of at most `max_bytes`. Raises `MalformedArtifact` when it is absent or larger."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise MalformedArtifact(f"{what} {path} is not a file", code="missing")
        if size > max_bytes:
            raise MalformedArtifact(f"{what} {path} has {size} bytes, more than {max_bytes}", code="too-large")
        with path.open("rb") as f:
            data = f.read(max_bytes + 1)
    except OSError as e:
        raise MalformedArtifact(f"cannot read {what} {path}: {e.strerror or e}", code="missing") from e
    if len(data) > max_bytes:
        raise MalformedArtifact(f"{what} {path} grew beyond {max_bytes} bytes while read", code="too-large")
    return data


def read_json(path: Path, *, what: str, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Read and parse a JSON file from outside. Raises `MalformedArtifact`."""
    return parse_json(read_bounded(path, what=what, max_bytes=max_bytes), what=f"{what} {path}")
