"""Workers in the store: they register, beat while they live, and are buried by others when they do not.

No clock of another machine is believed. On the machine of a worker its process is looked up (number and start), so that a killed
one is buried at once. Elsewhere it is dead when its count of beats stood still for `SILENCE_SECONDS` of the watcher's own
monotonic clock, of which a look counts no more than two intervals: a watcher that was stopped itself, or had no database, buries
nobody for that.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.jobs import machine
from zkml.jobs.database import Database
from zkml.jobs.leases import release_all
from zkml.jobs.tables import ALIVE, DEAD, ENDED, Worker

BEAT_SECONDS = 2.0
SILENCE_SECONDS = 60.0


def register(db: Database) -> str:
    """Enter this process as a worker; return its name: host, process, and what makes it unique."""
    short = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())[:12] or "host"
    name = f"{short}-{os.getpid()}-{secrets.token_hex(4)}"[:32]

    def work(c: Connection) -> None:
        if c.execute(sa.select(Worker.id).where(Worker.id == name)).first() is None:
            c.execute(
                sa.insert(Worker).values(
                    id=name,
                    host=machine.host(),
                    pid=os.getpid(),
                    started=machine.own_start(),
                    state=ALIVE,
                    beat=0,
                    reserved=0,
                    registered=db.now(c),
                )
            )

    db.write(work)
    return name


def beat(db: Database, worker: str) -> bool:
    """Say that a worker lives; False when it was buried meanwhile, and what it held is no longer its own."""
    mine = sa.update(Worker).where(Worker.id == worker, Worker.state == ALIVE)
    return db.write(lambda c: c.execute(mine.values(beat=Worker.beat + 1)).rowcount == 1)


def end(db: Database, worker: str) -> None:
    """Take a worker out; what it still holds is given back."""

    def work(c: Connection) -> None:
        if c.execute(sa.update(Worker).where(Worker.id == worker, Worker.state == ALIVE).values(state=ENDED)).rowcount:
            release_all(db, c, worker)

    db.write(work)


def bury(db: Database, worker: str, reason: str) -> bool:
    """Declare a worker dead: the item that it was at is charged with it, the others are given back. False when it was done."""

    def work(c: Connection) -> bool:
        if not c.execute(sa.update(Worker).where(Worker.id == worker, Worker.state == ALIVE).values(state=DEAD)).rowcount:
            return False
        release_all(db, c, worker, died=reason)
        return True

    return db.write(work)


@dataclass
class _Seen:
    beat: int
    silent: float


class Watch:
    """Looks after the other workers. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        db: Database,
        me: str,
        *,
        silence: float = SILENCE_SECONDS,
        interval: float = BEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._me, self._silence, self._clock = db, me, silence, clock
        self._most = 2 * interval
        self._host = machine.host()
        self._seen: dict[str, _Seen] = {}
        self._last = clock()

    def look(self) -> list[str]:
        """Bury the workers that are dead; return their names."""
        columns = (Worker.id, Worker.host, Worker.pid, Worker.started, Worker.beat)
        alive = sa.select(*columns).where(Worker.state == ALIVE, Worker.id != self._me)
        rows = self._db.read(lambda c: c.execute(alive).all())
        now = self._clock()
        passed, self._last = min(now - self._last, self._most), now
        seen: dict[str, _Seen] = {}
        buried = []
        for row in rows:
            before = self._seen.get(row.id)
            silent = before.silent + passed if before is not None and before.beat == row.beat else 0.0
            seen[row.id] = _Seen(row.beat, silent)
            if row.host == self._host and not machine.lives(row.pid, row.started):
                reason = f"worker {row.id} was killed"
            elif silent >= self._silence:
                reason = f"worker {row.id} fell silent"
            else:
                continue
            if bury(self._db, row.id, reason):
                buried.append(row.id)
        self._seen = seen
        return buried
