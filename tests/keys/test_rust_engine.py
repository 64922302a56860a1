"""Keys made in Rust are the keys that EZKL makes, and EZKL proves with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml._core import graph as core_graph
from zkml._core import keys as core_keys
from zkml.cli import cli
from zkml.errors import CircuitError, UsageError, WitnessError
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


@pytest.mark.parametrize(("of_input", "of_output"), [("fixed", "public"), ("public", "fixed")])
def test_fixed_values_are_constants_of_the_same_key(tmp_path: Path, of_input: str, of_output: str) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K}.srs", K)
    # EZKL makes no witness for a fixed output that is range-checked.
    unchecked = of_output == "fixed"
    args = RunArgs(
        logrows=K,
        lookup_range=(-100, 100),
        input_visibility=of_input,
        output_visibility=of_output,
        ignore_range_check_inputs_outputs=unchecked,
    )
    bundle = zkml.compile(models.linear(tmp_path / "linear.onnx"), run_args=args).bundle
    zkml.make_witness(bundle, SAMPLE)
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    theirs = sha256_file(bundle.path("vk"))
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
    assert sha256_file(bundle.path("vk")) == theirs
    assert (keys.engine, keys.reason, keys.vk_bytes) == ("rust", None, bundle.path("vk").stat().st_size)
    assert zkml.prove(bundle, srs=srs, engine="rust").verdict.accepted

    zkml.make_witness(bundle, {"x": SAMPLE["x"] + 1})
    with pytest.raises(WitnessError) as error:
        zkml.prove(bundle, srs=srs, engine="rust")
    assert error.value.code == "not-the-fixed-one"


NOT_LAID_OUT = "node 3 (DeConv): this operator is not laid out by this engine"
NOT_RUN = "DeConv in the circuit: a transposed convolution is not supported by this engine"


def test_what_the_rust_engine_refuses_ezkl_does_and_every_command_says_why(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K + 1}.srs", K + 1)
    args = RunArgs(logrows=K + 1, lookup_range=(-100, 100))
    bundle = zkml.compile(models.transposed(tmp_path / "t.onnx"), run_args=args, out=tmp_path / "t.zkml").bundle.folder
    source = tmp_path / "input.npz"
    np.savez(source, x=np.array([[[[0.5, 1], [-1, 2]]]], dtype=np.float32))
    given = ["--srs", srs.path, "--unsafe-srs"]

    def run(command: str, *arguments: object) -> Result:
        result = CliRunner().invoke(cli, [command, str(bundle), *map(str, arguments)])
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def refused(result: Result, reason: str) -> None:
        error = json.loads(result.stdout)
        assert (result.exit_code, error["error"], error["code"]) == (CircuitError.exit_code, "CircuitError", "engine-unsupported")
        assert error["message"] == reason
        assert error["details"]["operator"] == "DeConv"
        assert "--engine ezkl" in error["hint"]

    refused(run("setup", *given, "--engine", "rust", "--json"), NOT_LAID_OUT)
    keys = run("setup", *given, "--engine", "auto")
    assert keys.exit_code == 0, keys.stderr
    assert f"keys by EZKL: {NOT_LAID_OUT}" in keys.stderr

    refused(run("witness", "--input", source, *given, "--engine", "rust", "--json"), NOT_RUN)
    witness = run("witness", "--input", source, *given)
    assert witness.exit_code == 0, witness.stderr
    assert f"made by EZKL: {NOT_RUN}" in witness.stderr

    refused(run("prove", *given, "--engine", "rust", "--json"), NOT_LAID_OUT)
    proof = run("prove", "--input", source, *given)
    assert proof.exit_code == 0, proof.stderr
    assert f"witness made by EZKL: {NOT_RUN}" in proof.stderr
    assert f"proved by EZKL: {NOT_LAID_OUT}" in proof.stderr
    assert "by      ezkl on cpu" in proof.stdout


def test_an_engine_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{K}.srs", K)
    with pytest.raises(UsageError):
        zkml.setup(tmp_path / "none.zkml", srs, allow_unsafe_srs=True, engine="jolt")
