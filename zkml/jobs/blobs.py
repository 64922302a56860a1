"""Artefacts by their digest, in any place that fsspec reaches: a folder, or a store such as S3.

An artefact lies at `sha256/ab/<digest>`; what is there is never changed. In a folder, files are private (inputs may be) and
written whole or not at all; object stores write whole objects by themselves.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from zkml.errors import EnvironmentFault, MalformedArtifact, NetworkError, UsageError
from zkml.files import disk_errors, fsync_dir, sha256_file, temporary
from zkml.home import home

ENVIRONMENT = "ZKML_JOBS_STORE"
COPY_BYTES = 8 << 20


def default_store() -> str:
    """Return `$ZKML_JOBS_STORE`, by default the folder `$ZKML_HOME/jobs/store`."""
    return os.environ.get(ENVIRONMENT) or str(home().absolute() / "jobs" / "store")


class Artefacts:
    """The artefacts under `url`. Raises `UsageError` for a URL of no known kind, `EnvironmentFault` without its driver."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url or default_store()
        try:
            self._fs, root = fsspec.core.url_to_fs(self.url)
        except ImportError as e:
            raise EnvironmentFault(f"the artefact store needs a package: {e}", code="no-driver") from e
        except ValueError as e:
            raise UsageError(f"{self.url} is no place for artefacts: {e}", code="store-url") from e
        self._root = root.rstrip("/")
        self.local = Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def put(self, data: bytes) -> str:
        """Store `data` and return its digest, 64 hex digits."""
        digest = hashlib.sha256(data).hexdigest()
        if self.local is not None:
            self._put_local(digest, data)
        elif not self.has(digest):
            self._foreign("write", lambda: self._fs.pipe_file(self._path(digest), data))
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file and return its digest."""
        digest = sha256_file(path)
        if not self.has(digest):
            if self.local is not None:
                target = Path(self._path(digest))
                with disk_errors(target):
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    with temporary(".put.", self._staging()) as new:
                        with path.open("rb") as source, new.open("wb") as f:
                            while block := source.read(COPY_BYTES):
                                f.write(block)
                            f.flush()
                            os.fsync(f.fileno())
                        new.replace(target)
            else:
                self._foreign("write", lambda: self._fs.put_file(str(path), self._path(digest)))
        return digest

    def has(self, digest: str) -> bool:
        return bool(self._foreign("look for", lambda: self._fs.exists(self._path(digest))))

    def get(self, digest: str) -> bytes:
        """Return an artefact. Raises `MalformedArtifact` when it is gone or not what its name says."""
        try:
            data: bytes = self._foreign("read", lambda: self._fs.cat_file(self._path(digest)))
        except FileNotFoundError as e:
            raise self._gone(digest) from e
        if hashlib.sha256(data).hexdigest() != digest:
            raise MalformedArtifact(f"artefact {digest[:16]}… was changed in {self.url}", code="changed")
        return data

    def slice(self, digest: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end` of an artefact, unchecked. Raises `MalformedArtifact` when they are not there."""
        try:
            data: bytes = self._foreign("read", lambda: self._fs.cat_file(self._path(digest), start, end))
        except FileNotFoundError as e:
            raise self._gone(digest) from e
        if len(data) != end - start:
            raise MalformedArtifact(f"artefact {digest[:16]}… is cut short in {self.url}", code="changed")
        return data

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an artefact into the new file `target`, checked. Raises `MalformedArtifact`."""
        try:
            self._foreign("read", lambda: self._fs.get_file(self._path(digest), str(target)))
        except FileNotFoundError as e:
            raise self._gone(digest) from e
        if sha256_file(target) != digest:
            raise MalformedArtifact(f"artefact {digest[:16]}… was changed in {self.url}", code="changed")

    def discard(self, digest: str) -> None:
        """Remove an artefact, if it is there: one that was changed would be taken for whole by `put`."""
        if self.has(digest):
            self._foreign("remove", lambda: self._fs.rm_file(self._path(digest)))

    def _path(self, digest: str) -> str:
        return f"{self._root}/sha256/{digest[:2]}/{digest}"

    def _staging(self) -> Path:
        assert self.local is not None
        folder = self.local / "staging"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _put_local(self, digest: str, data: bytes) -> None:
        target = Path(self._path(digest))
        with disk_errors(target):
            if target.exists() and target.stat().st_size == len(data):
                return
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with temporary(".put.", self._staging()) as new:
                with new.open("wb") as f:
                    f.write(data)
                    f.flush()
                    os.fsync(f.fileno())
                new.replace(target)
            fsync_dir(target.parent)

    def _gone(self, digest: str) -> MalformedArtifact:
        return MalformedArtifact(
            f"artefact {digest[:16]}… is not in {self.url}", hint="restore the store, or submit the job again", code="missing"
        )

    def _foreign(self, verb: str, f: Any) -> Any:
        """Run a call of fsspec; what goes wrong in a store far away is a `NetworkError`, on this disk an `EnvironmentFault`."""
        try:
            return f()
        except FileNotFoundError:
            raise
        except OSError as e:
            text = f"cannot {verb} artefacts in {self.url}: {e.strerror or e}"
            if self.local is not None:
                raise EnvironmentFault(text, code="disk") from e
            raise NetworkError(text, code="store") from e
