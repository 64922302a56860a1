"""Several files replaced as one: a redo log.

New files, the new manifest among them, are written whole into the staging folder; then the journal, which lists the renames, is
renamed into place. That rename is the commit: a kill before it leaves everything old, a kill after it leaves a journal that the
next opener carries out. Every step of carrying out can be repeated, and none needs space on the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from zkml.bundle.artifacts import BY_FILE
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES
from zkml.errors import MalformedArtifact
from zkml.files import TEMPORARY_SUFFIX, disk_errors, fsync_dir, read_json, remove, write_atomic

JOURNAL = "journal.json"
STAGING = ".staging"


def commit(folder: Path, files: list[str], removed: list[str], manifest: bytes) -> None:
    """Replace `files`, which lie in the staging folder, let the files `removed` go, and put the new manifest into place."""
    staged = folder / STAGING / MANIFEST
    with disk_errors(staged):
        with staged.open("wb") as f:
            f.write(manifest)
            f.flush()
            os.fsync(f.fileno())
        fsync_dir(folder / STAGING)
    write_atomic(folder / JOURNAL, json.dumps({"files": files, "removed": removed}).encode())
    replay(folder)


def read_journal(path: Path) -> tuple[list[str], list[str]]:
    """Return the files to rename and to remove. Raises `MalformedArtifact` when they are not files of a bundle."""
    value = read_json(path, what="journal", max_bytes=MAX_MANIFEST_BYTES)
    lists = (value.get("files"), value.get("removed")) if isinstance(value, dict) else (None, None)
    for names in lists:
        if not isinstance(names, list) or not all(isinstance(n, str) and n in BY_FILE for n in names):
            raise MalformedArtifact(
                f"{path} is not the journal of a bundle",
                hint="restore the bundle from a copy, or compile the model again",
                code="journal",
            )
    return lists  # type: ignore[return-value]  # checked above


def replay(folder: Path) -> bool:
    """Carry out a committed journal, if there is one; then clear what a kill left in the staging folder.

    Returns whether there was one. Raises `MalformedArtifact` when the journal is not ours, `EnvironmentFault` on disk trouble.
    """
    journal = folder / JOURNAL
    found = journal.exists()
    with disk_errors(folder):
        if found:
            files, removed = read_journal(journal)
            for name in removed:
                (folder / name).unlink(missing_ok=True)
            for name in [*files, MANIFEST]:
                with contextlib.suppress(FileNotFoundError):  # renamed before the kill
                    (folder / STAGING / name).replace(folder / name)
            fsync_dir(folder)
            journal.unlink()
        clear_staging(folder)
    return found


def clear_staging(folder: Path) -> None:
    """Remove the staging folder and temporary files that a kill left behind, unless a journal still needs them.

    Call it with the bundle's lock held: whatever has a temporary name is then nobody's.
    """
    if (folder / JOURNAL).exists():
        return
    remove(folder / STAGING)
    for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        remove(leftover)
