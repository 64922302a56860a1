"""Jobs as functions and futures, for threads and for asyncio.

    with zkml.jobs.open(workers=2) as jobs:
        job = jobs.submit(bundle, {"x": x})
        for item in concurrent.futures.as_completed(job.items):
            print(item.position, item.result().statement)

    async with zkml.jobs.open(workers=2) as jobs:
        job = await jobs.submit_async(bundle, {"x": x})
        proofs = await job

One thread watches the store, one more the workers of each job; the event loop waits for neither.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import sqlalchemy as sa

from zkml import errors
from zkml.api import find_srs, opened
from zkml.bundle import Bundle
from zkml.errors import InfeasibleError, SampleError, UsageError, ZkmlError
from zkml.jobs import circuits, manage
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.inputs import Inputs
from zkml.jobs.local import LocalWorkers
from zkml.jobs.stop import Stop
from zkml.jobs.submit import MAX_ATTEMPTS, MAX_CRASHES, submit
from zkml.jobs.tables import CANCELLED, DONE, FAILED, Entry, Item
from zkml.keys.srs import Srs
from zkml.model import load
from zkml.protocol import Proof, read_proof

POLL_SECONDS, PATIENCE = 0.1, 10
"""The store is asked this often, or as seldom as keeps the asking below a tenth of the time."""


@dataclass(frozen=True)
class ItemProof:
    """The verified proof of one item: SHA-256 of its text and of its public values."""

    position: int
    proof: str
    statement: str
    _artefacts: Artefacts = field(repr=False, compare=False)

    def text(self) -> bytes:
        """Return the `proof.json`. Raises `MalformedArtifact` when the store has lost it."""
        return self._artefacts.get(self.proof)

    def read(self) -> Proof:
        """Return the proof. Raises what `text` raises."""
        return read_proof(self.text())


class ItemFuture(concurrent.futures.Future[ItemProof]):
    """One entry of a job. `result` raises the typed error of an item that failed, `SampleError` for a malformed one."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position

    def cancel(self) -> bool:
        """Return False: items are cancelled with their job, so that a waiter that gives up takes nothing from the others."""
        return False

    def __await__(self) -> Generator[Any, None, ItemProof]:
        return asyncio.wrap_future(self).__await__()

    def end(self) -> None:
        """Mark the item as cancelled: its job was, or nobody watches it any more."""
        if not self.cancelled() and super().cancel():
            self.set_running_or_notify_cancel()


class JobFuture:
    """A job: `id` in the store, and a future for each entry in `items`."""

    def __init__(self, db: Database, id: str, items: list[ItemFuture]) -> None:
        self._db, self.id, self.items = db, id, items

    def done(self) -> bool:
        """Whether every item has its proof, or has none for good."""
        return all(item.done() for item in self.items)

    def result(self, timeout: float | None = None) -> list[ItemProof]:
        """Return the proofs in order. Raises the first error of an item, `CancelledError`, `TimeoutError` after `timeout` s."""
        done, _ = concurrent.futures.wait(self.items, timeout, concurrent.futures.FIRST_EXCEPTION)
        for item in self.items:
            if item in done:
                item.result()
        if len(done) < len(self.items):
            raise TimeoutError(f"{len(self.items) - len(done)} of {len(self.items)} items are not done")
        return [item.result() for item in self.items]

    def __await__(self) -> Generator[Any, None, list[ItemProof]]:
        return asyncio.gather(*(asyncio.wrap_future(item) for item in self.items)).__await__()

    def cancel(self) -> int:
        """Cancel what is not done, and return how many items nobody makes any more; proofs made are kept.

        Returns at once: the futures of these items end when the store says so. Use `asyncio.to_thread` on an event loop.
        """
        return manage.cancel(self._db, manage.find(self._db, self.id))


class Jobs:
    """A job store, opened. Leaving it stops its workers and its watch; jobs stay in the store and go on with other workers."""

    def __init__(
        self,
        url: str | None = None,
        *,
        store: str | None = None,
        workers: int = 0,
        threads: int | None = None,
        max_ram: int | None = None,
    ) -> None:
        self.db, self.artefacts = Database(url), Artefacts(store)
        self._workers = workers
        self._arguments = ["--threads", str(threads)] if threads is not None else []
        self._arguments += ["--max-ram", str(max_ram)] if max_ram is not None else []
        self._stop = Stop()
        self._lock = threading.Lock()
        self._settling = threading.RLock()
        self._watched: list[JobFuture] = []
        self._threads: list[threading.Thread] = []
        self._start(self._watch)

    def submit(
        self,
        bundle: Bundle | Path | str,
        inputs: Mapping[str, np.ndarray] | Path | str,
        *,
        srs: Srs | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        max_crashes: int = MAX_CRASHES,
        ram: int | None = None,
    ) -> JobFuture:
        """Queue a proof of each sample of `inputs`: arrays by input name, samples along the first axis, or a file of them.

        The same inputs again are the same job. Raises what `zkml.jobs.circuits.register` and `Inputs.read` raise, `UsageError`
        on a closed store. Blocks while it reads and writes: `submit_async` does not.
        """
        if self._stop.is_set():
            raise UsageError("these jobs were closed", code="closed")
        found = opened(bundle)
        source = Inputs(load(found.path("model")))
        batches = source.of_arrays(inputs) if isinstance(inputs, Mapping) else source.read(inputs)
        circuit = circuits.register(self.db, found, find_srs(found, srs), ram=ram)
        taken = submit(
            self.db,
            self.artefacts,
            circuit,
            batches,
            name=name or found.name,
            max_attempts=max_attempts,
            max_crashes=max_crashes,
        )
        job = JobFuture(self.db, taken.job, [ItemFuture(i) for i in range(taken.entries)])
        with self._lock:
            self._watched.append(job)
        if self._workers:
            self._start(lambda: self._work(job))
        return job

    async def submit_async(
        self, bundle: Bundle | Path | str, inputs: Mapping[str, np.ndarray] | Path | str, **options: Any
    ) -> JobFuture:
        """Do as `submit`, in another thread."""
        return await asyncio.to_thread(self.submit, bundle, inputs, **options)

    def close(self) -> None:
        """Stop workers and watch; futures that are not done are cancelled, their jobs are not."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for job in self._watched:
            for item in job.items:
                item.end()
        self.db.close()

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Jobs:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.close)

    # ---- in threads of their own

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="zkml-jobs", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, job: JobFuture) -> None:
        """Have workers make the job; they end with the thread that started them."""
        local: LocalWorkers | None = None
        try:
            local = LocalWorkers(self.db, self.artefacts, job.id, self._workers, self._arguments)
            error = local.watch(self._stop, lambda: None, lambda _: None)
        except Exception as e:
            if local is not None:
                local.stop()
            error = e if isinstance(e, ZkmlError) else errors.InternalFault(f"{type(e).__name__}: {e}")
        if error is not None:
            with self._settling:
                self._settle(job)
                for item in job.items:
                    _fail(item, error)

    def _watch(self) -> None:
        pause = POLL_SECONDS
        while not self._stop.wait(pause):
            began = time.monotonic()
            with self._lock:
                self._watched = [job for job in self._watched if not job.done()]
                watched = list(self._watched)
            for job in watched:
                try:
                    with self._settling:
                        self._settle(job)
                except ZkmlError as e:  # the database stayed away
                    with self._settling:
                        for item in job.items:
                            _fail(item, e)
            pause = max(POLL_SECONDS, PATIENCE * (time.monotonic() - began))

    def _settle(self, job: JobFuture) -> None:
        """Give the futures of a job what became of their items."""
        columns = (Entry.position, Entry.item, Entry.code.label("bad"), Entry.reason.label("why"))
        query = sa.select(*columns, Item.state, Item.proof, Item.statement, Item.code, Item.reason)
        query = query.outerjoin(Item, Item.id == Entry.item).where(Entry.job == job.id)
        query = query.where(sa.or_(Entry.item.is_(None), Item.state.in_((DONE, FAILED, CANCELLED))))
        cancelled = manage.find(self.db, job.id).state == CANCELLED
        for row in self.db.read(lambda c: c.execute(query).all()):
            item = job.items[row.position]
            if item.done():
                continue
            if row.item is None:
                _fail(item, SampleError(row.why, code=row.bad))
            elif row.state == DONE:
                item.set_result(ItemProof(row.position, row.proof, row.statement, self.artefacts))
            elif row.state == FAILED:
                _fail(item, typed(row.code, row.reason))
            else:
                item.end()
        if cancelled:
            for item in job.items:
                item.end()


def _fail(item: ItemFuture, error: ZkmlError) -> None:
    if not item.done():
        item.set_exception(error)


KINDS: dict[str, type[ZkmlError]] = {
    kind.default_code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ZkmlError)
} | {"max-ram": InfeasibleError, "max-time": InfeasibleError, "crashed": errors.EnvironmentFault}


def typed(code: str | None, reason: str | None) -> ZkmlError:
    """Return the error of an item that failed, by its code; a `ZkmlError` where the code alone does not tell its kind."""
    return KINDS.get(code or "", ZkmlError)(reason or "the item failed", code=code)


def open_jobs(
    url: str | None = None,
    *,
    store: str | None = None,
    workers: int = 0,
    threads: int | None = None,
    max_ram: int | None = None,
) -> Jobs:
    """Open the job store at `url` (by default `$ZKML_JOBS_DB`, then SQLite under `$ZKML_HOME`), artefacts at `store`.

    With `workers`, each submitted job gets so many processes on this machine, of `threads` and `max_ram` bytes; with none, jobs
    wait for `zkml worker` somewhere. Raises what `Database` and `Artefacts` raise.
    """
    return Jobs(url, store=store, workers=workers, threads=threads, max_ram=max_ram)
