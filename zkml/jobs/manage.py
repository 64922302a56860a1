"""Jobs as a whole: list, state, finished or not, cancelled, tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.errors import UsageError
from zkml.jobs.database import Database
from zkml.jobs.leases import cancel_items
from zkml.jobs.tables import (
    CANCELLED,
    DONE,
    FAILED,
    FINISHED,
    LEASED,
    OPEN,
    SUBMITTING,
    WAITING,
    Attempt,
    Circuit,
    Entry,
    Item,
    Job,
)

UNFINISHED = (WAITING, LEASED)
LOG_BATCH = 1000


@dataclass(frozen=True)
class JobInfo:
    """A job's row: `number` counts jobs up, `digest` is that of its entries once all were taken in."""

    id: str
    number: int
    name: str
    state: str
    circuit: int
    circuit_id: str
    digest: str | None
    entries: int
    created: float
    finished: float | None
    max_attempts: int
    max_crashes: int
    options: dict[str, Any]
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


_INFO = sa.select(
    Job.id,
    Job.number,
    Job.name,
    Job.state,
    Job.circuit,
    Circuit.circuit_id,
    Job.digest,
    Job.entries,
    Job.created,
    Job.finished,
    Job.max_attempts,
    Job.max_crashes,
    Job.options,
    Circuit.problem,
).join(Circuit, Circuit.id == Job.circuit)


def _info(row: Any) -> JobInfo:
    return JobInfo(**dict(row._mapping) | {"options": json.loads(row.options)})


def find(db: Database, job: str) -> JobInfo:
    """Return the job of this id, or of the only id that begins so, or of this number. Raises `UsageError`."""
    number = int(job) if job.isdecimal() and len(job) < 8 else -1
    which = sa.or_(Job.id.startswith(job, autoescape=True), Job.number == number)
    rows = db.read(lambda c: c.execute(_INFO.where(which).order_by(Job.number).limit(20)).all()) if job else []
    exact = [r for r in rows if r.id == job] or [r for r in rows if r.number == number] or rows
    if len(exact) == 1:
        return _info(exact[0])
    if not exact:
        raise UsageError(f"there is no job {job!r} in {db.shown}", hint="`zkml job list` shows all", code="no-job")
    raise UsageError(f"{job!r} begins several jobs: {', '.join(r.id for r in exact)}", hint="say more of it", code="no-job")


def jobs(db: Database, *, states: Sequence[str] = (), limit: int = 1000) -> list[JobInfo]:
    """Return the newest jobs, newest first."""
    query = _INFO.where(Job.state.in_(states)) if states else _INFO
    return [_info(r) for r in db.read(lambda c: c.execute(query.order_by(Job.number.desc()).limit(limit)).all())]


def counts(db: Database, job: str) -> dict[str, int]:
    """Return how many entries of a job are in each state of items, or malformed."""
    state = sa.func.coalesce(Item.state, "malformed")
    query = sa.select(state, sa.func.count()).select_from(Entry).outerjoin(Item, Item.id == Entry.item)
    found = db.read(lambda c: c.execute(query.where(Entry.job == job).group_by(state)).all())
    empty = dict.fromkeys((WAITING, LEASED, DONE, FAILED, CANCELLED, "malformed"), 0)
    return empty | {name: int(n) for name, n in found}


# ---- finished or not


def close_finished(db: Database) -> list[str]:
    """Close the open jobs of which nothing is left to do; return their ids."""
    return [job for job in db.read(_candidates) if db.write(lambda c, j=job: _close(db, c, j))]  # type: ignore[misc]


def _candidates(c: Connection) -> list[str]:
    return [job for job in c.execute(sa.select(Job.id).where(Job.state == OPEN)).scalars().all() if not _unfinished(c, job)]


def _unfinished(c: Connection, job: str) -> bool:
    """Whether an item that a job asked for is still to be made; it may be one that another job owns."""
    if any(_has(c, state, job) for state in UNFINISHED):
        return True
    asked = sa.select(Item.id).join(Entry, Entry.item == Item.id).where(Entry.job == job)
    return c.execute(asked.where(Item.job != job, Item.state.in_(UNFINISHED)).limit(1)).first() is not None


def _close(db: Database, c: Connection, job: str) -> bool:
    if _unfinished(c, job):
        return False
    closed = sa.update(Job).where(Job.id == job, Job.state == OPEN).values(state=FINISHED, finished=db.now(c))
    return c.execute(closed).rowcount == 1


@dataclass(frozen=True)
class Remaining:
    """What is left to do, for one worker: `leased` by anybody, `usable` by this one, `blocked` for it, and the least memory that
    the rest needs where that is more than it has."""

    leased: bool
    usable: bool
    blocked: bool
    too_large: int | None


def remaining(db: Database, job: str | None, *, ram: int, blocked: frozenset[int]) -> Remaining:
    """Return what is left of a job, or of all."""

    def work(c: Connection) -> Remaining:
        query = sa.select(Job.id, Job.circuit, Circuit.ram).join(Circuit, Circuit.id == Job.circuit)
        query = query.where(Job.state.in_((OPEN, SUBMITTING)))
        leased = usable = stuck = False
        too_large: int | None = None
        for row in c.execute(query.where(Job.id == job) if job is not None else query).all():
            if not _unfinished(c, row.id):
                continue
            leased = leased or _has(c, LEASED, row.id)
            if row.circuit in blocked:
                stuck = True
            elif row.ram > ram:
                too_large = min(row.ram, too_large or row.ram)
            else:
                usable = True
        return Remaining(leased, usable, stuck, too_large)

    return db.read(work)


def _has(c: Connection, state: str, job: str) -> bool:
    return c.execute(sa.select(Item.id).where(Item.state == state, Item.job == job).limit(1)).first() is not None


# ---- changes


def cancel(db: Database, job: JobInfo) -> int:
    """Cancel a job; return how many items nobody makes any more. What other jobs ask for goes on, and proofs made are kept."""

    def work(c: Connection) -> int:
        open_states = (OPEN, SUBMITTING)
        changed = sa.update(Job).where(Job.id == job.id, Job.state.in_(open_states))
        if not c.execute(changed.values(state=CANCELLED, finished=db.now(c))).rowcount:
            return 0
        return cancel_items(c, job.id)

    return db.write(work)


def retry(db: Database, job: JobInfo, *, positions: Sequence[int] = ()) -> int:
    """Have what failed or was cancelled made after all, all of it or these entries; return how many items."""

    def work(c: Connection) -> int:
        asked = sa.select(Entry.item).where(Entry.job == job.id)
        if positions:
            asked = asked.where(Entry.position.in_(positions))
        values = {"state": WAITING, "job": job.id, "attempts": 0, "crashes": 0, "not_before": 0.0, "code": None, "reason": None}
        again = sa.update(Item).where(Item.id.in_(asked), Item.state.in_((FAILED, CANCELLED))).values(**values)
        count = int(c.execute(again).rowcount)
        if count:
            reopened = sa.update(Job).where(Job.id == job.id, Job.state.in_((FINISHED, CANCELLED)))
            c.execute(reopened.values(state=OPEN, finished=None))
        return count

    return db.write(work)


# ---- what happened


def log(
    db: Database, job: str, *, after: int = 0, failures: bool = False, position: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the attempts at a job's items in their order: from attempt `after` on, only what failed, or one entry's."""
    columns = (
        Attempt.id,
        sa.func.min(Entry.position).label("position"),
        Entry.name,
        Attempt.worker,
        Attempt.outcome,
        Attempt.at,
        Attempt.code,
        Attempt.message,
        Attempt.seconds,
        Attempt.peak_ram,
        Attempt.threads,
        Attempt.engine,
        Attempt.device,
    )
    query = sa.select(*columns).join(Entry, Entry.item == Attempt.item).where(Entry.job == job)
    if failures:
        query = query.where(Attempt.outcome != "done")
    if position is not None:
        query = query.where(Entry.position == position)
    query = query.group_by(Attempt.id, Entry.name).order_by(Attempt.id).limit(LOG_BATCH)
    while True:
        rows = db.read(lambda c, a=after: c.execute(query.where(Attempt.id > a)).mappings().all())  # type: ignore[misc]
        yield from (dict(row) for row in rows)
        if len(rows) < LOG_BATCH:
            return
        after = rows[-1]["id"]
