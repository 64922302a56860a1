"""A worker's side of the process that proves: start, feed, watch, stop. One circuit, any number of proofs.

Behind the item in proof lie others, enough for four seconds, so that the process does not wait for the store, and the store is
asked for several at once where proofs are short. The process is given an item only when it waits for one: two that write to each
other at once would both wait for ever.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from zkml import errors
from zkml.errors import EnvironmentFault, InfeasibleError, ZkmlError
from zkml.files import temporary
from zkml.jobs.blobs import Artefacts
from zkml.jobs.child import Fields
from zkml.jobs.circuits import KEYS, SRS_FILE, CircuitRecord, open_files
from zkml.jobs.leases import Lease

FIRST_ROOM = 2
QUEUE_SECONDS, LONGEST_QUEUE = 4.0, 16
ENFORCE_SECONDS = 1.0
LOG_TAIL_BYTES = 2000
PREFIX = ".zkml-job-"


@dataclass(frozen=True)
class Made:
    """A proof as the process returned it, not yet verified by the worker."""

    lease: Lease
    text: bytes
    cost: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """An attempt that ended with an error."""

    lease: Lease
    error: ZkmlError


@dataclass(frozen=True)
class Crashed:
    """The end of the process at an item, and how it ended."""

    lease: Lease
    what: str


class ProverProcess:
    """The process for one circuit. Start it from a thread that lives as long: Linux kills it when that thread ends."""

    def __init__(
        self, circuit: CircuitRecord, artefacts: Artefacts, *, threads: int, max_ram: int, max_seconds: float | None = None
    ) -> None:
        """Start the process, the circuit's files in a private folder. Raises what `open_files` and `zkml.proof.Prover` raise."""
        self.circuit = circuit
        self.queue: deque[tuple[Lease, Fields]] = deque()
        self.since = time.monotonic()
        self._enforced = self.since
        self._seconds: float | None = None
        self._max_ram, self._max_seconds = max_ram, max_seconds
        self._over: ZkmlError | None = None
        self._holding = contextlib.ExitStack()
        parent = _folder_beside(circuit)
        try:
            self.folder = self._holding.enter_context(temporary(PREFIX, parent, folder=True))
            open_files(circuit, artefacts, self.folder)
            self._log = self.folder / "prover.log"
            self._start(threads)
        except OSError as e:
            self.close()
            raise EnvironmentFault(f"cannot lay the circuit's files out in {parent}: {e.strerror or e}", code="disk") from e
        except BaseException:
            self.close()
            raise

    def _start(self, threads: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("wb") as log:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                [sys.executable, "-m", "zkml.jobs.child", str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                env=os.environ | {"RAYON_NUM_THREADS": str(threads)},
                start_new_session=True,  # Ctrl-C is for the worker, which decides what becomes of this
            )
        self.connection = Connection(ours.detach())
        self._holding.callback(self.connection.close)
        self._watched = psutil.Process(self._process.pid)
        key = next(k for k in KEYS if k in self.circuit.keys)
        self.connection.send(("open", str(self.folder), key, SRS_FILE, threads))
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as e:
            raise EnvironmentFault(f"the prover does not start: {self._end()}", code="prover") from e
        if answer[0] == "failed":
            raise error_of(answer[1])

    @property
    def leases(self) -> list[Lease]:
        """The items that the process has: the one in proof first."""
        return [lease for lease, _ in self.queue]

    @property
    def room(self) -> int:
        """How many items to ask the store for; none while half of the queue is left."""
        depth = FIRST_ROOM
        if self._seconds is not None:
            depth = max(depth, min(LONGEST_QUEUE, 1 + int(QUEUE_SECONDS / max(self._seconds, 1e-3))))
        return depth - len(self.queue) if 2 * len(self.queue) <= depth else 0

    def put(self, lease: Lease, fields: Fields) -> None:
        """Put an item behind the others."""
        self.queue.append((lease, fields))
        if len(self.queue) == 1:
            self._next()

    def _next(self) -> None:
        self.since = time.monotonic()
        if self.queue:
            with contextlib.suppress(OSError):  # that it died is found by `receive`
                self.connection.send(("prove", self.queue[0][1]))

    def receive(self, timeout: float) -> Made | Failed | Crashed | None:
        """Return what became of the item in proof, or None when `timeout` seconds passed. After `Crashed` the process is gone."""
        if not self.queue:
            return None
        try:
            if not self.connection.poll(timeout):
                self._enforce()
                return None
            answer = self.connection.recv()
        except (EOFError, OSError):
            lease, _ = self.queue.popleft()
            how = self._end()
            return Failed(lease, self._over) if self._over is not None else Crashed(lease, how)
        lease, _ = self.queue.popleft()
        took = time.monotonic() - self.since
        self._seconds = took if self._seconds is None else (3 * self._seconds + took) / 4
        self._next()
        return Made(lease, *answer[1:]) if answer[0] == "proved" else Failed(lease, error_of(answer[1]))

    def _enforce(self) -> None:
        """Kill a proof that takes more memory or time than it may."""
        now = time.monotonic()
        if now - self._enforced < ENFORCE_SECONDS:  # looking for processes costs milliseconds
            return
        self._enforced, elapsed = now, now - self.since
        with contextlib.suppress(psutil.Error):
            used = self._watched.memory_info().rss + sum(p.memory_info().rss for p in self._watched.children(recursive=True))
            if used > self._max_ram:
                said = f"the proof takes {used} bytes of memory, more than the {self._max_ram} that this worker may use"
                self._over = InfeasibleError(said, hint="use a worker with more --max-ram", code="max-ram")
        if self._max_seconds is not None and elapsed > self._max_seconds:
            said = f"the proof takes longer than {self._max_seconds:g} s"
            self._over = InfeasibleError(said, hint="use a worker with more --max-time", code="max-time")
        if self._over is not None:
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _end(self) -> str:
        """Wait for the process that hung up, and return how it ended with the last that it said."""
        assert self._process is not None
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - LOG_TAIL_BYTES))
            said = log.read().decode(errors="replace").strip()
        how = (
            f"the proving process ended by {signal.Signals(-code).name}" if code < 0 else f"the proving process ended with {code}"
        )
        if code == -signal.SIGKILL:
            how += " (killed by somebody, or by the system for want of memory)"
        return f"{how}: {said}" if said else how

    def close(self) -> None:
        """End the process and remove its files."""
        process = getattr(self, "_process", None)
        if process is not None:
            self.kill()
            process.wait()
        self._holding.close()


def error_of(data: dict[str, Any]) -> ZkmlError:
    """Return an error of the process as an exception."""
    kind = getattr(errors, data.pop("kind"))
    message = data.pop("message")
    error: ZkmlError = kind(message, **data)
    return error


def _folder_beside(circuit: CircuitRecord) -> Path:
    """Return where to put links to a circuit's files: on their disk where one may write there, else among temporary files."""
    beside = circuit.bundle.parent
    if beside.is_dir() and os.access(beside, os.W_OK):
        return beside
    return Path(tempfile.gettempdir())
