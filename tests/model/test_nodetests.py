"""ONNX's own node tests through the whole front end: none is wrong, and each comes out as the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zkml.ezkl import Worker
from zkml.model.conformance import LIMITS, difference
from zkml.model.nodetests import Result, exact, node_tests, run_test, verdict
from zkml.model.page_nodetests import MEASURED

LEAST_RIGHT = 1050
STEP = 10
TAKEN = ("right", "rewritten")


def measured() -> dict[str, Result]:
    return {t["case"]: Result.from_dict(t) for t in json.loads(MEASURED.read_bytes())["tests"]}


def run_again(folder: Path, step: int) -> list[Result]:
    with Worker(limits=LIMITS) as worker:
        return [verdict(run_test(worker, folder, case)) for i, case in enumerate(node_tests()) if i % step == 0]


def differences(results: list[Result]) -> list[str]:
    known = measured()
    return [f"{r.case}: {r.outcome} {r.reason}" for r in results if r.outcome != known[r.case].outcome]


def test_the_measured_tests_are_all_that_there_are_and_none_is_wrong() -> None:
    known = measured()
    assert set(known) == {case.name for case in node_tests()}
    assert [r.case for r in known.values() if r.outcome == "wrong"] == []
    assert sum(r.outcome in TAKEN for r in known.values()) >= LEAST_RIGHT
    assert [r.case for r in known.values() if r.outcome == "refused" and not r.reason] == []


@pytest.mark.ezkl
def test_a_tenth_comes_out_as_measured(tmp_path: Path) -> None:
    results = run_again(tmp_path, STEP)
    assert [r.case for r in results if r.outcome == "wrong"] == []
    assert differences(results) == []


@pytest.mark.ezkl
@pytest.mark.slow
def test_all_come_out_as_measured(tmp_path: Path) -> None:
    results = run_again(tmp_path, 1)
    assert [r.case for r in results if r.outcome == "wrong"] == []
    assert differences(results) == []
    assert sum(r.outcome in TAKEN for r in results) >= LEAST_RIGHT


def test_integers_must_be_met_exactly_and_floats_within_the_tolerance() -> None:
    def witness(*values: float) -> dict[str, object]:
        return {"pretty_elements": {"rescaled_outputs": [[str(v) for v in values]]}}

    assert difference(witness(1, 2), [np.asarray([1, 2])], exact)[1] == ""
    assert difference(witness(1, 3), [np.asarray([1, 2])], exact)[1] != ""
    assert difference(witness(1.01, 2), [np.asarray([1.0, 2.0])], exact)[1] == ""
    assert difference(witness(1.2, 2), [np.asarray([1.0, 2.0])], exact)[1] != ""
    assert difference(witness(1), [np.asarray([1.0, 2.0])], exact)[1] != ""
