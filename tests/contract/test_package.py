"""The folder that a user gets: written whole, its tests pass as they are, in every form."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vectors import read
from zkml.contract import FORMS, Form, calldata
from zkml.contract.compiler import compile_sources, standard_input
from zkml.contract.package import package
from zkml.contract.templates import interface, interface_abi
from zkml.errors import MalformedArtifact, UsageError

KIND = "simulated_three_phases"
CONTRACTS = Path(__file__).parents[2] / "contracts"


def made(directory: Path, form: Form) -> Path:
    package(read.protocol(KIND), read.proof(KIND), directory, form=form)
    return directory


@pytest.mark.parametrize("form", FORMS)
def test_everything_is_there_and_says_the_same(form: Form, tmp_path: Path) -> None:
    folder = made(tmp_path / "verifier", form)
    sources = {f"src/{path.name}": path.read_text() for path in (folder / "src").iterdir()}
    deployment = json.loads((folder / "deployment.json").read_text())
    assert deployment["circuitId"] == "0x" + read.protocol(KIND).circuit_id
    assert deployment["form"] == form
    assert {c["file"] for c in deployment["contracts"]} <= set(sources)
    assert json.loads((folder / "standard-input.json").read_text()) == standard_input(sources)
    call = calldata(read.protocol(KIND), read.proof(KIND)).hex()
    assert (folder / "calldata.hex").read_text() == f"0x{call}\n"
    assert call[:80] in (folder / "test" / "Verifier.t.sol").read_text()


def test_the_abi_is_the_interface_s() -> None:
    assert json.loads(interface_abi()) == list(compile_sources({"IVerifier.sol": interface()})["IVerifier"].abi)


@pytest.mark.parametrize("form", [pytest.param(form, marks=pytest.mark.slow) if form != "single" else form for form in FORMS])
def test_its_python_test_passes_as_it_is(form: Form, tmp_path: Path) -> None:
    folder = made(tmp_path / "verifier", form)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder / "test")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_its_foundry_test_passes_as_it_is(form: Form, tmp_path: Path) -> None:
    if not (CONTRACTS / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip("forge is not installed in contracts/")
    folder = made(tmp_path / "verifier", form)
    command = [str(CONTRACTS / "forge"), "test", "--use", str(CONTRACTS / "solc.mjs"), "--offline"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(UsageError):
        made(tmp_path, "single")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_proof_of_another_circuit_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MalformedArtifact):
        package(read.protocol(KIND), read.proof("linear"), tmp_path / "verifier")
    assert not list(tmp_path.iterdir())
