"""What a command costs on a machine that others use too: its CPU seconds, split by thread, and its memory.

Wall clock says nothing there, CPU seconds nearly the same as on an idle machine. The main threads of a command and of EZKL's
process take turns; EZKL's pool of threads works while they wait. So on an idle machine with c processors a command takes
`serial` + `parallel` / c: the CPU seconds of all main threads, and those of all others spread over the processors. What that
leaves out is waiting for the disk, and pool threads that idle while others finish.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.01
CHILD = "/ezkl/child.py"


@dataclass(frozen=True)
class Used:
    """Seconds by the clock; CPU seconds of main threads, and of all others; the largest resident memory of EZKL's process, in
    bytes."""

    wall: float
    serial: float
    parallel: float
    ram: int


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all below it; what has just ended has none."""
    yield pid
    found: list[str] = []
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += children.read_text().split()
    for child in found:
        yield from descendants(int(child))


def threads(pid: int) -> Iterator[tuple[int, float]]:
    """Yield each thread of a process: its number, and its CPU seconds."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield int(task.name), int((task / "schedstat").read_text().split()[0]) / 1e9


def runs_ezkl(pid: int) -> bool:
    """Return whether a process is EZKL's; before it becomes that, it is for a moment a copy of ours, with our memory."""
    return CHILD.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()


def high_water(pid: int) -> int:
    """Return the peak of a process's resident memory in bytes; unlike `ru_maxrss`, without its parent's."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def run(command: Sequence[str | Path], environment: dict[str, str]) -> Used:
    """Run a command to its end and return what it used. Raises `RuntimeError` with what it printed when it fails."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)
    seen: dict[tuple[int, int], float] = {}
    ram = 0
    ended = False
    while not ended:
        ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        for pid in descendants(child.pid):
            try:
                for thread, ran in threads(pid):
                    seen[pid, thread] = ran
                if runs_ezkl(pid):
                    ram = max(ram, high_water(pid))
            except (OSError, ValueError):
                continue  # it has just ended
        time.sleep(POLL_SECONDS)
    wall = time.perf_counter() - started
    assert child.stdout is not None
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {child.returncode}: {printed[-2000:]}")
    serial = sum(ran for (pid, thread), ran in seen.items() if pid == thread)
    parallel = sum(seen.values()) - serial
    # What ran after the last look, a hundredth of a second before the end, is the main thread's.
    serial = max(serial, usage.ru_utime + usage.ru_stime - parallel)
    return Used(wall, serial, parallel, ram)
