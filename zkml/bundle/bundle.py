"""A bundle: the folder `NAME.zkml` with everything that was made from one model, each artefact with its lineage."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zkml.bundle import journal
from zkml.bundle.artifacts import BY_NAME, KINDS
from zkml.bundle.lock import LOCK, locked
from zkml.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, Record, manifest_dict, parse_manifest
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts, UsageError
from zkml.files import disk_errors, read_json, sha256_file

SUFFIX = ".zkml"


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
            path.touch(mode=BY_NAME[name].mode)
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
        return record

    def remove(self, name: str) -> None:
        """Let the artefact go when the transaction is committed."""
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
        records = {k: v for k, v in self._bundle.records.items() if k not in self._removed} | self._staged
        removed = [BY_NAME[name].file for name in self._removed - set(self._staged)]
        files = {BY_NAME[name].file: BY_NAME[name].file for name in self._staged}
        journal.commit(self._bundle.folder, files, removed, manifest_dict(records))
        self._bundle.records = records


class Bundle:
    """Open with `Bundle.open` or `Bundle.create`."""

    def __init__(self, folder: Path, records: dict[str, Record]) -> None:
        self.folder = folder
        self.records = records

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
        if (folder / journal.JOURNAL).exists():
            with locked(folder):
                journal.replay(folder)
        return cls(folder, parse_manifest(read_json(folder / MANIFEST, what="manifest", max_bytes=MAX_MANIFEST_BYTES)))

    @classmethod
    def create(cls, folder: Path) -> Bundle:
        """Return the bundle in `folder`, or a new, empty one that its first transaction writes."""
        folder = Path(folder)
        if (folder / MANIFEST).is_file() or (folder / journal.JOURNAL).is_file():
            return cls.open(folder)
        leftovers = {LOCK, journal.STAGING}
        if folder.exists() and (not folder.is_dir() or any(p.name not in leftovers for p in folder.iterdir())):
            raise UsageError(f"{folder} exists and is not a bundle", hint="choose another --out", code="not-a-bundle")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, {})

    @contextlib.contextmanager
    def change(self) -> Iterator[Transaction]:
        """Hold the bundle's lock for a change that happens whole at the end of the block, or not at all.

        Raises `EnvironmentFault` when another process is changing the bundle, or the disk refuses.
        """
        with locked(self.folder):
            if journal.replay(self.folder) or (self.folder / MANIFEST).is_file():
                self.records = parse_manifest(read_json(self.folder / MANIFEST, what="manifest", max_bytes=MAX_MANIFEST_BYTES))
            with disk_errors(self.folder):
                (self.folder / journal.STAGING).mkdir(exist_ok=True)
            transaction = Transaction(self)
            try:
                yield transaction
                transaction.commit()
            finally:
                with contextlib.suppress(OSError):
                    journal.clear_staging(self.folder)

    def path(self, name: str) -> Path:
        return self.folder / BY_NAME[name].file

    def has(self, name: str) -> bool:
        return name in self.records

    def require(self, *names: str) -> None:
        """Check that these artefacts are there, whole, and belong together.

        Raises `EnvironmentFault` naming the command that makes a missing one, `MalformedArtifact` when a file was changed since,
        `MismatchedArtifacts` when one was made from another version of something in this bundle.
        """
        for name in names:
            self._require(name)

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
            size = path.stat().st_size
            if size != record.size:
                return f"{path} has {size} bytes, the bundle recorded {record.size}"
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


def default_folder(model: Path) -> Path:
    """Return the bundle's folder for a model: `NAME.zkml` beside it."""
    return model.with_suffix(SUFFIX)
