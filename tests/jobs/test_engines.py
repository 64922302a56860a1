"""Circuits that the Rust engine does not run to the end are proved by EZKL, in the same process beside the worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.jobs.conftest import Store, Tiny
from zkml import RunArgs
from zkml.jobs.manage import log
from zkml.jobs.results import rows
from zkml.keys.srs import generate_unsafe


@pytest.mark.ezkl
def test_a_circuit_whose_witness_rust_does_not_make_is_proved_by_ezkl(store: Store, tmp_path: Path, tiny: Tiny) -> None:
    srs = generate_unsafe(tmp_path / "k9.srs", 9)
    args = RunArgs(logrows=9, lookup_range=(-100, 100))
    bundle = zkml.compile(models.transposed(tmp_path / "transposed.onnx"), run_args=args).bundle
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    job = store.submit(Tiny(bundle, srs, tiny.home), np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 1, 2, 2)).job
    assert store.work().proved == 2
    assert {row["state"] for batch in rows(store.db, job) for row in batch} == {"done"}
    assert [(a["outcome"], a["engine"]) for a in log(store.db, job)] == [("done", "ezkl")] * 2
