"""This machine and its processes, told apart without clocks: who lives, who is dead, how much memory there is."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
PR_SET_PDEATHSIG = 1
USABLE = 0.9
"""The part of the memory that workers may take together."""


def host() -> str:
    """Return the name of this boot of this machine and of the namespace in which its process numbers count."""
    try:
        return f"{BOOT_ID.read_text().strip()}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return f"{platform.node()}:{int(psutil.boot_time())}"


def started(pid: int) -> float | None:
    """Return when a process began, in ticks since the machine did, so that a clock that is set changes nothing.

    None when there is no such process, or it ended and nobody has taken note yet.
    """
    stat = Path(f"/proc/{pid}/stat")
    if not stat.parent.parent.joinpath("self").exists():  # not Linux
        with contextlib.suppress(psutil.Error):
            return float(psutil.Process(pid).create_time())
        return None
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else float(fields[19])


def lives(pid: int, since: float) -> bool:
    """Whether process `pid` of this machine is the one that began at `since`, and has not ended."""
    found = started(pid)
    if found is not None:
        return found == since
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's, of whom this system shows us nothing
        return True
    except ProcessLookupError:
        return False
    return False  # it ended, and whoever started it has not taken note yet


def follow(parent: int, number: signal.Signals) -> None:
    """Have the system send this process a signal when the one that started it, `parent`, ends; at once if it has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def usable_memory() -> int:
    """Return the bytes that workers may take on this machine: nine tenths of it, or of what its container may use."""
    total = psutil.virtual_memory().total
    for path in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            total = min(total, int(path.read_text()))
    return int(total * USABLE)


def own_start() -> float:
    """Return when this process began, as `started` has it."""
    since = started(os.getpid())
    assert since is not None
    return since
