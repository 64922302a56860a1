"""The flow from model to verdict, from Python and from the command line, and against EZKL itself."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.flow.conftest import SAMPLE, SMALL, Command, Proved
from zkml.bundle import Bundle
from zkml.ezkl import Worker
from zkml.keys.srs import Srs
from zkml.model import load, make_samples
from zkml.model.run import run_float
from zkml.verifier.policy import Policy

LENIENT = Policy(allow_unsafe_srs=True)


def test_a_proof_made_from_python_is_accepted(proved: Proved) -> None:
    verdict = zkml.verify(proved.bundle, policy=LENIENT, verifier="python")
    assert verdict.accepted
    assert verdict.circuit_id == proved.circuit_id


def test_the_outputs_of_a_witness_are_the_models(proved: Proved, copy: Bundle) -> None:
    model = load(proved.model)
    witness = zkml.make_witness(copy, SAMPLE)
    expected = run_float(model, make_samples(SAMPLE, model))["y"][0]
    np.testing.assert_allclose(witness.rescaled[0], expected, atol=0.05)


def test_names_of_the_package_are_functions_even_after_every_module_is_imported() -> None:
    for module in pkgutil.walk_packages(zkml.__path__, "zkml."):
        if not module.name.endswith("__main__") and module.name != "zkml.ezkl.child":
            importlib.import_module(module.name)
    for name in zkml.__all__:
        assert not isinstance(getattr(zkml, name), ModuleType), name


def test_the_whole_flow_on_the_command_line(tmp_path: Path, run: Command, home: Path) -> None:
    model = models.linear(tmp_path / "mine.onnx")
    (tmp_path / "recipe.json").write_text(json.dumps({"run_args": SMALL.as_ezkl()}))
    (tmp_path / "input.json").write_text(json.dumps({"input_data": [[0.5, -0.25, 0.75]]}))
    bundle = tmp_path / "mine.zkml"

    compiled = run("compile", model, "--recipe", tmp_path / "recipe.json", "--json")
    assert compiled.exit_code == 0, compiled.stderr
    assert json.loads(compiled.stdout)["bundle"] == str(bundle)

    keys = run("setup", bundle, "--unsafe-srs", "--json")
    assert keys.exit_code == 0, keys.stderr
    circuit_id = json.loads(keys.stdout)["circuit_id"]

    made = run("prove", bundle, "--input", tmp_path / "input.json", "--json")
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["circuit_id"] == circuit_id
    assert json.loads(made.stdout)["device"] == "cpu"

    verdict = run("verify", bundle, "--unsafe-srs", "--verifier", "python", "--json")
    assert verdict.exit_code == 0, verdict.stderr
    said = json.loads(verdict.stdout)
    assert said["outcome"] == "accepted"
    assert [t["role"] for t in said["statement"]] == ["input", "output"]
    assert said["statement"][0]["values"] == [[0.5, -0.25, 0.75]]
    assert said["slack"]


def test_an_input_on_stdin_is_proved_without_touching_the_disk(copy: Bundle, run: Command) -> None:
    made = run("prove", copy.folder, "--input", "-", stdin='{"x": [[0.25, 0.5, -0.5]]}')
    assert made.exit_code == 0, made.stderr
    assert not list(copy.folder.glob("**/input.json"))


def test_ezkl_accepts_our_proof(proved: Proved, srs: Srs) -> None:
    bundle = proved.bundle
    with Worker() as worker:
        verified = worker.call(
            "verify",
            proof_path=bundle.path("proof"),
            settings_path=bundle.path("settings"),
            vk_path=bundle.path("vk"),
            srs_path=srs.path,
        )
    assert verified.value is True


def test_we_accept_ezkls_proof_with_bare_files(proved: Proved, srs: Srs, tmp_path: Path, run: Command) -> None:
    bundle, proof = proved.bundle, tmp_path / "ezkl.json"
    with Worker() as worker:
        worker.call(
            "prove",
            witness=bundle.path("witness"),
            model=bundle.path("circuit"),
            pk_path=bundle.path("pk"),
            proof_path=proof,
            srs_path=srs.path,
        )
    bare = ["verify", proof, "--settings", bundle.path("settings"), "--vk", bundle.path("vk"), "--srs", srs.path]
    verdict = run(*bare, "--unsafe-srs", "--allow-unaudited", "--verifier", "python")
    assert verdict.exit_code == 0, verdict.stderr + verdict.stdout
    assert verdict.stdout.startswith("accepted")


def test_a_proof_goes_where_it_is_asked_to_go(copy: Bundle, tmp_path: Path, run: Command) -> None:
    before = copy.path("proof").read_bytes()
    out = tmp_path / "deep" / "proof.json"
    made = run("prove", copy.folder, "--out", out)
    assert made.exit_code == 0, made.stderr
    assert copy.path("proof").read_bytes() == before
    verdict = run("verify", out, "--protocol", copy.path("protocol"), "--unsafe-srs", "--verifier", "python")
    assert verdict.exit_code == 0, verdict.stderr


def test_no_command_leaves_anything_beside_the_artefacts(proved: Proved) -> None:
    names = {p.name for p in proved.bundle.folder.iterdir()}
    assert names <= {p.file for p in zkml.bundle.KINDS} | {"bundle.json", ".lock"}
    assert proved.bundle.verify() == []


@pytest.mark.parametrize("visible", ["witness"])
def test_private_files_are_readable_by_their_owner_alone(proved: Proved, visible: str) -> None:
    assert proved.bundle.path(visible).stat().st_mode & 0o077 == 0


def test_compiling_again_drops_what_no_longer_belongs(proved: Proved, tmp_path: Path) -> None:
    folder = tmp_path / "again.zkml"
    shutil.copytree(proved.bundle.folder, folder)
    other = models.linear(tmp_path / "again.onnx", seed=8)
    bundle = zkml.compile(other, run_args=SMALL).bundle
    assert bundle.folder == folder
    assert not any(bundle.has(name) or bundle.path(name).exists() for name in ("vk", "pk", "protocol", "witness", "proof"))


def test_samples_choose_the_settings(tmp_path: Path, run: Command, home: Path) -> None:
    model = models.linear(tmp_path / "mine.onnx")
    x = np.random.default_rng(3).uniform(-1, 1, (24, 1, 3)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", x=x)
    compiled = run(
        "compile",
        model,
        "--data",
        tmp_path / "samples.npz",
        "--metric",
        "max_abs",
        "--tolerance",
        "0.05",
        "--max-k",
        "10",
        "--json",
    )
    assert compiled.exit_code == 0, compiled.stderr
    value = json.loads(compiled.stdout)
    assert value["fidelity"]["metric_integer"] <= 0.05
    assert value["run_args"]["logrows"] <= 10
    assert Bundle.open(tmp_path / "mine.zkml").has("fidelity")
