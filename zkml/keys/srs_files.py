"""SRS files on disk: written whole or not at all, each with a sidecar that says where it comes from.

The file's format has no room for marks, so `NAME.srs.json` beside it says what made it. The sidecar is for people: trust never
depends on it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zkml.errors import UsageError
from zkml.files import disk_errors, fsync_dir, sha256_file, write_json

try:
    import fcntl
except ImportError:  # not on Windows, where remains of killed runs are left to the user
    fcntl = None  # type: ignore[assignment]

SIDECAR_KIND = "zkml-srs"
SIDECAR_VERSION = 1


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _locked(fd: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_remains(path: Path) -> None:
    """Delete temporary files of runs that were killed: those that nobody holds a lock on."""
    if fcntl is None:
        return
    for remains in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError), remains.open("rb") as f:
            if _locked(f.fileno()):
                remains.unlink()


@contextlib.contextmanager
def staged(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside `path` that becomes it when the block ends well, and goes away otherwise.

    Raises `UsageError` when `path` exists and may not be replaced, `EnvironmentFault` when the disk refuses.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists", hint="name another file, or say --force", code="exists")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_remains(path)
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        _locked(fd)
        yield temporary
        with disk_errors(path):
            temporary.chmod(0o644)
            temporary.replace(path)
            fsync_dir(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def write_sidecar(path: Path, *, k: int, tau_g2: bytes, digest: str, origin: str, unsafe: bool, **more: Any) -> None:
    """Write what is known of the SRS at `path` beside it."""
    write_json(
        sidecar(path),
        {
            "kind": SIDECAR_KIND,
            "version": SIDECAR_VERSION,
            "k": k,
            "tau_g2": tau_g2.hex(),
            "digest": digest,
            "unsafe": unsafe,
            "sha256": sha256_file(path),
            "origin": origin,
            **more,
        },
    )
