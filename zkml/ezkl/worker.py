"""The parent's side of the worker process: start, call, watch, stop."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from zkml import files
from zkml.errors import EnvironmentFault, InfeasibleError, InternalFault
from zkml.ezkl.failures import translate
from zkml.ezkl.stall import Stall

POLL_SECONDS = 0.05
STALL_SECONDS = 120.0
"""A call that does next to nothing for so long is hung: the longest quiet stretch of a working one is a fraction of a second."""
LOG_TAIL_BYTES = 16_384
OUTPUTS = frozenset({"output", "compiled_circuit", "vk_path", "pk_path", "proof_path"})
HOME_PREFIX = "zkml-ezkl-"
CHILD = Path(__file__).with_name("child.py")
# EZKL's key digest depends on its thread pool below two threads (up to 16 table columns): keys are never made with one. The rows
# that it counts in a layout depend on which of several threads comes first: layouts that are kept are made with one (`serial`).
MIN_THREADS = 2
PASSED_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")


@dataclass(frozen=True)
class Limits:
    """What one call may use: `max_ram` in bytes of resident memory, `max_seconds` of wall clock, `max_idle` seconds in a row
    of doing nothing; None is no limit."""

    max_ram: int | None = None
    max_seconds: float | None = None
    max_idle: float | None = STALL_SECONDS


@dataclass(frozen=True)
class Progress:
    """A call under way: seconds since it started, resident bytes now."""

    stage: str
    elapsed: float
    rss: int


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class CallResult:
    """What a finished call cost: `seconds`, `peak_rss` in bytes (of the worker so far); `log` is what EZKL printed."""

    value: Any
    seconds: float
    peak_rss: int
    log: str


class Worker:
    """A process that runs EZKL calls one after the other. Use as a context manager.

    A call that fails by an ordinary error leaves the worker usable; a panic, a crash or a limit ends the process, and the next
    call starts a new one. Its cache folder is private and goes with it. Linux kills the process when the *thread* that started it
    ends, so make all calls from one thread, or let that one live.
    """

    def __init__(
        self,
        *,
        limits: Limits = Limits(),
        threads: int | None = None,
        serial: bool = False,
        on_progress: ProgressCallback | None = None,
    ) -> None:
        self.limits = limits
        self.asked_threads = threads
        self.threads = 1 if serial else max(MIN_THREADS, threads or os.cpu_count() or MIN_THREADS)
        self.on_progress = on_progress
        self._home: Path | None = None
        self._holding = contextlib.ExitStack()  # the home folder, with the lock that says it is in use
        self._process: subprocess.Popen[str] | None = None
        self._answers: int | None = None
        self._pending = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process and remove its cache."""
        self._stop()
        self._home = None
        self._holding.close()

    def call(self, name: str, *, stage: str | None = None, **arguments: Any) -> CallResult:
        """Run `ezkl.NAME(**arguments)`.

        Raises `InfeasibleError` when a limit is hit, `EnvironmentFault` when the machine ran out of memory, `InternalFault`
        on a panic or when the call hangs, and the kind that `failures.translate` finds for EZKL's own errors.
        """
        process = self._start()
        log = self._log()
        log_start = log.stat().st_size
        plain = {k: str(v.absolute()) if isinstance(v, Path) else v for k, v in arguments.items()}
        request = json.dumps({"call": name, "arguments": plain}) + "\n"
        started = time.perf_counter()
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # a dead process is diagnosed by _wait
                process.stdin.write(request)
                process.stdin.flush()
            answer = self._wait(process, stage or name, started)
        except BaseException:
            self._stop()
            raise
        printed = self._read_log(log, log_start)
        if answer is None:
            code = process.wait()
            self._stop()
            raise self._died(name, code, printed)
        failure: Mapping[str, str] | None = answer.get("failure")
        if failure is not None:
            if failure["type"] == "PanicException":
                self._stop()
            raise translate(name, failure["type"], failure["message"], printed)
        self._check_space(arguments)
        return CallResult(answer["value"], answer["seconds"], answer["peak_rss"], printed)

    @staticmethod
    def _check_space(arguments: Mapping[str, Any]) -> None:
        """Raise `EnvironmentFault` on a full disk: EZKL does not always notice one, and leaves a file that is cut short."""
        for output in OUTPUTS.intersection(arguments):
            path = Path(arguments[output])
            disk = os.statvfs(path if path.exists() else path.parent)
            if disk.f_blocks and not disk.f_bavail:
                raise EnvironmentFault(
                    f"the disk is full, and {path} may be cut short", hint="free space and run the command again", code="disk"
                )

    # ---- the process

    def _log(self) -> Path:
        assert self._home is not None
        return self._home / "log"

    def _start(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        if self._home is None:
            parent = Path(tempfile.gettempdir())
            with files.disk_errors(parent):
                self._home = self._holding.enter_context(files.temporary(HOME_PREFIX, parent, folder=True, suffix=""))
        environment = {k: v for k, v in os.environ.items() if k in PASSED_ENVIRONMENT}
        environment |= {
            "HOME": str(self._home),
            "EZKL_REPO_PATH": str(self._home),
            "RAYON_NUM_THREADS": str(self.threads),
            "OMP_NUM_THREADS": "1",
        }
        answers, theirs = os.pipe()
        try:
            with self._log().open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(CHILD), str(theirs), str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=(theirs,),
                    cwd=self._home,
                    env=environment,
                    text=True,
                    start_new_session=True,  # Ctrl-C reaches the parent alone, which then stops the child
                )
        except OSError as e:
            os.close(answers)
            raise EnvironmentFault(f"cannot start EZKL's worker process: {e.strerror or e}", code="worker") from e
        finally:
            os.close(theirs)
        self._answers, self._pending = answers, b""
        return self._process

    def _wait(self, process: subprocess.Popen[str], stage: str, started: float) -> dict[str, Any] | None:
        """Return the answer, or None when the process ended without one."""
        assert self._answers is not None
        watched = psutil.Process(process.pid) if process.poll() is None else None
        patience = self.limits.max_idle
        stall = Stall(watched, patience) if watched is not None and patience is not None else None
        while True:
            ready, _, _ = select.select([self._answers], [], [], POLL_SECONDS)
            if ready:
                chunk = os.read(self._answers, 65_536)
                if not chunk:
                    return None
                self._pending += chunk
                line, newline, rest = self._pending.partition(b"\n")
                if newline:
                    self._pending = rest
                    answer: dict[str, Any] = json.loads(line)
                    return answer
            elapsed = time.perf_counter() - started
            rss = 0
            if watched is not None:
                with contextlib.suppress(psutil.Error):
                    rss = watched.memory_info().rss
            self.enforce(stage, elapsed, rss)
            if stall is not None and patience is not None and stall.look(elapsed) > patience:
                raise self._hung(stage, stall.idle, elapsed)
            if self.on_progress is not None:
                self.on_progress(Progress(stage, elapsed, rss))

    def enforce(self, stage: str, elapsed: float, rss: int) -> None:
        """Raise `InfeasibleError` when a stage of work is over a limit."""
        if self.limits.max_ram is not None and rss > self.limits.max_ram:
            raise InfeasibleError(
                f"{stage} used {rss / 1e9:.2f} GB, more than the limit of {self.limits.max_ram / 1e9:.2f} GB, and was stopped",
                hint="raise --max-ram, or make the circuit smaller (fewer columns, smaller scales, smaller model)",
                code="max-ram",
                details={"stage": stage, "rss": rss, "max_ram": self.limits.max_ram},
            )
        if self.limits.max_seconds is not None and elapsed > self.limits.max_seconds:
            raise InfeasibleError(
                f"{stage} ran for {elapsed:.0f} s, longer than the limit of {self.limits.max_seconds:.0f} s, and was stopped",
                hint="raise --max-time, or make the circuit smaller",
                code="max-time",
                details={"stage": stage, "seconds": elapsed, "max_seconds": self.limits.max_seconds},
            )

    def _hung(self, stage: str, idle: float, elapsed: float) -> InternalFault:
        return InternalFault(
            f"{stage} hung: EZKL's worker did nothing for {idle:.0f} s, and was stopped",
            hint="run the command again; if it hangs at the same place it is a fault in EZKL",
            code="ezkl-hung",
            details={"stage": stage, "idle": idle, "seconds": elapsed, "log": self._read_log(self._log(), 0)[-2000:]},
        )

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        if self._answers is not None:
            os.close(self._answers)
            self._answers = None

    @staticmethod
    def _read_log(path: Path, start: int) -> str:
        with path.open("rb") as f:
            size = f.seek(0, os.SEEK_END)
            f.seek(max(start, size - LOG_TAIL_BYTES))
            return f.read().decode(errors="replace").strip()

    @staticmethod
    def _died(name: str, code: int, printed: str) -> EnvironmentFault | InternalFault:
        details = {"call": name, "status": code, "log": printed[-2000:]}
        if code == -signal.SIGKILL:
            return EnvironmentFault(
                f"the system killed EZKL's worker during {name}, most likely for want of memory",
                hint="`zkml inspect` estimates the memory a circuit needs; set --max-ram to stop in time",
                code="out-of-memory",
                details=details,
            )
        return InternalFault(
            f"EZKL's worker ended with status {code} during {name}",
            hint="this is a fault in EZKL; what it printed is in the details",
            code="ezkl-crash",
            details=details,
        )
