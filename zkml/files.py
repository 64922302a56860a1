"""Files that are either whole or absent: atomic writes, digests, bounded reads."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zkml.errors import EnvironmentFault, MalformedArtifact

PRIVATE_MODE = 0o600
"""The mode of files that hold private inputs."""

MAX_JSON_BYTES = 1 << 30
MAX_DEPTH = 64

# A string, closed or not, so that the scan is linear on any input; or one bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
TEMPORARY_SUFFIX = ".tmp"


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What the system answers for a disk that takes nothing more."""


def disk_fault(path: Path | str, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"cannot write {path}: {error.strerror or error}",
        hint="free disk space or choose another folder; what was there before is untouched",
        code="disk",
    )


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into an `EnvironmentFault` that names the file."""
    try:
        yield
    except OSError as e:
        raise disk_fault(path, e) from e


@contextlib.contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Like `disk_errors`, for a block of foreign code: other OSErrors than those of a full or broken disk pass."""
    try:
        yield
    except OSError as e:
        if e.errno in FULL:
            raise disk_fault(e.filename or path, e) from e
        raise


def fsync_dir(path: Path) -> None:
    """Make renames inside a folder survive a crash of the machine."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Remove a file, a link (never what it points to) or a folder with what is in it; nothing happens when it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# ---- temporary names: whoever makes one holds its lock, so those without a holder were left by killed processes


def hold(path: Path) -> int | None:
    """Return a descriptor that holds the lock of `path`, or None when someone else holds it or it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_ino == path.lstat().st_ino:
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def remove_abandoned(folder: Path, prefix: str, suffix: str = TEMPORARY_SUFFIX) -> None:
    """Remove temporary files and folders of this name that killed processes left; those in use stay."""
    for path in list(folder.iterdir()):
        if path.name.startswith(prefix) and path.name.endswith(suffix) and (fd := hold(path)) is not None:
            try:
                remove(path)
            finally:
                os.close(fd)


@contextlib.contextmanager
def temporary(prefix: str, parent: Path, *, folder: bool = False, suffix: str = TEMPORARY_SUFFIX) -> Iterator[Path]:
    """Yield a new private file or folder in `parent`, gone at the end unless it was renamed.

    A kill leaves it behind; the next one of the same prefix removes it. Raises OSError.
    """
    remove_abandoned(parent, prefix, suffix)
    fd = None
    while fd is None:  # another process may take a name without a holder for abandoned
        if folder:
            path = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent))
        else:
            handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=parent)
            os.close(handle)
            path = Path(name)
        fd = hold(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            remove(path)
        os.close(fd)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` so that a kill at any moment leaves the old file or the new one.

    Raises `EnvironmentFault` when the disk refuses.
    """
    with disk_errors(path):
        with temporary(f".{path.name}.", path.parent) as new:
            with new.open("wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            new.chmod(mode)
            new.replace(path)
        fsync_dir(path.parent)


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomic(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode(), mode=mode)


# ---- reading what others wrote


def check_depth(data: bytes, *, what: str) -> None:
    """Raise `MalformedArtifact` when JSON text is nested deeper than 64 levels.

    Python's scanner is bounded by the recursion limit alone, which any library may have raised (py-ecc does) beyond what the
    stack holds: a file of a million brackets would then end the process.
    """
    depth = 0
    for token in _TOKEN.finditer(data):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedArtifact(f"{what} is nested deeper than {MAX_DEPTH} levels", code="json")
        elif first in b"]}":
            depth -= 1


def has_lone_surrogate(value: Any) -> bool:
    """Tell whether some string in JSON data holds half of a surrogate pair, which no UTF-8 can say."""
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return any(has_lone_surrogate(key) or has_lone_surrogate(item) for key, item in value.items())
    return isinstance(value, list) and any(map(has_lone_surrogate, value))


def parse_json(data: bytes, *, what: str, parse_int: Callable[[str], int | float] = int) -> Any:
    """Parse JSON from outside; `parse_int` makes the numbers that have neither fraction nor exponent.

    Raises `MalformedArtifact` on bad syntax, too deep nesting, duplicate keys, half surrogate pairs, NaN, infinities and numbers
    beyond floats.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise MalformedArtifact(f"{what} has a duplicate key", code="json")
        return keys

    def no_constant(name: str) -> Any:
        raise MalformedArtifact(f"{what} holds {name}, which JSON does not have", code="json")

    def finite(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise MalformedArtifact(f"{what} holds the number {text[:32]}, which is too large", code="json")
        return value

    check_depth(data, what=what)
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=unique, parse_constant=no_constant, parse_float=finite, parse_int=parse_int
        )
    except (ValueError, OverflowError, RecursionError) as e:
        raise MalformedArtifact(f"{what} is not valid JSON: {e}", code="json") from e
    if _SURROGATE.search(data) and has_lone_surrogate(value):
        raise MalformedArtifact(f"{what} holds half of a surrogate pair", code="json")
    return value


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
