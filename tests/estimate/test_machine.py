"""The machine is measured once and remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zkml.estimate import machine
from zkml.estimate.machine import this_machine


def test_the_measure_is_short_and_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = this_machine(tmp_path / "deep" / "machine.json")
    assert 0.05 < first.slowness < 20
    monkeypatch.setattr(machine, "measure", lambda: pytest.fail("measured again"))
    assert this_machine(tmp_path / "deep" / "machine.json") == first


@pytest.mark.parametrize("text", ["", "[]", '{"version": 0}', '{"version": 1, "cpu": 3}', "not json"])
def test_a_cache_that_is_not_ours_is_measured_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "machine.json").write_text(text)
    found = this_machine(tmp_path / "machine.json")
    assert json.loads((tmp_path / "machine.json").read_text())["slowness"] == found.slowness


def test_another_cpu_is_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"version": 1, "cpu": "abacus", "cpus": 1, "slowness": 50.0}))
    assert this_machine(path).slowness < 20


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert this_machine(tmp_path / "file" / "machine.json").slowness > 0
