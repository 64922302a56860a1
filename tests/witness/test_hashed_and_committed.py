"""Witnesses of hashed and committed tensors made in Rust: those of EZKL, and proofs of them that everybody accepts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezkl
import numpy as np
import pytest
from onnx import helper

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml.bundle import Bundle
from zkml.errors import CircuitError, MismatchedArtifacts, SrsError
from zkml.ezkl import Worker
from zkml.keys.srs import Srs, generate_unsafe, trim
from zkml.verifier.policy import Policy

K = 9
WIDE = 700
"""More values than a column has rows."""
ALL = ("input_visibility", "output_visibility", "param_visibility")
ALLOWED = frozenset({"inputs-unranged", "parameters-unbound", "hash-unconstrained"})
SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}
PAIR = {"a": SAMPLE["x"], "b": np.array([[1.5, -1.0, 0.125]], dtype=np.float32)}
Model = Callable[[Path], Path]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_HOME", str(home))
    monkeypatch.delenv("ZKML_SRS", raising=False)


@pytest.fixture(scope="module")
def srs(home: Path) -> Srs:
    return generate_unsafe(home / "srs" / f"k{K}.srs", K)


def compiled(folder: Path, model: Model = models.linear, *, compare: bool = True, **changes: Any) -> Bundle:
    fields: dict[str, Any] = {"logrows": K, "lookup_range": (-100, 100)} | changes
    return zkml.compile(model(folder / "m.onnx"), run_args=RunArgs(**fields), allow_findings=ALLOWED, compare=compare).bundle


@pytest.fixture(scope="module")
def committed(home: Path, srs: Srs, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A circuit with all tensors committed, and its keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(home))
        everything: dict[str, Any] = dict.fromkeys(ALL, "polycommit")
        bundle = compiled(tmp_path_factory.mktemp("committed"), **everything)
        zkml.setup(bundle, srs, allow_unsafe_srs=True)
    return bundle


@pytest.fixture
def copied(committed: Bundle, tmp_path: Path) -> Bundle:
    return Bundle.open(Path(shutil.copytree(committed.folder, tmp_path / "m.zkml")))


def without_ezkl(*_: object, **__: object) -> None:
    raise AssertionError("EZKL was called")


def wide(path: Path) -> Path:
    return models.unary(path, "Neg", WIDE)


@pytest.mark.parametrize(
    ("model", "sample", "changes"),
    [
        (models.linear, SAMPLE, {"input_visibility": "hashed"}),
        (models.linear, SAMPLE, {"output_visibility": "hashed"}),
        (models.linear, SAMPLE, {"param_visibility": "hashed"}),
        (models.two_inputs, PAIR, {"input_visibility": "hashed", "output_visibility": "polycommit"}),
        (models.linear, SAMPLE, dict.fromkeys(ALL, "polycommit")),
        (wide, {"x": np.linspace(-1, 1, WIDE, dtype=np.float32)[None]}, dict.fromkeys(ALL[:2], "polycommit")),
    ],
    ids=["hashed input", "hashed output", "hashed parameters", "two inputs", "all committed", "several columns"],
)
def test_the_witness_is_that_of_ezkl_and_its_proof_is_accepted(
    model: Model, sample: dict[str, Any], changes: dict[str, Any], srs: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = compiled(tmp_path, model, **changes)
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    assert zkml.make_witness(bundle, sample, srs=srs, engine="ezkl").engine == "ezkl"
    theirs = json.loads(bundle.path("witness").read_bytes())
    shown = [theirs[f"processed_{what}"] for what in ("inputs", "outputs", "params")]
    assert [s is not None for s in shown] == [changes.get(v, "public") != "public" for v in ALL]
    ezkl_proof = json.loads(zkml.prove(bundle, srs=srs, engine="ezkl").path.read_bytes())
    monkeypatch.setattr(Worker, "call", without_ezkl)
    made = zkml.make_witness(bundle, sample, srs=srs)
    assert (made.engine, made.reason) == ("rust", None)
    assert json.loads(bundle.path("witness").read_bytes()) == theirs
    proved = zkml.prove(bundle, sample, srs=srs, engine="rust")
    for verifier in ("rust", "python"):
        assert zkml.check(bundle, policy=Policy(allow_unsafe_srs=True, allow_findings=ALLOWED), verifier=verifier).accepted
    proof, settings, vk = str(proved.path), str(bundle.path("settings")), str(bundle.path("vk"))
    assert ezkl.verify(proof, settings, vk, str(srs.path), reduced_srs=False)
    ours = json.loads(proved.path.read_bytes())
    for key in ("instances", "pretty_public_inputs"):
        assert ours[key] == ezkl_proof[key]


def test_the_witness_of_a_committed_tensor_needs_no_key(srs: Srs, tmp_path: Path) -> None:
    bundle = compiled(tmp_path, input_visibility="polycommit")
    assert zkml.make_witness(bundle, SAMPLE).engine == "rust"
    first = json.loads(bundle.path("witness").read_bytes())
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    zkml.make_witness(bundle, SAMPLE, srs=srs, engine="ezkl")
    assert json.loads(bundle.path("witness").read_bytes()) == first


def test_a_larger_srs_of_the_ceremony_does_as_well(copied: Bundle, srs: Srs, home: Path, tmp_path: Path) -> None:
    larger = generate_unsafe(tmp_path / "larger.srs", K + 1)
    with pytest.raises(MismatchedArtifacts) as error:
        zkml.make_witness(copied, SAMPLE, srs=larger)
    assert error.value.code == "srs-mismatch"
    zkml.setup(copied, trim(larger.path, tmp_path / "cut.srs", K), allow_unsafe_srs=True)
    zkml.make_witness(copied, SAMPLE, srs=larger)
    ours = json.loads(copied.path("witness").read_bytes())
    zkml.make_witness(copied, SAMPLE, srs=larger, engine="ezkl")
    assert json.loads(copied.path("witness").read_bytes()) == ours


@pytest.mark.parametrize("engine", ["auto", "rust", "ezkl"])
def test_without_an_srs_that_fits_there_is_no_witness(
    engine: str, copied: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "empty"))
    with pytest.raises(SrsError) as absent:
        zkml.make_witness(copied, SAMPLE, engine=engine)
    assert absent.value.code == "srs-absent"
    with pytest.raises(SrsError) as small:
        zkml.make_witness(copied, SAMPLE, srs=generate_unsafe(tmp_path / "small.srs", K - 1), engine=engine)
    assert small.value.code == "srs-too-small"
    assert not copied.has("witness")


def test_an_srs_changed_after_it_was_opened_is_named(copied: Bundle, srs: Srs, tmp_path: Path) -> None:
    changed = Srs.open(Path(shutil.copy(srs.path, tmp_path / "changed.srs")))
    data = bytearray(changed.path.read_bytes())
    data[4 + 64 * (1 << K)] ^= 1  # the first point that values are committed with
    changed.path.write_bytes(data)
    with pytest.raises(SrsError) as error:
        zkml.make_witness(copied, SAMPLE, srs=changed)
    assert error.value.code == "srs-file"
    changed.path.write_bytes(data[:1000])
    with pytest.raises(SrsError):
        zkml.make_witness(copied, SAMPLE, srs=changed)
    assert not copied.has("witness")


def one_output(path: Path) -> Path:
    weights = {"w": np.array([[0.5, -1.0, 0.25]], dtype=np.float32)}
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
    return models.save(path, [node], {"x": [1, 3]}, [1, 1], weights)


def test_ezkl_runs_where_rust_cannot_and_the_reason_is_given(tmp_path: Path) -> None:
    bundle = compiled(tmp_path, one_output, compare=False, output_visibility="hashed/private/0")
    made = zkml.make_witness(bundle, SAMPLE)
    assert made.engine == "ezkl"
    assert made.reason is not None
    assert "private hash" in made.reason
    with pytest.raises(CircuitError) as error:
        zkml.make_witness(bundle, SAMPLE, engine="rust")
    assert error.value.code == "engine-unsupported"
