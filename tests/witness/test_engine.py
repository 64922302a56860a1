"""Who makes a witness: Rust where it can, EZKL where it cannot, and the result says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml.bundle import Bundle
from zkml.errors import UsageError, WitnessError

SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}


def compiled(folder: Path, **changes: Any) -> Bundle:
    fields: dict[str, Any] = {"logrows": 9, "lookup_range": (-100, 100)} | changes
    args = RunArgs(**fields)
    return zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))


def test_rust_makes_the_witness_and_it_is_the_one_that_ezkl_makes(tmp_path: Path) -> None:
    bundle = compiled(tmp_path)
    made = zkml.make_witness(bundle, SAMPLE)
    assert (made.engine, made.reason) == ("rust", None)
    ours = bundle.path("witness").read_bytes()
    theirs = zkml.make_witness(bundle, SAMPLE, engine="ezkl")
    assert theirs.engine == "ezkl"
    assert bundle.path("witness").read_bytes() == ours
    assert bundle.path("witness").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("engine", ["rust", "ezkl"])
def test_both_engines_refuse_an_input_beyond_the_digits(engine: str, tmp_path: Path) -> None:
    bundle = compiled(tmp_path)
    with pytest.raises(WitnessError) as error:
        zkml.make_witness(bundle, {"x": np.array([[1e9, 0, 0]], dtype=np.float32)}, engine=engine)
    assert error.value.code == "value-too-large"
    assert not bundle.has("witness")


def test_an_engine_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        zkml.make_witness(compiled(tmp_path), SAMPLE, engine="jolt")
