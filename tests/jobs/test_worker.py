"""Items become verified proofs; what cannot be proved is said, and nothing else suffers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.jobs.conftest import Store, Tiny, inputs
from zkml.errors import InfeasibleError
from zkml.jobs.manage import counts, find
from zkml.jobs.results import COLUMNS, write_results
from zkml.protocol import decode, read_proof
from zkml.verifier import native
from zkml.verifier.policy import Policy

ANY = Policy(allow_unsafe_srs=True, allow_unaudited=True)


def test_every_input_gets_one_verified_proof_of_its_own(either: Store, tiny: Tiny) -> None:
    store = either
    job = store.submit(tiny, inputs(3)).job
    tally = store.work()
    assert (tally.proved, tally.failed, tally.lost) == (3, 0, 0)
    assert find(store.db, job).state == "finished"
    results = write_results(store.db, store.artefacts, find(store.db, job), store.folder / "out")
    assert (results.entries, results.done, results.proofs) == (3, 3, 3)
    protocol = decode((results.folder / "protocol.json").read_bytes())
    rows = [json.loads(line) for line in (results.folder / "manifest.jsonl").read_text().splitlines()]
    statements = set()
    for row in rows:
        proof = read_proof((results.folder / row["proof"]).read_bytes())
        assert native.check(protocol, proof, ANY).accepted
        statements.add(proof.instances)
    assert len(statements) == 3
    assert pq.read_table(results.folder / "manifest.parquet").to_pylist() == rows
    assert list(rows[0]) == list(COLUMNS)


def test_asking_twice_makes_nothing_twice(either: Store, tiny: Tiny) -> None:
    store = either
    x = inputs(3)
    first = store.submit(tiny, x)
    again = store.submit(tiny, x)
    more = store.submit(tiny, np.concatenate([x, x[:1], inputs(1, seed=9)]))
    assert (first.new, again.new, more.new) == (3, 0, 1)
    assert again.existing
    assert again.job == first.job
    assert store.work().proved == 4
    assert counts(store.db, more.job)["done"] == 5
    assert find(store.db, more.job).state == "finished"
    results = write_results(store.db, store.artefacts, find(store.db, more.job), store.folder / "out")
    assert (results.done, results.proofs) == (5, 4)


def test_a_worker_on_one_job_makes_what_another_job_asked_for_too(store: Store, tiny: Tiny) -> None:
    first = store.submit(tiny, inputs(2))
    second = store.submit(tiny, inputs(2)[::-1])
    assert second.new == 0
    assert store.work(job=second.job).proved == 2
    assert find(store.db, first.job).state == "finished"


def test_what_cannot_fit_is_never_started_and_said(store: Store, tiny: Tiny) -> None:
    store.submit(tiny, inputs(1), ram=1 << 40)
    with pytest.raises(InfeasibleError) as error:
        store.work()
    assert error.value.code == "max-ram"
    assert str(1 << 40) in error.value.message


def test_results_go_only_where_nothing_else_lies(store: Store, tiny: Tiny, tmp_path: Path) -> None:
    job = store.submit(tiny, inputs(1)).job
    store.work()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    with pytest.raises(Exception, match="holds no results") as error:
        write_results(store.db, store.artefacts, find(store.db, job), tmp_path / "mine")
    assert getattr(error.value, "code", None) == "exists"
    assert (tmp_path / "mine" / "file").read_text() == "kept"
    for _ in range(2):
        write_results(store.db, store.artefacts, find(store.db, job), tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
