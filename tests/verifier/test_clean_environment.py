"""Where EZKL, ONNX, onnxruntime and torch are absent, a proof is verified: by command and in Python, by both verifiers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.vectors import read
from tests.verifier.clean import make, run

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


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment that holds zkml as its wheel does, and what it needs to verify."""
    pytest.importorskip("zkml._core", reason="the native extension is not built")
    return make(tmp_path_factory.mktemp("clean"))


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
