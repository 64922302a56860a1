"""Whatever arithmetic runs, keys are the same bytes, and a proof that is made with one is accepted with all others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml.files import sha256_file
from zkml.keys.srs import generate_unsafe

K = 9
NEEDS = {
    "scalar": set[str](),
    "avx2": {"avx2", "fma"},
    "avx512": {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512ifma"},
}


def run(path: str, *words: str | Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "zkml.cli", *map(str, words), "--json"]
    done = subprocess.run(command, env={**os.environ, "ZKML_ARITHMETIC": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_keys_are_the_same_and_proofs_are_accepted_by_all(tmp_path: Path) -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else set()
    paths = [path for path, needed in NEEDS.items() if needed <= flags]
    srs = generate_unsafe(tmp_path / f"k{K}.srs", K)
    sample = tmp_path / "input.json"
    sample.write_text(json.dumps({"input_data": [[0.5, -0.25, 0.75]]}))
    args = RunArgs(logrows=K, lookup_range=(-100, 100))
    bundle = zkml.compile(models.unary(tmp_path / "relu.onnx", "Relu"), run_args=args).bundle
    made = {}
    proofs = []
    for path in paths:
        run(path, "setup", bundle.folder, "--engine", "rust", "--srs", srs.path, "--unsafe-srs")
        made[path] = [sha256_file(bundle.path(name)) for name in ("vk", "prover_key", "protocol")]
        proof = tmp_path / f"{path}.json"
        proved = run(
            path, "prove", bundle.folder, "--input", sample, "--engine", "rust", "--srs", srs.path, "--unsafe-srs", "--out", proof
        )
        assert proved["arithmetic"] == path
        proofs.append(proof)
    assert len({tuple(digests) for digests in made.values()}) == 1
    for path in paths:
        for proof in proofs:
            assert run(path, "verify", bundle.folder, proof, "--unsafe-srs", "--allow-unaudited")["outcome"] == "accepted"
