"""Entries into the store, batch by batch: each batch is there whole or not at all, and nothing is made twice."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.jobs.ahead import ahead
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import CircuitRecord
from zkml.jobs.database import Database
from zkml.jobs.inputs import Batch
from zkml.jobs.layout import Identity
from zkml.jobs.tables import CANCELLED, FINISHED, LEASED, OPEN, SUBMITTING, WAITING, Chunk, Entry, Item, Job

MAX_ATTEMPTS = 5
MAX_CRASHES = 3


@dataclass(frozen=True)
class Submitted:
    """A job as it was taken in: `entries` of which `malformed` are, `new` items that no job had asked for before.

    `existing`: the same entries had been submitted already, and `job` is that job.
    """

    job: str
    circuit_id: str
    entries: int
    malformed: int
    new: int
    existing: bool

    def as_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def submit(
    db: Database,
    artefacts: Artefacts,
    circuit: CircuitRecord,
    batches: Iterator[Batch],
    *,
    name: str,
    max_attempts: int = MAX_ATTEMPTS,
    max_crashes: int = MAX_CRASHES,
    options: Mapping[str, Any] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Submitted:
    """Take in the entries of a job; workers may begin with the first while the last are still read."""
    first = next(batches)  # what is wrong with the source as a whole is said before there is a job
    text = json.dumps(dict(options or {}), sort_keys=True)
    job = secrets.token_hex(4)

    def begin(c: Connection) -> None:
        if c.execute(sa.select(Job.id).where(Job.id == job)).first() is None:
            number = (c.execute(sa.select(sa.func.max(Job.number))).scalar() or 0) + 1
            values = {"max_attempts": max_attempts, "max_crashes": max_crashes, "options": text, "created": db.now(c)}
            c.execute(
                sa.insert(Job).values(
                    id=job, number=number, name=name, circuit=circuit.key, state=SUBMITTING, entries=0, **values
                )
            )

    db.write(begin)
    hasher = hashlib.sha256(text.encode())
    entries = malformed = new = 0
    with ahead(_prepared(circuit, artefacts, chain([first], batches))) as prepared:
        for batch, digests, chunk in prepared:
            new += db.write(lambda c, b=batch, d=digests, k=chunk: _take_in(db, c, job, circuit, b, d, k))  # type: ignore[misc]
            for digest in digests:
                hasher.update(digest)
            for bad in batch.malformed:
                hasher.update(f"\n{bad.position} {bad.code}".encode())
            entries += len(digests) + len(batch.malformed)
            malformed += len(batch.malformed)
            if on_progress is not None:
                on_progress(entries)
    final = db.write(lambda c: _finish(db, c, job, circuit.key, hasher.hexdigest(), entries))
    return Submitted(final, circuit.circuit_id, entries, malformed, new, final != job)


def _prepared(
    circuit: CircuitRecord, artefacts: Artefacts, batches: Iterable[Batch]
) -> Iterator[tuple[Batch, list[bytes], str | None]]:
    """Yield each batch with the digests of its items, its rows in the artefact store under the digest that comes with it."""
    identity = Identity(circuit.circuit_id, circuit.statement, circuit.layout)
    size = circuit.layout.row_bytes
    for batch in batches:
        matrix = batch.rows.tobytes()
        view = memoryview(matrix)
        digests = [identity(view[i * size : (i + 1) * size]) for i in range(len(batch.positions))]
        yield batch, digests, artefacts.put(matrix) if digests else None


def _take_in(
    db: Database, c: Connection, job: str, circuit: CircuitRecord, batch: Batch, digests: list[bytes], chunk: str | None
) -> int:
    """Write one batch; return how many items are new. Doing it twice changes nothing."""
    new = 0
    if chunk is not None:
        key = c.execute(sa.select(Chunk.id).where(Chunk.digest == chunk)).scalar()
        if key is None:
            insert = sa.insert(Chunk).values(digest=chunk, row_bytes=circuit.layout.row_bytes).returning(Chunk.id)
            key = c.execute(insert).scalar_one()
        before = c.execute(sa.select(sa.func.max(Item.id))).scalar() or 0
        if db.sqlite:
            # Straight to the driver: a third of the time of a large submission would go into naming parameters.
            rows: list[Any] = [(d, circuit.key, job, key, i) for i, d in enumerate(digests)]
            c.exec_driver_sql(_INSERT_ITEMS_SQLITE, rows)
            places: list[Any] = [(job, *place) for place in zip(batch.positions, batch.names, digests, strict=True)]
            c.exec_driver_sql(_INSERT_ENTRIES_SQLITE, places)
        else:
            fixed = {"job": job, "circuit": circuit.key, "chunk": key}
            c.execute(_INSERT_ITEMS_POSTGRES, {"digests": digests, "rows": list(range(len(digests))), **fixed})
            arrays = {"positions": batch.positions, "digests": digests, "names": batch.names}
            c.execute(_INSERT_ENTRIES_POSTGRES, {"job": job, **arrays})
        c.execute(_REVIVE, {"job": job, "low": batch.positions[0], "high": batch.positions[-1]})
        new = c.execute(sa.select(sa.func.count()).where(Item.id > before, Item.job == job)).scalar_one()
    if batch.malformed:
        known = sa.select(sa.func.count()).where(Entry.job == job, Entry.position == batch.malformed[0].position)
        if not c.execute(known).scalar_one():
            c.execute(
                sa.insert(Entry),
                [
                    {"job": job, "position": b.position, "name": b.name, "code": b.code, "reason": b.reason}
                    for b in batch.malformed
                ],
            )
    return new


_COLUMNS = "digest, circuit, job, state, chunk, row, attempts, crashes, not_before, fence, place"
_INSERT_ITEMS_SQLITE = (
    f"INSERT INTO items ({_COLUMNS}) VALUES (?, ?, ?, '{WAITING}', ?, ?, 0, 0, 0, 0, 0)"  # noqa: S608
    " ON CONFLICT (digest) DO NOTHING"
)
_INSERT_ITEMS_POSTGRES = sa.text(
    f"INSERT INTO items ({_COLUMNS}) SELECT d, :circuit, :job, '{WAITING}', :chunk, r, 0, 0, 0, 0, 0"  # noqa: S608
    " FROM unnest(CAST(:digests AS bytea[]), CAST(:rows AS integer[])) AS given(d, r) ON CONFLICT (digest) DO NOTHING"
)
_INSERT_ENTRIES_SQLITE = (
    "INSERT INTO entries (job, position, item, name) SELECT ?, ?, id, ? FROM items WHERE digest = ?"
    " ON CONFLICT (job, position) DO NOTHING"
)
_INSERT_ENTRIES_POSTGRES = sa.text(
    "INSERT INTO entries (job, position, item, name) SELECT :job, p, items.id, n"
    " FROM unnest(CAST(:positions AS bigint[]), CAST(:digests AS bytea[]), CAST(:names AS text[])) AS given(p, d, n)"
    " JOIN items ON items.digest = d ON CONFLICT (job, position) DO NOTHING"
)
_REVIVE = sa.text(
    f"UPDATE items SET state = '{WAITING}', job = :job, attempts = 0, crashes = 0, not_before = 0"  # noqa: S608
    f" WHERE state = '{CANCELLED}'"
    " AND id IN (SELECT item FROM entries WHERE job = :job AND position BETWEEN :low AND :high)"
)


def _finish(db: Database, c: Connection, job: str, circuit: int, digest: str, entries: int) -> str:
    """Open the job; where the same entries were submitted before, forget this one and return that one."""
    same = sa.select(Job.id).where(Job.digest == digest, Job.circuit == circuit, Job.state.in_((OPEN, FINISHED)), Job.id != job)
    found = c.execute(same.order_by(Job.number)).scalar()
    if found is None:
        c.execute(sa.update(Job).where(Job.id == job).values(state=OPEN, digest=digest, entries=entries))
        return job
    taken = c.execute(sa.update(Item).where(Item.job == job).values(job=found)).rowcount
    c.execute(sa.delete(Entry).where(Entry.job == job))
    c.execute(sa.delete(Job).where(Job.id == job))
    waiting = sa.select(Item.id).where(Item.job == found, Item.state.in_((WAITING, LEASED))).limit(1)
    if taken and c.execute(waiting).first() is not None:
        c.execute(sa.update(Job).where(Job.id == found).values(state=OPEN))
    return str(found)
