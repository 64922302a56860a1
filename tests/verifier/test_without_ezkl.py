"""Verification needs neither EZKL, nor ONNX, nor our extension, nor NumPy: a full node can run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.vectors import read

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys

BLOCKED = {"ezkl", "onnx", "onnxruntime", "torch", "numpy", "zkml._core", "psutil", "click", "rich"}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in BLOCKED or name.split(".")[0] in BLOCKED:
            raise ImportError("blocked: " + name)


sys.meta_path.insert(0, Blocker())
from pathlib import Path
from zkml.protocol.ezkl import protocol_from_ezkl
from zkml.protocol import decode, canonical_bytes
from zkml.verifier import Policy, check_bytes
import json

folder = Path(sys.argv[1])
points = decode((folder / "protocol.json").read_bytes()).points
settings = json.loads((folder / "settings.json").read_bytes())
protocol = canonical_bytes(protocol_from_ezkl(settings, (folder / "vk.key").read_bytes(), points))
policy = Policy(allow_unsafe_srs=True, allow_unaudited=True)
print(check_bytes(protocol, (folder / "proof.json").read_bytes(), policy).outcome)
print(sorted(BLOCKED & set(sys.modules)))
"""


def test_a_proof_is_verified_with_nothing_but_python_keccak_and_py_ecc() -> None:
    folder = read.ROOT / "linear"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split("\n")[:2] == ["accepted", "[]"], done.stderr
