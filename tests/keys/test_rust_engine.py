"""Keys made in Rust are the keys that EZKL makes, and EZKL proves with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml._core import graph as core_graph
from zkml._core import keys as core_keys
from zkml.errors import CircuitError, UsageError
from zkml.files import sha256_file
from zkml.keys.srs import generate_unsafe

K = 8
SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))


def test_both_engines_make_the_same_keys_and_ezkl_proves_with_those_of_rust(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K}.srs", K)
    args = RunArgs(logrows=K, lookup_range=(-100, 100))
    bundle = zkml.compile(models.linear(tmp_path / "linear.onnx"), run_args=args).bundle

    theirs = zkml.setup(bundle, srs, allow_unsafe_srs=True)
    files = {name: sha256_file(bundle.path(name)) for name in ("vk", "pk", "protocol")}
    circuit = core_graph.decode(bundle.path("circuit").read_bytes())
    core_keys.make_proving_key(circuit, srs.path, tmp_path / "pk.key")
    assert sha256_file(tmp_path / "pk.key") == files["pk"]

    ours = zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
    assert (theirs.engine, ours.engine) == ("ezkl", "rust")
    assert {name: sha256_file(bundle.path(name)) for name in ("vk", "protocol")} == {
        name: files[name] for name in ("vk", "protocol")
    }
    assert ours.circuit_id == theirs.circuit_id
    assert bundle.has("prover_key")
    assert not bundle.has("pk")
    assert ours.pk_bytes * 4 < theirs.pk_bytes


def test_what_rust_cannot_lay_out_is_named_and_leaves_no_keys(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K + 1}.srs", K + 1)
    args = RunArgs(logrows=K + 1, lookup_range=(-100, 100), output_visibility="hashed")
    bundle = zkml.compile(models.linear(tmp_path / "linear.onnx"), run_args=args).bundle
    with pytest.raises(CircuitError) as error:
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
    assert error.value.code == "engine-unsupported"
    assert not any(bundle.has(name) for name in ("pk", "vk", "prover_key"))


def test_auto_takes_ezkl_for_such_circuits_and_says_why(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K + 1}.srs", K + 1)
    args = RunArgs(logrows=K + 1, lookup_range=(-100, 100), output_visibility="hashed")
    bundle = zkml.compile(models.linear(tmp_path / "linear.onnx"), run_args=args).bundle
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="auto")
    assert keys.engine == "ezkl"
    assert keys.reason is not None
    assert "hashed" in keys.reason
    proved = zkml.prove(bundle, SAMPLE, srs=srs)
    assert proved.engine == "ezkl"
    assert proved.reason == keys.reason


def test_an_engine_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K}.srs", K)
    with pytest.raises(UsageError):
        zkml.setup(tmp_path / "none.zkml", srs, allow_unsafe_srs=True, engine="jolt")
