"""How far a job is: counts, rate, expected end, and what it cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.jobs.database import Database
from zkml.jobs.manage import JobInfo, counts
from zkml.jobs.tables import ALIVE, CANCELLED, DONE, FAILED, LEASED, WAITING, Attempt, Item, Worker

WINDOW_ATTEMPTS = 512
WINDOW_SECONDS = 600.0


@dataclass(frozen=True)
class Cost:
    """What a job's proofs took: `seconds` of proving, `core_seconds` (those times the threads), the largest memory in bytes, the
    attempts that brought no proof, and `money` where a price was given."""

    proofs: int
    seconds: float
    core_seconds: float
    seconds_each: float | None
    peak_ram: int | None
    wasted_attempts: int
    money: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cost(db: Database, job: str, price_per_core_hour: float | None = None) -> Cost:
    """Return what the proofs of a job cost so far."""
    mine = sa.select(Item.id).where(Item.job == job)
    sums = sa.select(
        sa.func.count(),
        sa.func.sum(Attempt.seconds),
        sa.func.sum(Attempt.seconds * Attempt.threads),
        sa.func.max(Attempt.peak_ram),
    ).where(Attempt.item.in_(mine), Attempt.outcome == "done")
    wasted = sa.select(sa.func.count()).where(Attempt.item.in_(mine), Attempt.outcome != "done")
    row, lost = db.read(lambda c: (c.execute(sums).one(), c.execute(wasted).scalar_one()))
    seconds, core = float(row[1] or 0), float(row[2] or 0)
    money = None if price_per_core_hour is None else core / 3600 * price_per_core_hour
    return Cost(row[0], seconds, core, seconds / row[0] if row[0] else None, row[3], lost, money)


def rate(db: Database, job: str) -> float | None:
    """Return the proofs a second of the last minutes; None when there were too few to say."""

    def work(c: Connection) -> tuple[list[float], float]:
        mine = sa.select(Attempt.at).join(Item, Item.id == Attempt.item).where(Item.job == job, Attempt.outcome == "done")
        last = c.execute(mine.order_by(Attempt.id.desc()).limit(WINDOW_ATTEMPTS)).scalars().all()
        return list(last), db.now(c)

    ends, now = db.read(work)
    recent = [at for at in ends if 0 <= now - at <= WINDOW_SECONDS]
    if len(recent) < 2 or now <= min(recent):
        return None
    return (len(recent) - 1) / (now - min(recent))


def status(db: Database, job: JobInfo, price_per_core_hour: float | None = None) -> dict[str, Any]:
    """Return the state of a job as data: its row, counts by state, rate, seconds to its end, cost, workers."""
    found = counts(db, job.id)
    left = found[WAITING] + found[LEASED]
    speed = rate(db, job.id) if left else None
    alive = db.read(lambda c: c.execute(sa.select(sa.func.count()).where(Worker.state == ALIVE)).scalar_one())
    return job.as_dict() | {
        "entries": sum(found.values()),
        "counts": found,
        "rate": speed,
        "seconds_left": left / speed if speed else None,
        "cost": cost(db, job.id, price_per_core_hour).as_dict(),
        "workers": alive,
    }


class Meter:
    """Follows a job as it runs: by counts of its own items, which an index answers, and a rate over the last minute."""

    def __init__(self, db: Database, job: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._job, self._clock = db, job, clock
        self._points: deque[tuple[float, int]] = deque(maxlen=120)

    def read(self) -> tuple[dict[str, int], float | None, float | None]:
        """Return items by state, proofs a second, seconds left; the last two None while nobody knows."""
        query = sa.select(Item.state, sa.func.count()).where(Item.job == self._job).group_by(Item.state)
        found = dict.fromkeys((WAITING, LEASED, DONE, FAILED, CANCELLED), 0)
        found |= {state: int(n) for state, n in self._db.read(lambda c: c.execute(query).all())}
        self._points.append((self._clock(), found[DONE]))
        (t0, n0), (t1, n1) = self._points[0], self._points[-1]
        speed = (n1 - n0) / (t1 - t0) if t1 > t0 and n1 > n0 else None
        left = found[WAITING] + found[LEASED]
        return found, speed, left / speed if speed else None
