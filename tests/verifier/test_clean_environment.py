"""Where EZKL, ONNX, onnxruntime and torch are absent, a proof is verified: by command and in Python, by both verifiers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest

from tests.vectors import read

ROOT = Path(__file__).parents[2]
NEEDED = ("click", "rich", "numpy", "psutil", "py-ecc", "pycryptodome")
"""What verification needs of the packages that zkml depends on."""

KIND = "linear"

PROGRAM = """
import sys
from pathlib import Path
import zkml.verifier
assert not {"ezkl", "onnx", "onnxruntime", "torch"} & set(sys.modules)
from zkml.protocol import decode, read_proof
from zkml.verifier import Policy, check, native
folder = Path(sys.argv[1])
protocol = decode((folder / "protocol.json").read_bytes())
proof = read_proof((folder / "proof.json").read_bytes())
policy = Policy(allow_unsafe_srs=True, allow_unaudited=True)
print(check(protocol, proof, policy).outcome, native.check(protocol, proof, policy).outcome)
for name in ("ezkl", "onnx", "onnxruntime", "torch"):
    try:
        __import__(name)
    except ImportError:
        continue
    print(name, "is here")
"""


def with_requirements(names: tuple[str, ...]) -> set[str]:
    """Return the distributions and, recursively, what they need on this machine."""
    known: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        for requirement in metadata.requires(name) or ():
            needed, _, marker = requirement.partition(";")
            if "extra" not in marker:
                found = re.match(r"[\w.-]+", needed)
                assert found
                try:
                    metadata.distribution(found[0])
                except metadata.PackageNotFoundError:  # for another system or Python
                    continue
                waiting.append(found[0])
    return known


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment that holds zkml as its wheel does, and what it needs to verify."""
    pytest.importorskip("zkml._core", reason="the native extension is not built")
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in with_requirements(NEEDED):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            source = Path(str(metadata.distribution(name).locate_file(top)))
            if top not in ("..", "__pycache__") and source.exists() and not (packages / top).exists():
                (packages / top).symlink_to(source)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "zkml", packages / "zkml", ignore=ignore)
    return folder / "bin" / "python"


def run(python: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"ZKML_HOME": str(tmp_path / "home")}
    return subprocess.run(
        [str(python), *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120, check=False
    )


def test_the_library_verifies(python: Path, tmp_path: Path) -> None:
    done = run(python, tmp_path, "-I", "-c", PROGRAM, str(read.ROOT / KIND))
    assert done.stdout == "accepted accepted\n", done.stderr
    assert Path(sys.executable) != python


@pytest.mark.parametrize("verifier", ["rust", "python"])
def test_the_command_verifies(python: Path, tmp_path: Path, verifier: str) -> None:
    folder = read.ROOT / KIND
    command = ["verify", str(folder / "proof.json"), "--protocol", str(folder / "protocol.json"), "--json"]
    command += ["--unsafe-srs", "--allow-unaudited", "--verifier", verifier]
    done = run(python, tmp_path, "-I", "-c", "from zkml.cli import main; main()", *command)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "accepted"
