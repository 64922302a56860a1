"""Several files replaced as one: a redo log.

New files are written whole beside the old ones; then the journal, which lists the renames and the new manifest, is renamed into
place. That rename is the commit: a kill before it leaves everything old, a kill after it leaves a journal that the next opener
carries out. Every step of carrying out can be repeated.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from zkml.bundle.artifacts import BY_FILE
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, parse_manifest
from zkml.errors import MalformedArtifact
from zkml.files import disk_errors, fsync_dir, read_json, write_atomic

JOURNAL = "journal.json"
STAGING = ".staging"


def commit(folder: Path, files: dict[str, str], removed: list[str], manifest: dict[str, Any]) -> None:
    """Replace files of the bundle: `files` maps file names to names in the staging folder, `removed` lists files that go."""
    journal = {"files": files, "removed": removed, "manifest": manifest}
    write_atomic(folder / JOURNAL, json.dumps(journal).encode())
    replay(folder)


def replay(folder: Path) -> bool:
    """Carry out a committed journal, if there is one; then clear what a kill left in the staging folder.

    Returns whether there was one. Raises `MalformedArtifact` when the journal is not ours, `EnvironmentFault` on disk trouble.
    """
    journal = folder / JOURNAL
    found = journal.exists()
    if found:
        value = read_json(journal, what="journal", max_bytes=2 * MAX_MANIFEST_BYTES)
        files, removed = value.get("files"), value.get("removed")
        if not isinstance(files, dict) or not isinstance(removed, list) or not set(files).union(removed) <= set(BY_FILE):
            raise MalformedArtifact(f"{journal} is not a journal of this bundle", code="journal")
        parse_manifest(value.get("manifest"))
        with disk_errors(folder):
            for name, staged in files.items():
                if not isinstance(staged, str) or Path(staged).name != staged:
                    raise MalformedArtifact(f"{journal} names a file outside the bundle", code="journal")
                with contextlib.suppress(FileNotFoundError):  # renamed before the kill
                    (folder / STAGING / staged).replace(folder / name)
            for name in removed:
                (folder / name).unlink(missing_ok=True)
            fsync_dir(folder)
        write_atomic(folder / MANIFEST, (json.dumps(value["manifest"], indent=2) + "\n").encode())
        with disk_errors(folder):
            journal.unlink()
    clear_staging(folder)
    return found


def clear_staging(folder: Path) -> None:
    """Remove the staging folder and temporary files that a kill left behind."""
    staging = folder / STAGING
    if staging.is_dir():
        for file in staging.iterdir():
            file.unlink()
        staging.rmdir()
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink()
