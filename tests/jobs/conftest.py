"""One tiny circuit with keys for all tests of jobs, and a store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.jobs.postgres import Server, binaries
from zkml import RunArgs
from zkml.bundle import Bundle
from zkml.jobs import circuits
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import CircuitRecord
from zkml.jobs.database import Database
from zkml.jobs.inputs import Inputs
from zkml.jobs.submit import Submitted, submit
from zkml.jobs.worker import Options, Tally, Worker
from zkml.keys.srs import Srs, generate_unsafe
from zkml.model import load

K = 9


@dataclass(frozen=True)
class Tiny:
    """y = W·x + b of three numbers, with keys of the Rust engine; 40 ms a proof."""

    bundle: Bundle
    srs: Srs
    home: Path


@dataclass
class Store:
    """A job store in a folder of its own."""

    folder: Path
    db: Database
    artefacts: Artefacts

    def environment(self, tiny: Tiny) -> dict[str, str]:
        return {"ZKML_HOME": str(tiny.home), "ZKML_JOBS_DB": self.db.url, "ZKML_JOBS_STORE": self.artefacts.url}

    def record(self, tiny: Tiny, ram: int | None = 1 << 28) -> CircuitRecord:
        return circuits.register(self.db, tiny.bundle, tiny.srs, ram=ram)

    def submit(self, tiny: Tiny, x: np.ndarray, *, ram: int | None = 1 << 28, max_attempts: int = 5) -> Submitted:
        batches = Inputs(load(tiny.bundle.path("model"))).of_arrays({"x": x})
        record = self.record(tiny, ram)
        return submit(self.db, self.artefacts, record, batches, name="tiny", max_attempts=max_attempts)

    def work(self, *, job: str | None = None, ram: int | None = 1 << 31) -> Tally:
        """Work until nothing is left."""
        return Worker(self.db, self.artefacts, Options(1, ram, job, drain=True)).run()


def inputs(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        args = RunArgs(
            logrows=K, lookup_range=(-10, 10), decomp_base=128, decomp_legs=2, input_scale=2, param_scale=2, num_inner_cols=1
        )
        bundle = zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
    return Tiny(bundle, srs, folder / "home")  # with the home of other tests as it was


def opened(folder: Path, url: str, patience: float = 20) -> Iterator[Store]:
    db = Database(url, patience=patience)
    yield Store(folder, db, Artefacts(str(folder / "store")))
    db.close()


@pytest.fixture
def store(tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in SQLite."""
    monkeypatch.setenv("ZKML_HOME", str(tiny.home))
    yield from opened(tmp_path, f"sqlite:///{tmp_path / 'jobs.db'}")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed here (Debian: apt-get install postgresql)")
    with Server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in SQLite, and one in PostgreSQL."""
    monkeypatch.setenv("ZKML_HOME", str(tiny.home))
    if request.param == "sqlite":
        yield from opened(tmp_path, f"sqlite:///{tmp_path / 'jobs.db'}")
        return
    running: Server = request.getfixturevalue("server")
    for found in opened(tmp_path, running.url):
        yield found
        with found.db.engine.begin() as c:  # the next test begins with nothing
            c.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
