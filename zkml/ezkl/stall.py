"""Whether a process still works: its threads use a CPU, are ready for one on a busy machine, or wait for the disk.

A deadlock inside EZKL waits for ever without a word. Its idle threads wake now and then to look for work, so "uses no CPU at all"
would not find it: what counts is that for minutes no thread was at work for half of the time.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

LOOK_SECONDS = 2.0
"""Seconds between two looks; a third of the patience when that is shorter."""
WORKING_SHARE = 0.5
"""Thread time over wall clock from which on a process is at work. The idle pool of a hung one has 0.01, and 0.2 on a machine with
ten others waiting for each CPU."""
LONGEST_STEP = 2 * LOOK_SECONDS
"""Seconds that a look counts at most: when this process itself was stopped, the time says nothing of the other one."""


class Stall:
    """Watches one process; `idle` is for how many seconds in a row it has done nothing."""

    def __init__(self, process: psutil.Process, patience: float) -> None:
        self._process = process
        self._pause = min(LOOK_SECONDS, patience / 3)
        self._last = 0.0
        self._active = self._activity()
        self.idle = 0.0

    def look(self, now: float) -> float:
        """Return `idle` at the time `now`, in seconds of a clock that never goes back."""
        step = now - self._last
        if step < self._pause:
            return self.idle
        before, self._active, self._last = self._active, self._activity(), now
        worked = self._active - before >= WORKING_SHARE * step or self._reads_disk()
        self.idle = 0.0 if worked else self.idle + min(step, LONGEST_STEP)
        return self.idle

    def _activity(self) -> float:
        """Return for how many seconds its threads used a CPU, or, where the system says so, were ready and waited for one."""
        total = 0.0
        for schedule in self._tasks("schedstat"):
            with contextlib.suppress(OSError, ValueError):
                ran, waited, *_ = schedule.read_text().split()
                total += (int(ran) + int(waited)) / 1e9
        with contextlib.suppress(psutil.Error):
            times = self._process.cpu_times()
            total = max(total, times.user + times.system)
        return total

    def _reads_disk(self) -> bool:
        """Return whether a thread waits for the disk, which shows as state D on Linux."""
        for stat in self._tasks("stat"):
            with contextlib.suppress(OSError, IndexError):
                # The name in brackets may hold anything, brackets too; the state comes after the last one.
                if stat.read_text(errors="replace").rpartition(")")[2].split()[0] == "D":
                    return True
        return False

    def _tasks(self, name: str) -> list[Path]:
        with contextlib.suppress(OSError):
            return list(Path(f"/proc/{self._process.pid}/task").glob(f"*/{name}"))
        return []
