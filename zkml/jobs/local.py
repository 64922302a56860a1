"""Workers on this machine, as processes that are started, watched and started again; they end when this process does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from zkml.errors import EnvironmentFault, ZkmlError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.leases import times
from zkml.jobs.process import error_of
from zkml.jobs.stop import Stop

PARENT = "ZKML_WORKER_PARENT"
"""The variable that names the process with which a worker ends."""
POLL_SECONDS = 0.2
MAX_STARTS = 20
"""A worker that is killed so often before it proved anything is not started again."""


@dataclass
class _Slot:
    process: subprocess.Popen[bytes]
    answer: IO[bytes]
    starts: int = 1
    ended: bool = False


class LocalWorkers:
    """A number of `zkml worker --drain` processes for one job."""

    def __init__(self, db: Database, artefacts: Artefacts, job: str, count: int, arguments: list[str]) -> None:
        """`arguments` are further ones of `zkml worker`."""
        self._command = [sys.executable, "-m", "zkml.cli", "worker", "--job", job, "--drain", "--json", *arguments]
        self._environment = os.environ | {"ZKML_JOBS_DB": db.url, "ZKML_JOBS_STORE": artefacts.url, PARENT: str(os.getpid())}
        self._slots = [self._start() for _ in range(count)]

    def _start(self) -> _Slot:
        answer = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the worker
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is told to workers once, by `stop`
        )
        return _Slot(process, answer)

    @property
    def pids(self) -> list[int]:
        return [slot.process.pid for slot in self._slots if not slot.ended]

    def watch(self, stop: Stop, on_poll: Callable[[], None], say: Callable[[str], None]) -> ZkmlError | None:
        """Wait until every worker is done, starting again those that were killed; return the error that ended one of them.

        Raises `EnvironmentFault` when workers do nothing but die.
        """
        error: ZkmlError | None = None
        while any(not slot.ended for slot in self._slots):
            if stop.wait(POLL_SECONDS):
                self.stop()
                return None
            on_poll()
            for i, slot in enumerate(self._slots):
                code = slot.process.poll()
                if slot.ended or code is None:
                    continue
                if code < 0:
                    say(f"a worker was killed ({signal.Signals(-code).name}): another takes its place")
                    slot.answer.close()
                    if slot.starts >= MAX_STARTS:
                        raise EnvironmentFault(f"a worker was killed {times(slot.starts)}", code="workers-die")
                    self._slots[i] = self._start()
                    self._slots[i].starts = slot.starts + 1
                    continue
                slot.ended = True
                slot.answer.seek(0)
                error = error_in(slot.answer.read(), code) or error
                slot.answer.close()
        return error

    def stop(self, grace: float = 60.0) -> None:
        """Have the workers finish or give back what they hold, and end."""
        for slot in self._slots:
            with contextlib.suppress(ProcessLookupError):
                slot.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for slot in self._slots:
            try:
                slot.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                slot.process.kill()
                slot.process.wait()
            slot.answer.close()


def error_in(text: bytes, code: int) -> ZkmlError | None:
    """Return the error that ended a worker, by what it printed and its status."""
    try:
        data: Any = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict) and "error" in data:
        return error_of({"kind": data["error"]} | {k: data[k] for k in ("message", "hint", "code", "details")})
    return EnvironmentFault(f"a worker ended with status {code}", code="worker") if code else None
