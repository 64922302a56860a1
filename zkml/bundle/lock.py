"""One writer at a time in a bundle."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from zkml.errors import EnvironmentFault

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the bundle's lock; the system releases it when the process ends, however it ends.

    Raises `EnvironmentFault` with code `busy` when another process holds it.
    """
    try:
        fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as e:
        raise EnvironmentFault(f"cannot lock {folder}: {e.strerror or e}", code="disk") from e
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
            raise EnvironmentFault(
                f"bundle {folder} is in use by process {holder or '?'}",
                hint="wait for it to end, or work on a copy of the bundle",
                code="busy",
            ) from e
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(fd)
