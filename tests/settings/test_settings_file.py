"""Run arguments and settings files: what EZKL writes is read, anything else is malformed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zkml.errors import MalformedArtifact, UsageError
from zkml.settings import RunArgs, read_settings, sorted_settings, write_settings

FIXTURES = sorted((Path(__file__).parent.parent / "graph" / "fixtures").glob("*/settings.json"))
GOOD: dict[str, Any] = json.loads(FIXTURES[0].read_text())


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.parent.name)
def test_what_ezkl_writes_is_read_and_its_run_arguments_with_it(path: Path, tmp_path: Path) -> None:
    read = read_settings(path)
    args = RunArgs.from_settings(read)
    assert args.logrows == read["run_args"]["logrows"]
    once = sorted_settings(read)
    assert sorted_settings(once) == once
    write_settings(tmp_path / "s", once)
    assert read_settings(tmp_path / "s") == once


def test_the_order_that_ezkl_chooses_at_random_makes_no_difference() -> None:
    one = copy.deepcopy(GOOD) | {
        "required_range_checks": [[0, 3], [-1, 1]],
        "required_lookups": ["Abs", {"Sigmoid": {"scale": 2}}],
    }
    other = one | {"required_range_checks": [[-1, 1], [0, 3]], "required_lookups": [{"Sigmoid": {"scale": 2}}, "Abs"]}
    assert sorted_settings(one) == sorted_settings(other | {"timestamp": 5})


@pytest.mark.parametrize(
    "changes",
    [
        {"input_scale": -1},
        {"logrows": 29},
        {"logrows": True},
        {"logrows": 17.0},
        {"decomp_base": 1},
        {"num_inner_cols": 0},
        {"lookup_range": (2, 1)},
        {"lookup_range": (0, 1 << 70)},
        {"input_visibility": "secret"},
        {"input_visibility": "hashed/private/x"},
        {"disable_freivalds": 1},
    ],
)
def test_impossible_run_arguments_are_a_usage_error(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RunArgs().with_(**changes)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_is_read_or_malformed(data: st.DataObject, tmp_path: Path) -> None:
    changed = copy.deepcopy(GOOD)
    where = data.draw(st.sampled_from([changed, changed["run_args"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(anything | st.dictionaries(st.just("Hashed"), anything))
    path = tmp_path / "s"
    path.write_text(json.dumps(changed))
    try:
        read = read_settings(path)
    except MalformedArtifact:
        return
    RunArgs.from_settings(read)


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', '{"run_args": 1}', "{" * 10_000, '{"version": NaN}'])
def test_what_is_no_settings_file_is_malformed(text: str, tmp_path: Path) -> None:
    (tmp_path / "s").write_text(text)
    with pytest.raises(MalformedArtifact):
        read_settings(tmp_path / "s")


def test_another_version_of_ezkl_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(json.dumps(GOOD | {"version": "22.0.0"}))
    with pytest.raises(MalformedArtifact, match=r"EZKL 22\.0\.0") as e:
        read_settings(tmp_path / "s")
    assert e.value.code == "ezkl-version"
