"""The store's schema, brought up to what this version needs."""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from zkml.errors import MismatchedArtifacts

ADVISORY_LOCK = 0x7A6B6D6C
"""PostgreSQL's lock under which the schema is changed: `zkml` in ASCII."""


def config() -> Config:
    """Return Alembic's configuration, which needs no file."""
    made = Config()
    made.set_main_option("script_location", str(files("zkml.jobs").joinpath("migrations")))
    return made


def migrate(engine: Engine) -> None:
    """Bring the database up to the newest schema; another process that does so meanwhile is waited for.

    Raises `MismatchedArtifacts` when a newer version of this toolkit made the database.
    """
    with engine.connect() as c, c.begin():
        if _revision(c) == _head():
            return
    with engine.connect() as bare:
        c = bare.execution_options(immediate=True)
        with c.begin():
            if c.dialect.name == "postgresql":
                c.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            found = _revision(c)
            known = {r.revision for r in ScriptDirectory.from_config(config()).walk_revisions()}
            if found is not None and found not in known:
                raise MismatchedArtifacts(
                    f"the job database has schema {found}, which this version does not know",
                    hint="use the newer version of zkml that made it",
                    code="schema",
                )
            if found != _head():
                made = config()
                made.attributes["connection"] = c
                command.upgrade(made, "head")


def _revision(c: Connection) -> str | None:
    return MigrationContext.configure(c).get_current_revision()


def _head() -> str | None:
    return ScriptDirectory.from_config(config()).get_current_head()
