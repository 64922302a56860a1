"""Measure models of the zoo in EZKL: `python -m models.measure NAME…|all` writes each folder's `ezkl.json`.

Rows of the circuit, and the largest error against onnxruntime, at two fixed-point scales; public input and
output, fixed parameters, `disable_freivalds`.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models import runtime
from models.entry import ROOT, names
from zkml.errors import CircuitError
from zkml.files import write_json

WORKING_FOLDER = ROOT.parent
"""Where the package `models` is found."""

SCALES = (7, 10)
SAMPLES = 4
SECONDS = 540
MEMORY_BYTES = 12 << 30


def in_ezkl(name: str, scale: int, samples: int = SAMPLES) -> dict[str, Any]:
    """Return rows and errors of one model at one scale, over its first `samples` samples.

    Raises `CircuitError` with EZKL's last words when it refuses the model, dies, or runs out of time.
    """
    model = (ROOT / name / "model.onnx").resolve()
    shipped = np.load(ROOT / name / "samples.npz")
    wanted = [v.name for v in onnx.load(model).graph.input]
    inputs = {k: shipped[k][:samples] for k in wanted}
    expected = runtime.predict(model.read_bytes(), inputs)
    flat = [[inputs[k][i].ravel().tolist() for k in wanted] for i in range(len(expected))]
    with tempfile.TemporaryDirectory() as scratch:
        job = Path(scratch) / "job.json"
        job.write_text(json.dumps({"model": str(model), "scale": scale, "inputs": flat}))
        result = _run(job, name)
    got = np.array(result.pop("outputs")).reshape(expected.shape)
    return {
        "scale": scale,
        **result,
        "samples": len(expected),
        "max_error": round(float(np.abs(got - expected).max()), 6),
        "max_output": round(float(np.abs(expected).max()), 6),
    }


def _run(job: Path, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "models.ezkl_worker", str(job)]
    try:
        done = subprocess.run(
            command,
            cwd=WORKING_FOLDER,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise CircuitError(f"EZKL took more than {SECONDS} s over {name}", code="timeout") from e
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CircuitError(f"EZKL failed on {name}: {' | '.join(words[-4:])[-800:]}", code="ezkl")
    result: dict[str, Any] = json.loads((job.parent / "result.json").read_text())
    return result


def main(arguments: Sequence[str]) -> int:
    """Measure the named models, print one line for each scale, and return the exit status."""
    known = names()
    wanted = known if list(arguments) == ["all"] else list(arguments)
    if not wanted or set(wanted) - set(known):
        print(f"usage: python -m models.measure NAME…|all   NAME: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted:
        rows = [in_ezkl(name, scale) for scale in SCALES]
        for row in rows:
            print(
                f"{name}: scale {row['scale']}, {row['num_rows']} rows, "
                f"{row['total_assignments']} assignments, "
                f"error {row['max_error']} of {row['max_output']}",
                flush=True,
            )
        write_json(ROOT / name / "ezkl.json", {"ezkl": importlib.metadata.version("ezkl"), "measurements": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
