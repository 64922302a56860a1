"""The published page is what was measured, and what was measured is within the target."""

from __future__ import annotations

import json

from benches.estimate import PAGE, QUANTITIES, RESULTS, page

TARGET = 0.25


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page()


def test_rows_memory_and_time_of_models_not_fitted_are_within_a_quarter() -> None:
    rows = json.loads(RESULTS.read_text())["models"]
    assert len(rows) >= 10
    assert max(row["k"] for row in rows) > 15
    for row in rows:
        for quantity in QUANTITIES:
            said, true = row[quantity]
            assert abs(said / true - 1) <= TARGET, (row["model"], quantity, said, true)
