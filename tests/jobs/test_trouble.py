"""What goes wrong around a job: each is handled, said, and nothing is lost or made twice."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from tests.jobs.conftest import Store, Tiny, inputs, opened
from tests.jobs.postgres import Server
from zkml.bundle import Bundle
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts
from zkml.jobs import circuits
from zkml.jobs.manage import cancel, counts, find, log, retry
from zkml.jobs.repair import make_again
from zkml.jobs.results import rows, write_results
from zkml.jobs.tables import Attempt, Chunk, Item
from zkml.jobs.worker import Options, Tally, Worker


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def done(store: Store) -> int:
    query = sa.select(sa.func.count()).where(Item.state == "done")
    return store.db.read(lambda c: int(c.execute(query).scalar_one()))


@contextmanager
def working(store: Store) -> Iterator[tuple[Worker, list[Tally]]]:
    """Run a draining worker beside the test; what it did is in the list at the end."""
    worker, tallies = Worker(store.db, store.artefacts, Options(1, 1 << 31, drain=True)), list[Tally]()
    thread = threading.Thread(target=lambda: tallies.append(worker.run()))
    thread.start()
    try:
        yield worker, tallies
    finally:
        thread.join(180)
        assert not thread.is_alive()


def moved(tiny: Tiny, folder: Path) -> Tiny:
    """Return a copy of the circuit that a test may damage."""
    return replace(tiny, bundle=Bundle.open(Path(shutil.copytree(tiny.bundle.folder, folder / "copy.zkml"))))


def wait_for(store: Store, proofs: int) -> None:
    wait_until(lambda: done(store) >= proofs)


def each_once(store: Store) -> bool:
    once = sa.select(Attempt.item).where(Attempt.outcome == "done")
    items = store.db.read(lambda c: c.execute(once).scalars().all())
    return len(items) == len(set(items)) == done(store)


def test_an_input_that_kills_its_worker_three_times_fails_and_no_other_does(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(4)).job
    poison = store.db.read(lambda c: c.execute(sa.select(sa.func.min(Item.id))).scalar_one()) + 1
    ended = threading.Event()
    with working(store) as (worker, tallies):

        def kill() -> None:
            """Kill the process that proves whenever it is at that item, as one that exhausts memory would have it killed."""
            while not ended.wait(0.005):
                process = worker._process
                if process is not None and process.leases[:1] and process.leases[0].item == poison:
                    process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        wait_until(lambda: tallies, 120)
        ended.set()
        killer.join()
    found = {row["position"]: row for batch in rows(store.db, job) for row in batch}
    assert (found[1]["state"], found[1]["code"], found[1]["crashes"]) == ("failed", "crashed", 3)
    assert "killed its worker three times" in found[1]["reason"]
    assert "SIGKILL" in found[1]["reason"]
    assert [found[i]["state"] for i in (0, 2, 3)] == ["done"] * 3
    assert find(store.db, job).state == "finished"
    assert [a["outcome"] for a in log(store.db, job, position=1)] == ["crashed"] * 3
    assert each_once(store)


def test_a_bundle_changed_after_submission_is_not_used(store: Store, tiny: Tiny) -> None:
    own = moved(tiny, store.folder)
    job = store.submit(own, inputs(2)).job
    key = own.bundle.path("prover_key")
    good = key.read_bytes()
    key.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(MismatchedArtifacts) as error:
        store.work()
    assert error.value.code == "bundle-changed"
    assert "prover.key" in (find(store.db, job).problem or "")
    assert counts(store.db, job)["waiting"] == 2
    key.write_bytes(good)
    assert store.work().proved == 2
    assert find(store.db, job).problem is None


def test_missing_keys_are_said_and_come_from_the_store_where_they_were_shipped(store: Store, tiny: Tiny) -> None:
    own = moved(tiny, store.folder)
    job = store.submit(own, inputs(2)).job
    circuit = store.record(own)
    key = own.bundle.path("prover_key")
    good = key.read_bytes()
    key.unlink()
    with pytest.raises(EnvironmentFault) as error:
        store.work()
    assert error.value.code == "keys-missing"
    assert error.value.hint is not None
    assert "--ship" in error.value.hint
    key.write_bytes(good)
    circuits.ship(store.db, circuit, store.artefacts)
    shutil.rmtree(own.bundle.folder)
    assert store.work(job=job).proved == 2


def test_an_input_changed_in_the_store_fails_alone(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(2), max_attempts=1).job
    digest = store.db.read(lambda c: str(c.execute(sa.select(Chunk.digest)).scalar_one()))
    path = store.folder / "store" / "sha256" / digest[:2] / digest
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    store.work()
    found = [row for batch in rows(store.db, job) for row in batch]
    assert [(row["state"], row["code"]) for row in found] == [("failed", "changed"), ("done", None)]


def test_proofs_that_the_store_lost_are_made_again_when_asked(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(3)).job
    store.work()
    found = [row["proof_sha256"] for batch in rows(store.db, job) for row in batch]
    place = store.folder / "store" / "sha256"
    (place / found[0][:2] / found[0]).unlink()
    (place / found[1][:2] / found[1]).write_bytes(b"{}")
    with pytest.raises(MalformedArtifact) as error:
        write_results(store.db, store.artefacts, find(store.db, job), store.folder / "out")
    assert error.value.code in ("missing", "changed")
    assert not (store.folder / "out").exists()
    assert make_again(store.db, store.artefacts, find(store.db, job)) == 2
    assert store.work().proved == 2
    assert write_results(store.db, store.artefacts, find(store.db, job), store.folder / "out").proofs == 3


def test_a_database_that_goes_away_and_comes_back_loses_nothing(tiny: Tiny, tmp_path: Path, server: Server) -> None:
    with Server() as own:
        for store in opened(tmp_path, own.url, patience=60):
            job = store.submit(tiny, inputs(12)).job
            with working(store) as (_, tallies):
                for count in (2, 6):
                    wait_for(store, count)
                    own.stop()
                    time.sleep(1)
                    own.start()
            assert tallies[0].proved == 12
            assert find(store.db, job).state == "finished"
            assert each_once(store)


def test_a_locked_database_holds_up_and_loses_nothing(store: Store, tiny: Tiny) -> None:
    store.submit(tiny, inputs(4))
    with working(store) as (_, tallies):
        wait_for(store, 1)
        with sqlite3.connect(store.folder / "jobs.db", isolation_level=None) as other:
            other.execute("PRAGMA busy_timeout=20000")
            other.execute("BEGIN IMMEDIATE")
            time.sleep(2)
            other.execute("ROLLBACK")
    assert tallies[0].proved == 4
    assert each_once(store)


def test_a_full_disk_holds_a_worker_up_and_costs_no_item_an_attempt(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(6)).job
    command = [sys.executable, "-m", "zkml.cli", "worker", "--drain", "--threads", "1", "--max-ram", "2GB"]
    worker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | store.environment(tiny))
    assert worker.stderr is not None
    said: list[str] = []
    reader = threading.Thread(target=said.extend, args=(worker.stderr,))
    reader.start()
    wait_for(store, 1)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    psutil.Process(worker.pid).rlimit(psutil.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))  # no file may grow beyond this
    wait_until(lambda: any("waiting for" in line for line in said), 90)
    made = done(store)
    psutil.Process(worker.pid).rlimit(psutil.RLIMIT_FSIZE, unlimited)
    assert worker.wait(120) == 0
    reader.join()
    worker.stderr.close()
    assert made < 6
    assert counts(store.db, job)["done"] == 6
    assert [a["outcome"] for a in log(store.db, job)] == ["done"] * 6


def test_a_cancelled_job_stops_under_way_and_can_be_taken_up_again(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(12)).job
    with working(store) as (_, tallies):
        wait_for(store, 1)
        cancelled = cancel(store.db, find(store.db, job))
    assert 0 < cancelled < 12
    assert tallies[0].proved + cancelled == 12
    assert find(store.db, job).state == "cancelled"
    assert retry(store.db, find(store.db, job)) == cancelled
    assert store.work().proved == cancelled
    assert find(store.db, job).state == "finished"
    assert each_once(store)


def test_sigterm_finishes_the_proof_under_way_and_gives_the_rest_back(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(50)).job
    command = [sys.executable, "-m", "zkml.cli", "worker", "--threads", "1", "--max-ram", "2GB", "--json"]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | store.environment(tiny))
    wait_for(store, 2)
    worker.send_signal(signal.SIGTERM)
    out, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert b'"stopped": true' in out
    found = counts(store.db, job)
    assert (found["leased"], found["done"] + found["waiting"]) == (0, 50)
    assert {a["outcome"] for a in log(store.db, job)} == {"done"}
