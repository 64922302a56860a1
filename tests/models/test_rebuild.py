"""Rebuilding a model gives the shipped file byte for byte, where the versions on its card are installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.entry import ROOT, names

VERSIONS = "import json, sys; from models.entry import versions; print(json.dumps(versions(tuple(sys.argv[1:]))))"


def interpreter() -> str:
    """Return the Python with the training libraries: the one that the environment names, or the local one."""
    local = ROOT.parent / ".torch-venv" / "bin" / "python"
    return os.environ.get("ZKML_MODELS_PYTHON") or (str(local) if local.exists() else sys.executable)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_rebuild_is_byte_identical(name: str, tmp_path: Path) -> None:
    built_with = json.loads((ROOT / name / "card.json").read_text())["built_with"]
    python, tools = interpreter(), [t for t in built_with if t != "python"]
    found = subprocess.run([python, "-c", VERSIONS, *tools], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    if found.returncode != 0 or json.loads(found.stdout) != built_with:
        pytest.skip(f"{name} was built with other versions than those installed")
    subprocess.run([python, "-m", "models.build", name, "--into", str(tmp_path)], cwd=ROOT.parent, check=True)
    for file in ("model.onnx", "samples.npz", "card.json"):
        assert (tmp_path / name / file).read_bytes() == (ROOT / name / file).read_bytes(), file
