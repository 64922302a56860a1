"""The worker process: reads one call a line from stdin, runs it in EZKL, answers one line on its own pipe.

Run as `python child.py FD PARENT`. It imports nothing of this package, so that it starts fast and a fault in EZKL is all that
can go wrong in it. Its stdout and stderr are files of the parent's.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it could be asked for
        sys.exit(1)


def run_args(ezkl: Any, fields: dict[str, Any]) -> Any:
    """Build EZKL's `PyRunArgs`; an unknown field is an error, not a new attribute."""
    args = ezkl.PyRunArgs()
    for name, value in fields.items():
        if not hasattr(args, name):
            raise AttributeError(f"EZKL has no run argument {name}")
        setattr(args, name, tuple(value) if name == "lookup_range" else value)
    return args


def peak_rss() -> int:
    """Return the most bytes that this process has held.

    Linux hands `ru_maxrss` down from the parent, so a small call would report the parent's memory: the process's own high-water
    mark is read where there is one.
    """
    try:
        with Path("/proc/self/status").open() as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def call(ezkl: Any, name: str, arguments: dict[str, Any]) -> Any:
    if "py_run_args" in arguments:
        arguments["py_run_args"] = run_args(ezkl, arguments["py_run_args"])
    result = getattr(ezkl, name)(**arguments)
    if inspect.isawaitable(result):
        result = await result
    # Large results are in the files that the call wrote.
    return result if isinstance(result, (bool, int, float, str, type(None))) else None


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    # EZKL keeps its own handle on the interpreter's streams, so import it after they are redirected.
    import ezkl  # noqa: PLC0415

    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        answer: dict[str, Any] = {}
        try:
            answer["value"] = asyncio.run(call(ezkl, request["call"], request["arguments"]))
        except BaseException as e:
            answer["failure"] = {"type": type(e).__name__, "message": str(e)}
        sys.stdout.flush()
        sys.stderr.flush()
        answer["seconds"] = time.perf_counter() - started
        answer["peak_rss"] = peak_rss()
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
