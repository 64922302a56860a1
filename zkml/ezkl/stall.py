"""Whether a process still works: it burns CPU, waits for its turn on one, or for the disk.

A deadlock inside EZKL would wait for ever without a word. A process that does none of the three for minutes is hung.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

CLOCK_TICK = 0.01
"""CPU time is counted in steps of this many seconds."""
BUSY_STATES = ("R", "D")
"""Of Linux: runnable (on a CPU, or waiting for one on a busy machine), and waiting for the disk."""
LONGEST_STEP = 1.0
"""Seconds between two looks that count at most: when this process itself was stopped, the time says nothing of the other one."""


class Stall:
    """Watches one process; `idle` is for how many seconds in a row it has done nothing."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._cpu = -1.0
        self._last = 0.0
        self.idle = 0.0

    def look(self, now: float) -> float:
        """Return `idle` at the time `now`, in seconds of a clock that never goes back."""
        step, self._last = min(max(now - self._last, 0.0), LONGEST_STEP), now
        try:
            times = self._process.cpu_times()
        except psutil.Error:  # it has ended: whoever waits for it finds out
            self.idle = 0.0
            return self.idle
        cpu = times.user + times.system
        worked, self._cpu = cpu >= self._cpu + CLOCK_TICK, max(cpu, self._cpu)
        # The threads are asked only when no time was used: there may be many.
        self.idle = 0.0 if worked or self._busy() else self.idle + step
        return self.idle

    def _busy(self) -> bool:
        tasks = Path(f"/proc/{self._process.pid}/task")
        if not tasks.is_dir():
            return False
        for stat in tasks.glob("*/stat"):
            with contextlib.suppress(OSError, IndexError):
                # The name in brackets may hold anything, brackets too; the state comes after the last one.
                if stat.read_text(errors="replace").rpartition(")")[2].split()[0] in BUSY_STATES:
                    return True
        return False
