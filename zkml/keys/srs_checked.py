"""The powers of an SRS against its [τ]G2, checked once for each file on this machine.

Trust hangs on [τ]G2 alone, and anybody can put other points before a ceremony's [τ]G2. A key is made from the points: one wrong
Lagrange point moves a selector to another row or takes it away, and the key is that of a circuit with a constraint less than the
one that was audited. So what keys are made from is checked by pairings first. What was checked is kept in
`$ZKML_HOME/checked_srs.json` by the digest of the very bytes, so that a file is checked once, and again when it changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from zkml._core import srs as core
from zkml.errors import MalformedArtifact, ZkmlError
from zkml.files import PRIVATE_MODE, disk_errors, read_json, write_json
from zkml.home import home

Progress = Callable[[str, int, int], object]
"""Called with (stage, done, total) between pieces of work; what it raises stops the work."""

STORE_KIND = "zkml-checked-srs"
STORE_VERSION = 1
MAX_KEPT = 1000
POINT, G2_PAIR, HEADER = 64, 256, 4
PIECE = 1 << 22


def store_path() -> Path:
    return home() / "checked_srs.json"


def used_digest(path: Path, k: int) -> str:
    """Return the SHA-256 of what a circuit of 2^k rows uses of a file: header, powers, [1]G2 and [τ]G2; and the Lagrange
    basis when the file has no more rows. Raises `MalformedArtifact` for a file that is cut short, `EnvironmentFault`."""
    digest = hashlib.sha256(b"zkml-checked-srs" + k.to_bytes(4, "little"))
    with disk_errors(path), path.open("rb") as f:
        header = f.read(HEADER)
        digest.update(header)
        left = POINT << (k + 1 if int.from_bytes(header, "little") == k else k)
        while left:
            piece = f.read(min(PIECE, left))
            if not piece:
                raise MalformedArtifact(f"{path} is cut short", hint="import it again", code="srs-malformed")
            digest.update(piece)
            left -= len(piece)
        f.seek(-G2_PAIR, os.SEEK_END)
        digest.update(f.read(G2_PAIR))
    return digest.hexdigest()


def _known() -> list[str]:
    """Return the digests kept, none from a list that others can write or that this version did not make."""
    path = store_path()
    if not path.is_file() or path.stat().st_mode & 0o022:
        return []
    try:
        value = read_json(path, what="the list of checked SRS", max_bytes=1 << 20)
    except MalformedArtifact:
        return []
    if not isinstance(value, dict) or value.get("kind") != STORE_KIND or value.get("version") != STORE_VERSION:
        return []
    digests = value.get("digests")
    return [d for d in digests if isinstance(d, str)] if isinstance(digests, list) else []


def _keep(digest: str) -> None:
    path = store_path()
    try:
        with disk_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path.parent / ".checked_srs.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            digests = [d for d in _known() if d != digest] + [digest]
            kept = {"kind": STORE_KIND, "version": STORE_VERSION, "digests": digests[-MAX_KEPT:]}
            write_json(path, kept, mode=PRIVATE_MODE)
        finally:
            os.close(lock)
    except (OSError, ZkmlError):
        return  # a list that cannot be written costs the check each time, nothing else


def mark_checked(path: Path, k: int) -> None:
    """Keep that what a circuit of 2^k rows uses of the file at `path` was checked here, or made here."""
    _keep(used_digest(path, k))


def require_checked(path: Path, k: int, progress: Progress | None = None) -> bool:
    """Check by pairings what a circuit of 2^k rows uses of the SRS at `path`; return False when that was done before.

    Raises `SrsError` (srs-invalid, with part and index), `MalformedArtifact`, `EnvironmentFault`, and what `progress` raises.
    """
    digest = used_digest(path, k)
    if digest in _known():
        return False
    core.check(path, progress, k)
    if used_digest(path, k) != digest:
        raise MalformedArtifact(f"{path} was replaced by another SRS while in use", code="srs-changed")
    _keep(digest)
    return True
