"""A short run of the random changes; the long one is `python -m tests.verifier_rust.mutations`."""

from __future__ import annotations

import pytest

from tests.verifier_rust.mutations import FINAL, KINDS_OF_CHANGE, run


def test_no_change_of_a_proof_is_accepted_and_most_reach_the_final_equation() -> None:
    result = run(3000, seed=20)
    share = result["reached_the_final_equation"]
    assert result["accepted"] == 0
    assert isinstance(share, float) and share > 0.3


def test_every_kind_of_change_is_made() -> None:
    result = run(600, seed=21, kinds=["linear"])
    by_change = result["by_change"]
    assert isinstance(by_change, dict)
    assert all(by_change[change.__name__] for change, _, _ in KINDS_OF_CHANGE)
    assert all(set(by_change[change.__name__]) == {FINAL} for change, _, must in KINDS_OF_CHANGE if must == FINAL)


@pytest.mark.slow
def test_a_hundred_thousand_changes() -> None:
    assert run(100_000, seed=1)["accepted"] == 0
