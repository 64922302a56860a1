"""Columns, keys and proofs are counted from settings as they come out.

Fixed columns are exact for these cases; with four or more inner columns, or tables over many columns, they can be a few too many.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zkml.estimate import cheapest_k, count, least_k
from zkml.estimate.columns import Place, blocks_of, combine, selector_columns, table_columns

CASES = sorted((Path(__file__).parent / "settings").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text())
    return case


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_the_counts_are_those_of_the_real_circuit(path: Path) -> None:
    case = read(path)
    columns = count(case["settings"])
    assert columns.fixed == case["fixed"]
    assert columns.vk_bytes == case["vk_bytes"]
    assert columns.proof_bytes == case["proof_bytes"]


def test_there_are_cases() -> None:
    assert len(CASES) >= 10


def test_more_rows_never_need_more_blocks() -> None:
    settings = read(CASES[0])["settings"]
    blocks = [count(settings, logrows=k).blocks for k in range(6, 20)]
    assert blocks == sorted(blocks, reverse=True)
    assert blocks[-1] == 1


def test_the_least_rows_hold_everything_in_one_block() -> None:
    for path in CASES:
        settings = read(path)["settings"]
        k = least_k(settings)
        assert count(settings, logrows=k).blocks == 1


def test_the_cheapest_rows_can_be_laid_out() -> None:
    for path in CASES:
        settings = read(path)["settings"]
        k = cheapest_k(settings)
        low, high = settings["run_args"]["lookup_range"]
        if settings["required_lookups"]:
            assert table_columns(low, high, k) <= 16
        assert count(settings, logrows=k).instances <= (1 << k) - 6


def test_a_full_block_makes_another() -> None:
    assert blocks_of(0, 100, 2) == 1
    assert blocks_of(197, 100, 2) == 1
    assert blocks_of(199, 100, 2) == 2
    assert blocks_of(200, 100, 2) == 2


def test_selectors_that_meet_do_not_share_a_column() -> None:
    assert combine([(2, (0, 0)), (2, (0, 0))], 5) == 1
    assert combine([(2, (0, 0)), (2, (0, 1))], 5) == 2
    assert combine([(2, (0, 0)), (2, None)], 5) == 1


def combined_plainly(selectors: list[tuple[int, Place]], limit: int) -> int:
    """The same greedy combination, written to be read: every later selector is asked in turn."""
    waiting, columns = list(selectors), 0
    while waiting:
        degree, place = waiting.pop(0)
        deepest, size, places = degree - 1, 1, {place} - {None}
        left = []
        for other, where in waiting:
            meets = where is not None and bool(places - {where})
            if meets or deepest + size == limit or max(deepest, other - 1) + size + 1 > limit:
                left.append((other, where))
            else:
                deepest, size, places = max(deepest, other - 1), size + 1, places | ({where} - {None})
        waiting, columns = left, columns + 1
    return columns


@pytest.mark.parametrize("seed", range(40))
def test_the_fast_combination_is_the_plain_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places: list[Place] = [None, *((b, j) for b in range(3) for j in range(2))]
    for _ in range(10):
        size, limit = int(rng.integers(1, 40)), int(rng.integers(3, 12))
        selectors = [(int(rng.integers(2, 8)), places[rng.integers(len(places))]) for _ in range(size)]
        assert combine(selectors, limit) == combined_plainly(selectors, limit), (selectors, limit)


def test_counting_thousands_of_blocks_takes_no_time() -> None:
    started = time.process_time()
    assert selector_columns(3000, 2900, 2, 7, 0) > 2900
    assert time.process_time() - started < 2
