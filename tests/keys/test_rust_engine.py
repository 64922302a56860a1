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
from zkml.errors import UsageError
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


def test_a_hashed_output_is_keyed_and_proved_in_rust(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K + 1}.srs", K + 1)
    args = RunArgs(logrows=K + 1, lookup_range=(-100, 100), output_visibility="hashed")
    bundle = zkml.compile(models.linear(tmp_path / "linear.onnx"), run_args=args).bundle
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    theirs = sha256_file(bundle.path("vk"))
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="auto")
    assert keys.engine == "rust"
    assert sha256_file(bundle.path("vk")) == theirs
    proved = zkml.prove(bundle, SAMPLE, srs=srs)
    assert proved.engine == "rust"


def test_an_engine_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K}.srs", K)
    with pytest.raises(UsageError):
        zkml.setup(tmp_path / "none.zkml", srs, allow_unsafe_srs=True, engine="jolt")
