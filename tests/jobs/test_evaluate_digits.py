"""360 digits evaluated with a proof of each, and the attestation verified where EZKL, ONNX and onnxruntime are absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zkml
from models import data
from tests.verifier.clean import make, run
from zkml.keys.srs import generate_unsafe
from zkml.settings.recipe import read_recipe

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def test_the_score_on_360_digits_is_attested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    split = data.digits()
    x, y = split.x_test.reshape(-1, 64), split.y_test
    assert len(x) == 360
    np.savez(tmp_path / "digits.npz", pixels=x, label=y)
    args = read_recipe(ROOT / "circuits" / "mlp" / "recipe.json")
    bundle = zkml.compile(ROOT / "models" / "mlp" / "model.onnx", out=tmp_path / "mlp.zkml", run_args=args).bundle
    srs = generate_unsafe(tmp_path / "home" / "srs" / f"k{args.logrows}.srs", args.logrows)
    zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")

    began = time.monotonic()
    evaluate = ["job", "evaluate", str(bundle.folder), "digits.npz", "--metric", "top1", "--dataset-name", "360 digits"]
    evaluate += ["--srs", str(srs.path), "--unsafe-srs", "--workers", "2", "--threads", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "zkml.cli", *evaluate], capture_output=True, text=True, cwd=tmp_path, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    evaluated = time.monotonic() - began
    value = json.loads(done.stdout)
    assert value["counts"]["items"] == 360

    clean = tmp_path / "clean"
    clean.mkdir()
    python = make(clean)
    began = time.monotonic()
    command = ["verify", "attestation", "--dataset", "digits.npz", "--labels", "digits.npz", "--unsafe-srs", "--allow-unaudited"]
    verified = run(python, tmp_path, "-I", "-c", "from zkml.cli import main; main()", *command, "--json")
    assert verified.returncode == 0, verified.stderr
    took = time.monotonic() - began
    again = json.loads(verified.stdout)
    assert again["score"] == value["score"]
    assert again["dataset"]["checked"]
    assert again["labels"]["checked"]
    assert float(again["score"]["decimal"]) == pytest.approx(0.980556, abs=0.01)  # that of the model card, in floats
    size = sum(p.stat().st_size for p in (tmp_path / "attestation").rglob("*") if p.is_file())
    print(f"{value['score']}: evaluated in {evaluated:.1f} s, verified in {took:.1f} s, {size} bytes")
