"""A PostgreSQL server of our own for a test, on a Unix socket in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

LIBRARY = Path("/usr/lib/postgresql")
USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, None when this machine has no server."""
    found = [p.parent for p in sorted(LIBRARY.glob("*/bin/initdb"), reverse=True)]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    return next((folder for folder in found if (folder / "pg_ctl").exists()), None)


class Server:
    """Use as a context manager."""

    def __init__(self) -> None:
        folder = binaries()
        assert folder is not None
        self._binaries = folder
        self._user = self._other_user() if os.geteuid() == 0 else None  # the server refuses to run as root
        self.folder = Path(tempfile.mkdtemp(prefix="zkml-pg-", dir="/tmp"))  # sockets have short names
        self._data = self.folder / "data"
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "--auth=trust", "--username=zkml", "--no-sync", "--encoding=UTF8", "-D", self._data)

    @staticmethod
    def _other_user() -> str:
        names = {entry.pw_name for entry in pwd.getpwall()}
        return next(name for name in USERS if name in names)

    def _run(self, tool: str, *arguments: object) -> None:
        command = [str(self._binaries / tool), *map(str, arguments)]
        done = subprocess.run(command, user=self._user, capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://zkml@/postgres?host={self.folder}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self.folder / "log", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it as a crash does, unless another mode is given."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)
