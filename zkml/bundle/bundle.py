"""A bundle: the folder `NAME.zkml` with everything that was made from one model, each artefact with its lineage."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zkml.bundle import journal
from zkml.bundle.artifacts import BY_NAME, KINDS
from zkml.bundle.lock import LOCK, locked
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, Record, encode_manifest, parse_manifest
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts, UsageError
from zkml.files import TEMPORARY_SUFFIX, disk_errors, fsync_dir, full_disk, read_json, sha256_file

SUFFIX = ".zkml"
# A commit takes milliseconds once its journal is there; a reader that meets one waits for its end.
COMMIT_WAIT_SECONDS = 10.0
# A reader that carries out a journal holds the lock for as short a time; another writer holds it for longer than this.
WRITER_WAIT_SECONDS = 0.5
READ_ATTEMPTS = 20


def read_manifest(folder: Path) -> dict[str, Record]:
    """Return the records of the bundle in `folder`, after carrying out what a killed process had committed.

    Raises `MalformedArtifact` when the manifest is damaged or of another version.
    """
    if (folder / journal.JOURNAL).exists():
        with locked(folder, wait=COMMIT_WAIT_SECONDS):
            journal.replay(folder)
    return parse_manifest(read_json(folder / MANIFEST, what="manifest", max_bytes=MAX_MANIFEST_BYTES))


class Transaction:
    """Artefacts being made: written into the staging folder, put into the bundle all at once by `Bundle.change`."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._staged: dict[str, Record] = {}
        self._removed: set[str] = set()

    def path(self, name: str) -> Path:
        """Return where to write the new file of artefact `name`."""
        return self._bundle.folder / journal.STAGING / BY_NAME[name].file

    def write(self, name: str, data: bytes, *, made_from: dict[str, str] | None = None, **facts: Any) -> Record:
        """Write the artefact and record it."""
        path = self.path(name)
        with disk_errors(path):
            path.touch(mode=BY_NAME[name].mode)  # private from the first byte
            path.write_bytes(data)
        return self.record(name, made_from=made_from, **facts)

    def write_json(self, name: str, value: Any, *, made_from: dict[str, str] | None = None, **facts: Any) -> Record:
        return self.write(name, json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), made_from=made_from, **facts)

    def record(self, name: str, *, made_from: dict[str, str] | None = None, **facts: Any) -> Record:
        """Record the file that somebody wrote at `path(name)`, with its digest and those of what it was made from."""
        path = self.path(name)
        with disk_errors(path):
            path.chmod(BY_NAME[name].mode)
            with path.open("rb") as f:
                os.fsync(f.fileno())
            size = path.stat().st_size
        lineage = {source: self.digest(source) for source in BY_NAME[name].made_from if self.has(source)}
        record = Record(name, BY_NAME[name].format, sha256_file(path), size, lineage | (made_from or {}), facts=facts)
        self._staged[name] = record
        self._removed.discard(name)
        return record

    def remove(self, name: str) -> None:
        """Let the artefact go when the transaction is committed."""
        self._staged.pop(name, None)
        self._removed.add(name)

    def has(self, name: str) -> bool:
        return name in self._staged or (name in self._bundle.records and name not in self._removed)

    def digest(self, name: str) -> str:
        if name in self._staged:
            return self._staged[name].sha256
        return self._bundle.records[name].sha256

    def current(self, name: str) -> Path:
        """Return the staged file of an artefact, or the bundle's own."""
        return self.path(name) if name in self._staged else self._bundle.path(name)

    def commit(self) -> None:
        """Put everything into the bundle. Raises `EnvironmentFault` when the disk refuses: then the bundle is as it was."""
        records = {k: v for k, v in self._bundle.records.items() if k not in self._removed} | self._staged
        removed = [BY_NAME[name].file for name in self._removed]
        files = [BY_NAME[name].file for name in self._staged]
        journal.commit(self._bundle.folder, files, removed, encode_manifest(records))
        self._bundle.records = records


class Bundle:
    """Open with `Bundle.open` or `Bundle.create`."""

    def __init__(self, folder: Path, records: dict[str, Record]) -> None:
        self.folder = folder
        self.records = records
        self._locked = False

    @property
    def name(self) -> str:
        return self.folder.name.removesuffix(SUFFIX)

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Open a bundle, carrying out what a killed process had committed.

        Raises `UsageError` when there is none, `MalformedArtifact` when its manifest is damaged or of another version.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file() and not (folder / journal.JOURNAL).is_file():
            raise UsageError(
                f"{folder} is not a bundle",
                hint=f"`zkml compile model.onnx` makes model{SUFFIX}; commands take that folder",
                code="no-bundle",
            )
        return cls(folder, read_manifest(folder))

    @classmethod
    def create(cls, folder: Path) -> Bundle:
        """Return the bundle in `folder`, or a new, empty one that its first transaction writes."""
        folder = Path(folder)
        if (folder / MANIFEST).is_file() or (folder / journal.JOURNAL).is_file():
            return cls.open(folder)
        if folder.exists() and (not folder.is_dir() or any(not is_leftover(p.name) for p in folder.iterdir())):
            raise UsageError(f"{folder} exists and is not a bundle", hint="choose another --out", code="not-a-bundle")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            fsync_dir(folder.parent)
        return cls(folder, {})

    @contextlib.contextmanager
    def change(self) -> Iterator[Transaction]:
        """Hold the bundle's lock for a change that happens whole at the end of the block, or not at all.

        Raises `EnvironmentFault` when another process is changing the bundle, or the disk refuses.
        """
        with locked(self.folder, wait=WRITER_WAIT_SECONDS):
            journal.replay(self.folder)
            if (self.folder / MANIFEST).is_file():
                self.records = read_manifest(self.folder)
            with disk_errors(self.folder):
                (self.folder / journal.STAGING).mkdir(mode=0o700)
            transaction = Transaction(self)
            self._locked = True
            try:
                with full_disk(self.folder):
                    yield transaction
                transaction.commit()
            finally:
                self._locked = False
                with contextlib.suppress(OSError):
                    journal.clear_staging(self.folder)
                    self._vanish_if_empty()

    def _vanish_if_empty(self) -> None:
        """Remove a new bundle's folder when its first change failed. The lock is held."""
        if [p.name for p in self.folder.iterdir()] == [LOCK]:
            (self.folder / LOCK).unlink()
            self.folder.rmdir()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Keep writers out for the time of the block. Raises `EnvironmentFault` (`busy`) when one is at work."""
        with locked(self.folder, shared=True):
            self.records = parse_manifest(read_json(self.folder / MANIFEST, what="manifest", max_bytes=MAX_MANIFEST_BYTES))
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def _changed_meanwhile(self) -> bool:
        """Take up what another process put into the bundle since its manifest was read; return whether there was anything."""
        if self._locked:
            return False
        before, self.records = self.records, read_manifest(self.folder)
        return before != self.records

    def path(self, name: str) -> Path:
        return self.folder / BY_NAME[name].file

    def has(self, name: str) -> bool:
        return name in self.records

    def require(self, *names: str) -> None:
        """Check that these artefacts are there, whole, and belong together.

        Raises `EnvironmentFault` naming the command that makes a missing one, `MalformedArtifact` when a file was changed since,
        `MismatchedArtifacts` when one was made from another version of something in this bundle.
        """
        for attempt in range(READ_ATTEMPTS):
            try:
                for name in names:
                    self._require(name)
                return
            except (EnvironmentFault, MalformedArtifact, MismatchedArtifacts):
                if attempt == READ_ATTEMPTS - 1 or not self._changed_meanwhile():
                    raise

    def _require(self, name: str) -> None:
        kind = BY_NAME[name]
        record = self.records.get(name)
        if record is None:
            raise EnvironmentFault(
                f"bundle {self.folder} has no {kind.file} yet",
                hint=f"run `zkml {kind.command} {self.folder if kind.command != 'compile' else 'MODEL.onnx'}` first",
                code="not-made-yet",
            )
        problem = self.damage(name)
        if problem is not None:
            raise MalformedArtifact(
                problem, hint=f"restore the file, or make it again with `zkml {kind.command}`", code="changed"
            )
        for source, made_from in record.made_from.items():
            present = self.records.get(source)
            if present is not None and source in kind.made_from and present.sha256 != made_from:
                raise MismatchedArtifacts(
                    f"{kind.file} was made from another {BY_NAME[source].file} ({made_from[:12]}…) than the one in this bundle"
                    f" ({present.sha256[:12]}…)",
                    hint=f"run `zkml {kind.command}` again",
                    code="stale",
                    details={"artifact": name, "source": source},
                )

    def damage(self, name: str) -> str | None:
        """Return what is wrong with the file of an artefact, or None. Reads it whole."""
        record, path = self.records[name], self.path(name)
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                return f"{path} is not a file"
            if found.st_size != record.size:
                return f"{path} has {found.st_size} bytes, the bundle recorded {record.size}"
            if sha256_file(path) != record.sha256:
                return f"{path} was changed since the bundle recorded it"
        except OSError as e:
            return f"cannot read {path}: {e.strerror or e}"
        return None

    def verify(self) -> list[str]:
        """Return every problem found in the bundle, most upstream first; empty when all is well."""
        problems = []
        for kind in KINDS:
            if kind.name not in self.records:
                continue
            try:
                self.require(kind.name)
            except (MalformedArtifact, MismatchedArtifacts) as e:
                problems.append(e.message)
        return problems


def is_leftover(name: str) -> bool:
    """Whether a first change that was killed may have left this file."""
    return name in (LOCK, journal.STAGING) or (name.startswith(".") and name.endswith(TEMPORARY_SUFFIX))


def default_folder(model: Path) -> Path:
    """Return the bundle's folder for a model: `NAME.zkml` beside it."""
    return model.with_suffix(SUFFIX)
