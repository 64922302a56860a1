"""The store: its schema is what its migrations make, wrong addresses are said at once, artefacts are whole or absent."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.jobs.conftest import Store, Tiny
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts, UsageError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.migrate import HEAD
from zkml.jobs.scripts import head
from zkml.jobs.tables import Base


def test_migrations_make_the_tables_that_the_code_uses(either: Store) -> None:
    either.db.read(lambda c: c.execute(sa.text("SELECT count(*) FROM items")).scalar_one())
    with either.db.engine.connect() as c:
        context = MigrationContext.configure(c, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == HEAD == head()


def test_a_database_of_a_newer_version_is_refused(store: Store, tiny: Tiny) -> None:
    store.record(tiny)
    store.db.write(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")) and None)
    with pytest.raises(MismatchedArtifacts) as error:
        Database(store.db.url).read(lambda c: None)
    assert error.value.code == "schema"


@pytest.mark.parametrize("url", ["", "jobs.db", "mysql://host/jobs", "sqlite://", "sqlite:///:memory:", "oracle://x"])
def test_an_address_that_is_none_is_said(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZKML_JOBS_DB", raising=False)
    if not url:
        monkeypatch.setenv("ZKML_HOME", str(tmp_path))
        assert Database(None).url == f"sqlite:///{tmp_path}/jobs/jobs.db"
        return
    with pytest.raises(UsageError) as error:
        Database(url)
    assert error.value.code == "jobs-url"


def test_a_server_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    db = Database(f"postgresql://someone:secret@/none?host={tmp_path}", patience=0.2)
    with pytest.raises(EnvironmentFault) as error:
        db.read(lambda c: None)
    assert error.value.code == "database-away"
    assert "secret" not in error.value.message


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(EnvironmentFault) as error:
        Database(f"sqlite:///{tmp_path / 'jobs.db'}", patience=0.2).read(lambda c: None)
    assert error.value.code == "database"


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_artefacts_are_known_by_their_digest(kind: str, tmp_path: Path) -> None:
    artefacts = Artefacts(str(tmp_path / "store") if kind == "folder" else f"memory://{uuid.uuid4()}")
    digest = artefacts.put(b"some bytes")
    assert artefacts.put(b"some bytes") == digest
    assert artefacts.get(digest) == b"some bytes"
    assert artefacts.slice(digest, 5, 10) == b"bytes"
    (tmp_path / "file").write_bytes(b"some bytes")
    assert artefacts.put_file(tmp_path / "file") == digest
    artefacts.fetch(digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"some bytes"
    with pytest.raises(MalformedArtifact) as short:
        artefacts.slice(digest, 5, 11)
    assert short.value.code == "changed"
    artefacts.discard(digest)
    assert not artefacts.has(digest)
    with pytest.raises(MalformedArtifact) as gone:
        artefacts.get(digest)
    assert gone.value.code == "missing"


def test_a_changed_artefact_is_not_returned_and_private_ones_stay_private(tmp_path: Path) -> None:
    artefacts = Artefacts(str(tmp_path / "store"))
    digest = artefacts.put(b"an input")
    path = tmp_path / "store" / "sha256" / digest[:2] / digest
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"on input")
    with pytest.raises(MalformedArtifact) as error:
        artefacts.get(digest)
    assert error.value.code == "changed"


def test_a_place_of_no_known_kind_is_said() -> None:
    with pytest.raises(UsageError) as error:
        Artefacts("gopher://store")
    assert error.value.code == "store-url"
