"""The migrations, as Alembic finds them."""

from __future__ import annotations

from importlib.resources import files

from alembic.config import Config
from alembic.script import ScriptDirectory


def config() -> Config:
    """Return Alembic's configuration, which needs no file."""
    made = Config()
    made.set_main_option("script_location", str(files("zkml.jobs").joinpath("migrations")))
    return made


def known() -> set[str]:
    """Return the revisions that this version has."""
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


def head() -> str | None:
    """Return the newest of them."""
    return ScriptDirectory.from_config(config()).get_current_head()
