"""`zkml job run` under kills: coordinator, workers and the processes that prove are killed (-9) at random while it runs."""

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

import psutil
import sqlalchemy as sa

from tests.jobs.conftest import Store, Tiny
from zkml.jobs.manage import find
from zkml.jobs.results import rows
from zkml.jobs.tables import DONE, Attempt, Item
from zkml.protocol import decode, read_proof
from zkml.verifier.native import NativeVerifier
from zkml.verifier.policy import Policy

ANY = Policy(allow_unsafe_srs=True, allow_unaudited=True)
ROLES = ("coordinator", "worker", "prover")


class Run:
    """The command, started again whenever it was killed."""

    def __init__(self, store: Store, tiny: Tiny, job: str, workers: int) -> None:
        out = store.folder / "results"
        self._command = [sys.executable, "-m", "zkml.cli", "job", "run", job, "--workers", str(workers), "--threads", "1"]
        self._command += ["--max-ram", "2GB", "--out", str(out), "--json"]
        self._environment = os.environ | store.environment(tiny)
        self._log = store.folder / "run.log"
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=log, env=self._environment, start_new_session=True
            )

    def said(self) -> str:
        return self._log.read_text()[-4000:]

    def victims(self, role: str) -> list[psutil.Process]:
        """Return the processes of this role that live now."""
        found = []
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.process.pid)
            if role == "coordinator":
                return [top]
            for process in top.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    line = process.cmdline()
                    if ("worker" in line) if role == "worker" else ("zkml.jobs.child" in line):
                        found.append(process)
        return found


def done(store: Store) -> int:
    query = sa.select(sa.func.count()).where(Item.state == DONE)
    return store.db.read(lambda c: int(c.execute(query).scalar_one()))


def run_under_kills(store: Store, tiny: Tiny, job: str, *, items: int, kills: int, seed: int, seconds: float) -> Counter[str]:
    """Run a job to its end while killing its processes, spread over its length; return how many of each role were killed."""
    rng = random.Random(seed)
    moments = sorted(rng.sample(range(items - 1), kills))
    killed: Counter[str] = Counter()
    run = Run(store, tiny, job, workers=2)
    deadline = time.monotonic() + seconds
    try:
        while run.process.poll() != 0:
            assert time.monotonic() < deadline, f"{done(store)} of {items} proved, {killed}\n{run.said()}"
            if run.process.poll() is not None:
                assert run.process.returncode == -signal.SIGKILL, run.said()
                run.start()
            if moments and done(store) >= moments[0]:
                role = ROLES[sum(killed.values()) % len(ROLES)]
                victims = run.victims(role)
                if victims:
                    time.sleep(rng.uniform(0, 0.2))
                    with contextlib.suppress(psutil.Error):
                        rng.choice(victims).kill()
                        killed[role] += 1
                        moments.pop(0)
            time.sleep(0.05)
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait()
    return killed


def check_each_once(store: Store, job: str, items: int) -> None:
    """Assert that every item has exactly one proof, made once, that verifies, and that the results have them all."""
    found = [row for batch in rows(store.db, job) for row in batch]
    assert [row["position"] for row in found] == list(range(items))
    assert {row["state"] for row in found} == {DONE}
    once = sa.select(Attempt.item).where(Attempt.outcome == "done")
    made = Counter(store.db.read(lambda c: c.execute(once).scalars().all()))
    assert len(made) == items
    assert set(made.values()) == {1}
    results = store.folder / "results"
    verifier = NativeVerifier(decode((results / "protocol.json").read_bytes()))
    statements = set()
    for row in found:
        proof = read_proof((results / row["proof"]).read_bytes())
        assert verifier.check(proof, ANY).accepted
        statements.add(proof.instances)
    assert len({row["proof"] for row in found}) == items
    assert len(statements) == items
    written = [json.loads(line) for line in (results / "manifest.jsonl").read_text().splitlines()]
    assert written == found
    assert find(store.db, job).state == "finished"


def leftovers(folder: Path) -> list[str]:
    """Return the private folders that killed workers left beside a bundle."""
    return sorted(p.name for p in folder.iterdir() if p.name.startswith(".zkml-job-"))
