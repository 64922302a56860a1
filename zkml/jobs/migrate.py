"""The store's schema, brought up to what this version needs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from zkml.errors import MismatchedArtifacts

HEAD = "0001"
"""The newest of `migrations/`. It is named here because Alembic takes a second to load, and there is seldom anything to do."""
ADVISORY_LOCK = 0x7A6B6D6C
"""PostgreSQL's lock under which the schema is changed: `zkml` in ASCII."""


def migrate(engine: Engine) -> None:
    """Bring the database up to the newest schema; another process that does so meanwhile is waited for.

    Raises `MismatchedArtifacts` when a newer version of this toolkit made the database.
    """
    with engine.connect() as c, c.begin():
        if _revision(c) == HEAD:
            return
    with engine.connect() as bare:
        c = bare.execution_options(immediate=True)
        with c.begin():
            if c.dialect.name == "postgresql":
                c.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            _upgrade(c)


def _upgrade(c: Connection) -> None:
    from alembic import command  # noqa: PLC0415  see HEAD

    from zkml.jobs.scripts import config, known  # noqa: PLC0415

    found = _revision(c)
    if found is not None and found not in known():
        raise MismatchedArtifacts(
            f"the job database has schema {found}, which this version does not know",
            hint="use the newer version of zkml that made it",
            code="schema",
        )
    if found != HEAD:
        made = config()
        made.attributes["connection"] = c
        command.upgrade(made, HEAD)


def _revision(c: Connection) -> str | None:
    if not sa.inspect(c).has_table("alembic_version"):
        return None
    found: str | None = c.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found
