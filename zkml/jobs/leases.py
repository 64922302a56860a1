"""Items taken and given back, under fences: a worker that lost its lease, and does not know it, changes nothing.

A transaction may run twice (`database.py`): what is written is written where the fence is still the one of the lease, and that an
attempt was recorded goes with it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.errors import ZkmlError
from zkml.jobs.database import Database
from zkml.jobs.tables import (
    ALIVE,
    CANCELLED,
    DONE,
    FAILED,
    LEASED,
    OPEN,
    SUBMITTING,
    WAITING,
    Attempt,
    Chunk,
    Circuit,
    Entry,
    Item,
    Job,
    Worker,
)

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 300.0
"""Seconds before an item is tried again: doubled with every attempt."""
MAX_MESSAGE = 2000
COUNTS = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times"}


class LeaseLost(Exception):
    """This worker was declared dead, and holds nothing any more."""


@dataclass(frozen=True)
class Lease:
    """An item that a worker holds: where its input lies, and the fence under which its outcome is written."""

    item: int
    digest: bytes
    circuit: int
    job: str
    chunk: str
    row: int
    row_bytes: int
    fence: int


@dataclass(frozen=True)
class Proof:
    """A verified proof in the artefact store, and what it cost."""

    digest: str
    statement: str
    seconds: float
    peak_ram: int
    threads: int
    engine: str
    device: str


@dataclass(frozen=True)
class Request:
    """What a worker can take: `ram` bytes of memory it may use, of `host_ram` for all on its machine; it holds circuit `held`,
    cannot use `blocked` ones, and works for `job` alone where that is not None. `holding` are items that it knows it holds."""

    want: int
    ram: int
    host_ram: int
    held: int | None = None
    job: str | None = None
    blocked: frozenset[int] = frozenset()
    holding: frozenset[int] = frozenset()
    place: int = 0


def lease(db: Database, worker: str, asked: Request) -> list[Lease]:
    """Take up to `want` items of one circuit, the circuit at hand first, then job by job. Raises `LeaseLost`.

    Items of circuits that need more memory than this worker may use, or than other workers leave on its machine, are not taken.
    """
    return db.write(lambda c: _lease(db, c, worker, asked))


def _lease(db: Database, c: Connection, worker: str, asked: Request) -> list[Lease]:
    me = c.execute(sa.select(Worker.host, Worker.reserved).where(Worker.id == worker, Worker.state == ALIVE)).first()
    if me is None:
        raise LeaseLost
    # A transaction whose answer was lost has leased what nobody knows of: it is taken here.
    mine = c.execute(sa.select(Item.id).where(Item.owner == worker, Item.id.not_in(asked.holding))).scalars().all()
    if mine:
        return _take(c, worker, mine, asked.place)
    jobs = sa.select(Job.id, Job.circuit, Circuit.ram).join(Circuit).where(Job.state.in_((SUBMITTING, OPEN)))
    jobs = jobs.where(Circuit.ram <= asked.ram)
    if asked.job is not None:
        jobs = jobs.where(Job.id == asked.job)
    if asked.blocked:
        jobs = jobs.where(Job.circuit.not_in(asked.blocked))
    now = db.now(c)
    for job in c.execute(jobs.order_by(Job.circuit != (asked.held or 0), Job.number)).all():
        found = _waiting(c, job.id, now, asked.want)
        if not found and asked.job is not None and _adopt(c, job.id):
            found = _waiting(c, job.id, now, asked.want)
        if not found:
            continue
        if job.circuit != asked.held or me.reserved < job.ram:
            if not _room(c, db, worker, me.host, job.ram, asked.host_ram):
                continue
            c.execute(sa.update(Worker).where(Worker.id == worker).values(reserved=job.ram))
        return _take(c, worker, found, asked.place)
    return []


def _waiting(c: Connection, job: str, now: float, want: int) -> Sequence[int]:
    """Return items of a job that may be tried now. One that waits for longer than any back-off had its clock set back."""
    due = sa.or_(Item.not_before <= now, Item.not_before > now + 2 * LONGEST_BACKOFF)
    query = sa.select(Item.id).where(Item.state == WAITING, Item.job == job, due)
    return c.execute(query.order_by(Item.id).limit(want).with_for_update(skip_locked=True)).scalars().all()


def _adopt(c: Connection, job: str) -> int:
    """Take over what waits in other jobs that asked for the same items: this one may be the only one with workers."""
    asked = sa.select(Entry.item).where(Entry.job == job)
    other = sa.update(Item).where(Item.state == WAITING, Item.job != job, Item.id.in_(asked))
    return int(c.execute(other.values(job=job)).rowcount)


def _room(c: Connection, db: Database, worker: str, host: str, ram: int, host_ram: int) -> bool:
    """Whether the workers on a machine leave room for a circuit."""
    if not db.sqlite:  # two workers must not both find the same room
        c.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:host))"), {"host": host})
    others = sa.select(sa.func.coalesce(sa.func.sum(Worker.reserved), 0))
    others = others.where(Worker.host == host, Worker.state == ALIVE, Worker.id != worker)
    return int(c.execute(others).scalar_one()) + ram <= host_ram


def _take(c: Connection, worker: str, items: Sequence[int], place: int) -> list[Lease]:
    values = {"state": LEASED, "owner": worker, "fence": Item.fence + 1, "place": place}
    c.execute(sa.update(Item).where(Item.id.in_(items)).values(**values))
    columns = (Item.id, Item.digest, Item.circuit, Item.job, Chunk.digest, Item.row, Chunk.row_bytes, Item.fence)
    rows = c.execute(sa.select(*columns).join(Chunk, Chunk.id == Item.chunk).where(Item.id.in_(items)).order_by(Item.id))
    return [Lease(row[0], bytes(row[1]), *row[2:]) for row in rows]


# ---- outcomes


# Written once, since building a statement takes longer than running it.
_DONE = sa.text(
    f"UPDATE items SET state = '{DONE}', owner = NULL, proof = :proof, statement = :statement, code = NULL, reason = NULL"  # noqa: S608
    f" WHERE id = :item AND owner = :worker AND fence = :fence AND state = '{LEASED}'"
)
_ATTEMPT = sa.insert(Attempt)


def finish(db: Database, worker: str, lease: Lease, proof: Proof) -> bool:
    """Record a verified proof; False when the lease was lost, and the proof is another's to make."""

    def work(c: Connection) -> bool:
        values = {"item": lease.item, "worker": worker, "fence": lease.fence, "proof": proof.digest, "statement": proof.statement}
        if c.execute(_DONE, values).rowcount == 1:
            cost = {k: getattr(proof, k) for k in ("seconds", "peak_ram", "threads", "engine", "device")}
            _attempt(c, lease.item, worker, "done", db.now(c), **cost)
            return True
        done = sa.select(Item.id).where(Item.id == lease.item, Item.state == DONE, Item.proof == proof.digest)
        return c.execute(done.where(Item.fence == lease.fence)).first() is not None

    return db.write(work)


def fail(db: Database, worker: str, lease: Lease, error: ZkmlError, *, again: bool) -> bool:
    """Record that an attempt failed: for good, or, with `again`, to be tried later unless it was tried often enough."""

    def work(c: Connection) -> bool:
        return _failed(db, c, worker, lease.item, lease.fence, error.code, error.message, again=again)

    return db.write(work)


def crashed(db: Database, worker: str, lease: Lease, what: str) -> bool:
    """Record that an item took the process that proved it down: it is tried again unless it did so too often."""
    return db.write(lambda c: _crashed(db, c, worker, lease.item, lease.fence, what))


def give_back(db: Database, worker: str, leases: Collection[Lease]) -> None:
    """Give items back that were not tried."""

    def work(c: Connection) -> None:
        for one in leases:
            _settle(c, worker, one, {"state": WAITING})

    if leases:
        db.write(work)


def still_held(db: Database, worker: str, leases: Collection[Lease]) -> set[int]:
    """Return those of these items that the worker still holds: a cancelled job takes its items away."""
    mine = sa.select(Item.id, Item.fence).where(Item.owner == worker, Item.id.in_([one.item for one in leases]))
    held = db.read(lambda c: {(row.id, row.fence) for row in c.execute(mine)}) if leases else set()
    return {one.item for one in leases if (one.item, one.fence) in held}


def release_all(db: Database, c: Connection, worker: str, died: str | None = None) -> None:
    """Give back all that a worker holds; where it died, the first that it took is what it was at."""
    held = sa.select(Item.id, Item.fence).where(Item.owner == worker, Item.state == LEASED)
    for i, row in enumerate(c.execute(held.order_by(Item.place, Item.id).with_for_update()).all()):
        if died is not None and i == 0:
            _crashed(db, c, worker, row.id, row.fence, died)
        else:
            c.execute(sa.update(Item).where(Item.id == row.id).values(state=WAITING, owner=None))


def _settle(c: Connection, worker: str, lease: Lease, values: dict[str, Any]) -> bool:
    return _write(c, worker, lease.item, lease.fence, values)


def _write(c: Connection, worker: str, item: int, fence: int, values: dict[str, Any]) -> bool:
    held = sa.update(Item).where(Item.id == item, Item.owner == worker, Item.fence == fence, Item.state == LEASED)
    return c.execute(held.values(owner=None, **values)).rowcount == 1


def _limits(c: Connection, item: int) -> Any:
    columns = (Item.attempts, Item.crashes, Job.max_attempts, Job.max_crashes)
    return c.execute(sa.select(*columns).join(Job, Job.id == Item.job).where(Item.id == item)).one()


def _failed(db: Database, c: Connection, worker: str, item: int, fence: int, code: str, message: str, *, again: bool) -> bool:
    had, now = _limits(c, item), db.now(c)
    tries = had.attempts + 1
    values: dict[str, Any] = {"attempts": tries, "code": code, "reason": message[:MAX_MESSAGE]}
    if again and tries < had.max_attempts:
        values |= {"state": WAITING, "not_before": now + backoff(tries)}
        outcome = "retry"
    else:
        values |= {"state": FAILED}
        outcome = "failed"
    if not _write(c, worker, item, fence, values):
        return False
    _attempt(c, item, worker, outcome, now, code=code, message=message[:MAX_MESSAGE])
    return True


def _crashed(db: Database, c: Connection, worker: str, item: int, fence: int, what: str) -> bool:
    had, now = _limits(c, item), db.now(c)
    crashes = had.crashes + 1
    values: dict[str, Any] = {"crashes": crashes, "code": "crashed"}
    if crashes >= had.max_crashes:
        values |= {"state": FAILED, "reason": f"killed its worker {times(crashes)}, at last: {what}"[:MAX_MESSAGE]}
    else:
        values |= {"state": WAITING, "reason": what[:MAX_MESSAGE], "not_before": now + backoff(crashes)}
    if not _write(c, worker, item, fence, values):
        return False
    _attempt(c, item, worker, "crashed", now, code="crashed", message=what[:MAX_MESSAGE])
    return True


def _attempt(c: Connection, item: int, worker: str, outcome: str, now: float, **values: Any) -> None:
    c.execute(_ATTEMPT, {"item": item, "worker": worker, "outcome": outcome, "at": now, **values})


def times(count: int) -> str:
    """Return how often, in words."""
    return COUNTS.get(count, f"{count} times")


def backoff(tries: int) -> float:
    """Return the seconds to wait after the `tries`-th attempt: doubled each time, not the same for all that failed at once."""
    return min(FIRST_BACKOFF * 2.0 ** min(tries - 1, 32), LONGEST_BACKOFF) * random.uniform(0.5, 1.0)  # noqa: S311


def cancel_items(c: Connection, job: str) -> int:
    """Cancel what a job has not done; what another job asks for goes on there. Return how many were cancelled."""
    open_items = (Item.job == job, Item.state.in_((WAITING, LEASED)))
    other = sa.select(Entry.job).join(Job, Job.id == Entry.job)
    other = other.where(Entry.item == Item.id, Entry.job != job, Job.state.in_((SUBMITTING, OPEN)))
    c.execute(sa.update(Item).where(*open_items, other.exists()).values(job=other.limit(1).scalar_subquery()))
    values = {"state": CANCELLED, "owner": None, "fence": Item.fence + 1, "code": None, "reason": None}
    return int(c.execute(sa.update(Item).where(*open_items).values(**values)).rowcount)
