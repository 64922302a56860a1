"""A job on a Ray cluster of several nodes on this machine, while nodes, workers and the coordinator are killed (-9).

    python -m tests.jobs.ray_chaos JOB KILLS SEED SECONDS OUT

Ray listens on every address of its machine, so this runs in a network of its own that has the loopback alone (`unshare --net`).
Prints how many of each were killed, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from zkml.jobs.database import Database
from zkml.jobs.tables import DONE, Item

ROLES = ("node", "coordinator", "worker", "node", "prover")
NODE: dict[str, Any] = {"num_cpus": 1, "memory": 600 << 20, "object_store_memory": 80 << 20, "include_dashboard": False}


def main() -> None:
    job, kills, seed, seconds, out = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args=NODE | {"num_cpus": 0})
    nodes = [cluster.add_node(**NODE) for _ in range(2)]
    db = Database()
    run = Run(job, cluster.address, out)
    killed: Counter[str] = Counter()
    rng = random.Random(seed)
    total = count(db)
    # The last of them early enough that there is still something to kill.
    moments = sorted(rng.sample(range(total * 4 // 5), kills))
    deadline = time.monotonic() + seconds
    try:
        while (code := run.process.poll()) != 0:
            if time.monotonic() > deadline:
                raise SystemExit(f"{count(db, DONE)} of {total} proved, {killed}\n{run.said()}")
            if code is not None:
                if code != -signal.SIGKILL:
                    raise SystemExit(f"status {code}\n{run.said()}")
                run.start()
            if moments and count(db, DONE) >= moments[0]:
                role = ROLES[sum(killed.values()) % len(ROLES)]
                if role == "node":
                    cluster.remove_node(nodes.pop(rng.randrange(len(nodes))), allow_graceful=False)
                    nodes.append(cluster.add_node(**NODE))
                elif not kill(rng, run, role):
                    continue
                killed[role] += 1
                moments.pop(0)
            time.sleep(0.05)
    finally:
        run.end()
        cluster.shutdown()
    print(json.dumps(killed))


def count(db: Database, state: str | None = None) -> int:
    query = sa.select(sa.func.count()).select_from(Item)
    return db.read(lambda c: int(c.execute(query if state is None else query.where(Item.state == state)).scalar_one()))


class Run:
    """`zkml job run` on the cluster, started again whenever it was killed."""

    def __init__(self, job: str, address: str, out: str) -> None:
        self._command = [sys.executable, "-m", "zkml.cli", "job", "run", job, "--on", address, "--workers", "2"]
        self._command += ["--threads", "1", "--max-ram", "512MB", "--out", out, "--json"]
        self._log = Path(f"{out}.log")
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process: Any = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)

    def said(self) -> str:
        return self._log.read_text()[-6000:]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


def kill(rng: random.Random, run: Run, role: str) -> bool:
    """Kill a process of this role; return whether there was one."""
    if role == "coordinator":
        victims = [psutil.Process(run.process.pid)] if run.process.poll() is None else []
    else:
        victims = workers()
        if role == "prover":
            victims = [c for w in victims for c in children(w) if "zkml.jobs.child" in command(c)]
    if not victims:
        return False
    with contextlib.suppress(psutil.Error):
        rng.choice(victims).kill()
    return True


def workers() -> list[psutil.Process]:
    """Return the workers of this database: other jobs may run on this machine."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "worker" in process.cmdline() and process.environ().get("ZKML_JOBS_DB") == os.environ["ZKML_JOBS_DB"]:
                found.append(process)
    return found


def children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


if __name__ == "__main__":
    main()
