"""One tiny circuit with keys for all tests of jobs, and a store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import zkml
from tests.flow import models
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
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        args = RunArgs(
            logrows=K, lookup_range=(-10, 10), decomp_base=128, decomp_legs=2, input_scale=2, param_scale=2, num_inner_cols=1
        )
        bundle = zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
        yield Tiny(bundle, srs, folder / "home")


@pytest.fixture
def store(tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("ZKML_HOME", str(tiny.home))
    db = Database(f"sqlite:///{tmp_path / 'jobs.db'}", patience=20)
    yield Store(tmp_path, db, Artefacts(str(tmp_path / "store")))
    db.close()
