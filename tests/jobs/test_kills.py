"""Kills at random cost the proofs under way and nothing else: each input ends with exactly one verified proof."""

from __future__ import annotations

import numpy as np
import pytest

from tests.jobs.chaos import check_each_once, run_under_kills
from tests.jobs.conftest import Store, Tiny


def different(count: int) -> np.ndarray:
    """Return inputs that stay different in the circuit's fixed point of two bits."""
    grid = np.arange(count)
    return np.stack([grid % 16, grid // 16 % 16, grid // 256], axis=1).astype(np.float32) / 4


def test_a_small_job_survives_kills_of_every_process(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, different(40)).job
    killed = run_under_kills(store, tiny, job, items=40, kills=4, seed=1, seconds=240)
    assert sum(killed.values()) == 4
    check_each_once(store, job, 40)


@pytest.mark.slow
def test_a_thousand_proofs_survive_twenty_kills(either: Store, tiny: Tiny) -> None:
    job = either.submit(tiny, different(1000)).job
    killed = run_under_kills(either, tiny, job, items=1000, kills=20, seed=2, seconds=1800)
    assert sum(killed.values()) == 20
    assert set(killed) == {"coordinator", "worker", "prover"}
    check_each_once(either, job, 1000)
