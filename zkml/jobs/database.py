"""The store's database: SQLite in a file, or PostgreSQL by URL; transactions that outlast a database that goes away.

A transaction may run several times: it is begun again when the connection was lost, even at its commit, after which nobody knows
whether it happened. So whatever is done here can be done twice.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url

from zkml.errors import EnvironmentFault, UsageError
from zkml.home import home
from zkml.jobs.migrate import migrate

T = TypeVar("T")

ENVIRONMENT = "ZKML_JOBS_DB"
PATIENCE_SECONDS = 300.0
"""For how long a transaction is tried again while the database is away, or its disk full."""
FIRST_PATIENCE_SECONDS = 10.0
"""The same before the database answered for the first time: its address may be wrong."""
TELL_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
BUSY_MILLISECONDS = 30_000

_SQLITE_AWAY = re.compile(r"locked|busy|unable to open database file|disk i/o error", re.IGNORECASE)
_POSTGRES_AWAY = re.compile(r"08...|57P0.|53300|40001|40P01|25006")
_FULL = re.compile(r"disk is full|no space left|53100", re.IGNORECASE)


def default_url() -> str:
    """Return `$ZKML_JOBS_DB`, by default SQLite in `$ZKML_HOME/jobs/jobs.db`."""
    return os.environ.get(ENVIRONMENT) or f"sqlite:///{home().absolute() / 'jobs' / 'jobs.db'}"


class Database:
    """One database. `write` and `read` run a function in a transaction.

    Raises `UsageError` on a URL that is none, `EnvironmentFault` when a driver is missing, the database cannot be used, or stays
    away longer than `patience` seconds; `on_wait` is told once when it is away for more than a moment.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        on_wait: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.url = url or default_url()
        self.patience = patience
        self.on_wait = on_wait
        try:
            parsed = make_url(self.url)
        except sa.exc.ArgumentError as e:
            raise UsageError("the address of the job database is no URL", hint=_URL_HINT, code="jobs-url") from e
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql"):
            raise UsageError(f"jobs are not kept in {kind}", hint=_URL_HINT, code="jobs-url")
        self.sqlite = kind == "sqlite"
        if self.sqlite:
            if not parsed.database or parsed.database == ":memory:":
                raise UsageError("jobs need a database file: one in memory is lost with the process", code="jobs-url")
            with contextlib.suppress(OSError):  # what is wrong with the folder is said when the file is opened
                Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        try:
            self.engine = sa.create_engine(parsed, pool_pre_ping=not self.sqlite)
        except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as e:
            raise EnvironmentFault(
                "the PostgreSQL driver is not installed", hint="pip install 'zkml[postgres]'", code="no-driver"
            ) from e
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", self._begin)
        self._lock = threading.Lock()
        self._current = False

    def __repr__(self) -> str:
        return f"Database({self.shown})"

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, its changes committed; on SQLite no other writer is at work meanwhile."""
        return self._lasting(work, immediate=True)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads, all of it from one moment on SQLite."""
        return self._lasting(work, immediate=False)

    def now(self, c: Connection) -> float:
        """Return the time by the database's clock, in seconds since 1970: this machine's for SQLite, the server's else."""
        if self.sqlite:
            return time.time()
        return float(c.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def _begin(self, c: Connection) -> None:
        if self.sqlite:
            c.exec_driver_sql("BEGIN IMMEDIATE" if c.get_execution_options().get("immediate") else "BEGIN")

    def _lasting(self, work: Callable[[Connection], T], *, immediate: bool) -> T:
        began = time.monotonic()
        pause, told = FIRST_PAUSE, False
        while True:
            try:
                self._ensure_tables()
                with self.engine.connect() as bare:
                    c = bare.execution_options(immediate=immediate)
                    with c.begin():
                        return work(c)
            except sa.exc.DBAPIError as e:
                fault = self._fault(e)
                if fault.code not in PASSING:
                    raise fault from e
                elapsed = time.monotonic() - began
                if elapsed + pause > (self.patience if self._current else min(self.patience, FIRST_PATIENCE_SECONDS)):
                    raise fault from e
                if elapsed > TELL_SECONDS and not told:
                    self.on_wait(f"{fault.message}: waiting for it")
                    told = True
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ensure_tables(self) -> None:
        with self._lock:
            if not self._current:
                migrate(self.engine)
                self._current = True

    def _away(self, error: sa.exc.DBAPIError) -> bool:
        """Whether the database may come back: connections lost or refused, locks, deadlocks; not a wrong statement."""
        if self.sqlite:
            return isinstance(error, sa.exc.OperationalError) and bool(_SQLITE_AWAY.search(str(error.orig)))
        if error.connection_invalidated:
            return True
        state: Any = getattr(error.orig, "sqlstate", None)
        if state is None:  # psycopg names none when there is no server to say one
            return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
        return bool(_POSTGRES_AWAY.fullmatch(state))

    def _fault(self, error: sa.exc.DBAPIError) -> EnvironmentFault:
        """Return what an error of the driver means: one of `PASSING` when the database may come back."""
        text = f"{getattr(error.orig, 'sqlstate', '')} {_said(error)}"
        if _FULL.search(text):
            return EnvironmentFault(
                f"the disk of the job database {self.shown} is full", hint="free space and run the command again", code="disk"
            )
        if self._away(error):
            return EnvironmentFault(
                f"the job database {self.shown} is away: {_said(error)}",
                hint="start it again and run the same command: nothing is lost",
                code="database-away",
            )
        return EnvironmentFault(f"the job database {self.shown} cannot be used: {_said(error)}", code="database")


PASSING = ("disk", "database-away")
_URL_HINT = "sqlite:///FOLDER/jobs.db, or postgresql://HOST/DATABASE"


def _said(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0][:300] if str(error.orig).strip() else type(error.orig).__name__


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set a new connection up. Under NORMAL a loss of power may take the last commits back, never a part of one; a kill none."""
    connection.isolation_level = None  # transactions are begun by `_begin`, not by the driver's guess
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
