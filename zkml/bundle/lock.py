"""One writer at a time in a bundle, or many readers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from zkml.errors import EnvironmentFault

LOCK = ".lock"
RETRY_SECONDS = 0.02


def open_lock(folder: Path, *, shared: bool) -> int | None:
    """Return a descriptor of the lock file, or None where a reader finds none and may not make one.

    A link in its place is not followed: writing through it would change a file outside the bundle.
    """
    path, flags = folder / LOCK, os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            return os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            if not shared:
                raise
            return os.open(path, flags | os.O_RDONLY) if path.exists() else None
    except OSError as e:
        raise EnvironmentFault(f"cannot lock {folder}: {e.strerror or e}", code="disk") from e


def holder(fd: int) -> str:
    """Return who holds the lock, in words: the process that wrote its number, if that is still alive."""
    text = os.pread(fd, 32, 0).decode(errors="replace").strip()
    if text.isascii() and text.isdigit() and Path(f"/proc/{text}").exists():
        return f"process {text}"
    return "another process"


def take(folder: Path, *, shared: bool, wait: float) -> int | None:
    """Return a descriptor that holds the lock, or None where there is nothing to lock."""
    until = time.monotonic() + wait
    while True:
        fd = open_lock(folder, shared=shared)
        if fd is None:
            return None
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            # A holder may have removed the file together with a bundle that never came to be.
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(fd).st_ino == (folder / LOCK).lstat().st_ino:
                    return fd
        except OSError as e:
            if time.monotonic() >= until:
                who = holder(fd)
                os.close(fd)
                raise EnvironmentFault(
                    f"bundle {folder} is in use by {who}",
                    hint="wait for it to end, or work on a copy of the bundle",
                    code="busy",
                ) from e
            time.sleep(RETRY_SECONDS)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


@contextlib.contextmanager
def locked(folder: Path, *, shared: bool = False, wait: float = 0.0) -> Iterator[None]:
    """Hold the bundle's lock, alone or with other readers; the system releases it when the process ends, however it ends.

    Raises `EnvironmentFault` with code `busy` when another process still holds it after `wait` seconds.
    """
    fd = take(folder, shared=shared, wait=wait)
    try:
        if fd is not None and not shared:
            with contextlib.suppress(OSError):  # the number is for messages alone: a full disk does not need it
                os.ftruncate(fd, 0)
                os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        if fd is not None:
            os.close(fd)
