"""Workers on the nodes of a Ray cluster.

Ray places them and says when a node is lost; it keeps nothing that matters. A worker there is `zkml worker`, as everywhere: it
takes leases from the job database by its URL, and inputs, keys and circuit from the artefact store. What a lost node held is
taken up by others when its beats stop, and another worker is asked for in its place.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from zkml.errors import EnvironmentFault, InfeasibleError, UsageError, ZkmlError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.leases import times
from zkml.jobs.local import MAX_STARTS, PARENT, error_in
from zkml.jobs.manage import close_finished, find
from zkml.jobs.stop import Stop
from zkml.jobs.tables import FINISHED

POLL_SECONDS = 0.5
FINISHED_SECONDS = 2.0
KNOCK_SECONDS = 10.0
LOCAL = "local"
AUTO = "ray"
MiB = 1 << 20


class NodeWorker:
    """An actor: one `zkml worker` on the node where Ray placed it. It ends with the actor."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._arguments, self._environment = arguments, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def versions(self) -> dict[str, str]:
        """Return what must be the same on all nodes."""
        return {"zkml": own_version(), "python": platform.python_version()}

    def work(self) -> tuple[int, bytes]:
        """Work until the job has nothing left; return the worker's status and what it printed."""
        if self._stopped:
            return 0, b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zkml.cli", "worker", *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=os.environ | self._environment | {PARENT: str(os.getpid())},
            start_new_session=True,
        )
        out, _ = self._process.communicate()
        return self._process.returncode, out

    def stop(self) -> None:
        """Have the worker finish or give back what it holds."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)


@dataclass
class _Slot:
    actor: Any
    answer: Any
    starts: int = 1
    checked: bool = False


def connect(address: str) -> Any:
    """Return Ray, connected to the cluster at `ray://HOST:PORT`, `HOST:PORT`, or, for `ray`, the one that this machine is in.

    Raises `EnvironmentFault` when Ray is not installed, nothing answers, or versions differ.
    """
    try:
        ray = import_module("ray")
    except ModuleNotFoundError as e:
        raise EnvironmentFault("Ray is not installed", hint="pip install 'zkml[ray]'", code="no-ray") from e
    # Ray must not send statistics anywhere, nor take the job's standard output.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = "auto" if address == AUTO else address
    try:
        if address != AUTO:
            _knock(address)  # Ray itself tries for minutes
        ray.init(address=where, log_to_driver=False, configure_logging=True, logging_level=logging.ERROR)
    except RuntimeError as e:  # Ray compares its own version and Python's
        raise EnvironmentFault(f"the cluster at {address} cannot be used: {_line(e)}", code="ray-version") from e
    except (ConnectionError, TimeoutError, ValueError, OverflowError, OSError) as e:
        raise EnvironmentFault(
            f"there is no Ray cluster at {address}: {_line(e)}",
            hint="`ray start --head` starts one; --on ray://HOST:10001 names one elsewhere",
            code="no-cluster",
        ) from e
    return ray


class ClusterWorkers:
    """A number of workers for one job on a Ray cluster, as `LocalWorkers` are on this machine."""

    def __init__(
        self,
        db: Database,
        artefacts: Artefacts,
        job: str,
        count: int,
        arguments: list[str],
        *,
        address: str,
        threads: int,
        ram: int,
        gpus: float = 0,
    ) -> None:
        """`ram` bytes and `threads` cores, and `gpus`, are what each worker is given by Ray.

        Raises `InfeasibleError` when no node has as much, `UsageError` when nodes elsewhere could not reach database or store,
        and what `connect` raises.
        """
        self._db, self._job = db, job
        self._ray = connect(address)
        try:
            nodes = [node for node in self._ray.nodes() if node["Alive"]]
            check_reach(nodes, self._ray.util.get_node_ip_address(), db, artefacts)
            check_room(nodes, threads, ram, gpus)
            actor = self._ray.remote(NodeWorker)
            self._remote = actor.options(
                num_cpus=threads,
                memory=ram,
                num_gpus=gpus,
                max_restarts=0,
                max_concurrency=2,  # `stop` while `work` is under way
                scheduling_strategy="SPREAD",
            )
            self._arguments = ["--job", job, "--drain", "--json", *arguments]
            self._environment = {"ZKML_JOBS_DB": db.url, "ZKML_JOBS_STORE": artefacts.url}
            self._slots = [self._start() for _ in range(count)]
        except BaseException:
            self._ray.shutdown()
            raise

    def _start(self, starts: int = 1) -> _Slot:
        actor = self._remote.remote(self._arguments, self._environment)
        return _Slot(actor, actor.versions.remote(), starts)

    def watch(self, stop: Stop, on_poll: Callable[[], None], say: Callable[[str], None]) -> ZkmlError | None:
        """Wait until the job has nothing left, asking for another worker where one was lost; return the error that ended one.

        A worker for which there is no room is waited for until the job is finished. Raises `EnvironmentFault` when workers do
        nothing but die, or a node has another version of zkml.
        """
        lost = (self._ray.exceptions.RayActorError, self._ray.exceptions.WorkerCrashedError)
        error: ZkmlError | None = None
        looked = time.monotonic()
        while self._slots:
            if stop.wait(0):
                self.stop()
                return None
            on_poll()
            ready, _ = self._ray.wait([s.answer for s in self._slots], num_returns=1, timeout=POLL_SECONDS)
            for slot in [s for s in self._slots if s.answer in ready]:
                self._slots.remove(slot)
                try:
                    value = self._ray.get(slot.answer)
                except lost as e:
                    self._lost(slot, e, say)
                    continue
                if not slot.checked:
                    check_versions(value)
                    self._slots.append(_Slot(slot.actor, slot.actor.work.remote(), slot.starts, checked=True))
                    continue
                code, text = value
                if code < 0:
                    say(f"a worker was killed ({signal.Signals(-code).name}): another takes its place")
                    self._again(slot)
                elif found := error_in(text, code):
                    error = found
            if time.monotonic() - looked > FINISHED_SECONDS:
                close_finished(self._db)
                if find(self._db, self._job).state == FINISHED:
                    break
                looked = time.monotonic()
        self.stop()
        return error

    def _lost(self, slot: _Slot, error: Exception, say: Callable[[str], None]) -> None:
        if "ModuleNotFoundError" in str(error):
            raise EnvironmentFault(f"zkml cannot be started on a node: {_line(error)}", code="ray-version")
        say("a worker's node was lost: another takes its place")
        self._again(slot)

    def _again(self, slot: _Slot) -> None:
        if slot.starts >= MAX_STARTS:
            raise EnvironmentFault(f"a worker was lost {times(slot.starts)}", code="workers-die")
        self._slots.append(self._start(slot.starts + 1))

    def stop(self, grace: float = 60.0) -> None:
        """Have the workers finish or give back what they hold, and leave the cluster."""
        slots, self._slots = self._slots, []
        for slot in slots:
            slot.actor.stop.remote()
        if working := [slot.answer for slot in slots if slot.checked]:
            self._ray.wait(working, num_returns=len(working), timeout=grace)
        for slot in slots:
            self._ray.kill(slot.actor)
        self._ray.shutdown()


def check_reach(nodes: list[dict[str, Any]], own: str, db: Database, artefacts: Artefacts) -> None:
    """Raise `UsageError` when nodes are on other machines and database or store are files of this one."""
    elsewhere = {n["NodeManagerAddress"] for n in nodes} - {own, "127.0.0.1"}
    if not elsewhere:
        return
    if db.sqlite:
        raise UsageError(
            f"the cluster has nodes on {len(elsewhere)} other machines, which cannot use a database in a file here",
            hint="--db postgresql://HOST/NAME, and submit the job there",
            code="cluster-database",
        )
    if artefacts.local is not None:
        raise UsageError(
            f"the cluster has nodes on {len(elsewhere)} other machines, which cannot use a store in a folder here",
            hint="--store s3://BUCKET/PREFIX, and submit the job there",
            code="cluster-store",
        )


def check_room(nodes: list[dict[str, Any]], threads: int, ram: int, gpus: float) -> None:
    """Raise `InfeasibleError` when no node could ever hold a worker."""
    wanted = {"CPU": float(threads), "memory": float(ram), "GPU": float(gpus)}
    if any(all(n["Resources"].get(name, 0.0) >= amount for name, amount in wanted.items()) for n in nodes):
        return
    most = {name: max((n["Resources"].get(name, 0.0) for n in nodes), default=0.0) for name in wanted}
    raise InfeasibleError(
        f"no node of the cluster has room for a worker of {threads} cores, {ram // MiB} MiB"
        + (f" and {gpus:g} GPUs" if gpus else "")
        + f": the most that {len(nodes)} have is {most['CPU']:g} cores, {int(most['memory']) // MiB} MiB"
        + (f", {most['GPU']:g} GPUs" if gpus else ""),
        hint="--threads, --max-ram; `ray start --memory` says what a node may use",
        code="cluster-room",
    )


def check_versions(found: dict[str, str]) -> None:
    """Raise `EnvironmentFault` when a node has another version of zkml than this machine."""
    if found["zkml"] != own_version():
        raise EnvironmentFault(
            f"a node of the cluster has zkml {found['zkml']}, this machine {own_version()}",
            hint="install the same version on all nodes",
            code="ray-version",
        )


def own_version() -> str:
    """Return the version of the zkml that is installed where this runs."""
    return version("zkml")


def _knock(address: str) -> None:
    """Raise `UsageError` on an address that is none, `OSError` when nothing listens there."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise UsageError(f"{address!r} is no address of a Ray cluster", hint="ray://HOST:PORT, HOST:PORT, or ray", code="cluster")
    socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
