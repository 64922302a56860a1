"""The tables of the job store. `migrations/` makes them; a test compares the two.

An *item* is one proof to make, known by its digest whoever asked for it and how often; an *entry* is a place in a job that asks
for it, or that holds what was malformed. So asking twice makes nothing twice. A *chunk* is an artefact with the encoded inputs of
many items in rows. An item that is worked on names its worker; its `fence` goes up with every lease, and nothing is written
under an old one; its `place` in what that worker has taken tells at which item a worker was when it died. Times are seconds since
1970 by the database's clock, for people and back-off: leases do not depend on them (`leases.py`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

WAITING, LEASED, DONE, FAILED, CANCELLED = "waiting", "leased", "done", "failed", "cancelled"
ITEM_STATES = (WAITING, LEASED, DONE, FAILED, CANCELLED)

SUBMITTING, OPEN, FINISHED = "submitting", "open", "finished"
JOB_STATES = (SUBMITTING, OPEN, FINISHED, CANCELLED)

ALIVE, ENDED, DEAD = "alive", "ended", "dead"

Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER


class Base(DeclarativeBase):
    pass


class Circuit(Base):
    """A circuit that proofs are made of: where its bundle and SRS lie, the digests of what a prover reads, what it needs."""

    __tablename__ = "circuits"
    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    circuit_id: Mapped[str] = mapped_column(String(64), unique=True)
    bundle: Mapped[str] = mapped_column(Text)
    srs: Mapped[str] = mapped_column(Text)
    files: Mapped[str] = mapped_column(Text)
    manifest: Mapped[str] = mapped_column(Text)
    layout: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(String(64))
    ram: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float)
    shipped: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str | None] = mapped_column(Text)


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    name: Mapped[str] = mapped_column(Text)
    circuit: Mapped[int] = mapped_column(ForeignKey("circuits.id"))
    state: Mapped[str] = mapped_column(String(12), index=True)
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    entries: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[float] = mapped_column(Float)
    finished: Mapped[float | None] = mapped_column(Float)
    max_attempts: Mapped[int] = mapped_column(Integer)
    max_crashes: Mapped[int] = mapped_column(Integer)
    options: Mapped[str] = mapped_column(Text, default="{}")


class Chunk(Base):
    __tablename__ = "chunks"
    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    row_bytes: Mapped[int] = mapped_column(BigInteger)


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    circuit: Mapped[int] = mapped_column(ForeignKey("circuits.id"))
    job: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(12))
    chunk: Mapped[int] = mapped_column(ForeignKey("chunks.id"))
    row: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    crashes: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[float] = mapped_column(Float, default=0.0)
    owner: Mapped[str | None] = mapped_column(String(32))
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    place: Mapped[int] = mapped_column(BigInteger, default=0)
    proof: Mapped[str | None] = mapped_column(String(64))
    statement: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("items_queue", "state", "job", "id"), Index("items_owner", "owner"))


class Entry(Base):
    __tablename__ = "entries"
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item: Mapped[int | None] = mapped_column(ForeignKey("items.id"), index=True)
    name: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)


class Attempt(Base):
    """What became of one try at an item: `done`, `failed`, `retry`, `crashed` or `dropped`."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    item: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)
    worker: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str] = mapped_column(String(12))
    at: Mapped[float] = mapped_column(Float)
    code: Mapped[str | None] = mapped_column(String(64))
    message: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[float | None] = mapped_column(Float)
    peak_ram: Mapped[int | None] = mapped_column(BigInteger)
    threads: Mapped[int | None] = mapped_column(Integer)
    engine: Mapped[str | None] = mapped_column(String(16))
    device: Mapped[str | None] = mapped_column(String(16))


class Worker(Base):
    """A process that proves: `host` names machine and process namespace, `started` when the process began, `beat` goes up while
    it lives, `reserved` is the memory that it may use."""

    __tablename__ = "workers"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(128))
    pid: Mapped[int] = mapped_column(BigInteger)
    started: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(8), index=True)
    beat: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    registered: Mapped[float] = mapped_column(Float)


class Settlement(Base):
    """An item on a chain: written before its transaction is sent, so that a kill in between settles nothing twice."""

    __tablename__ = "settlements"
    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    item: Mapped[int] = mapped_column(ForeignKey("items.id"))
    chain: Mapped[int] = mapped_column(BigInteger)
    contract: Mapped[str] = mapped_column(String(42))
    requester: Mapped[str] = mapped_column(String(42))
    state: Mapped[str] = mapped_column(String(12))
    request: Mapped[str] = mapped_column(String(64))
    transaction: Mapped[str | None] = mapped_column("tx", String(66))
    settled_at: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("settlements_once", "item", "chain", "contract", "requester", unique=True),)
