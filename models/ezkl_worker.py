"""One model through EZKL in a process of its own: `python -m models.ezkl_worker JOB.json`.

EZKL prints to stdout, can panic and holds the interpreter's lock, so it gets a process of its own. The job
file holds `model`, `scale`, `inputs` (for each sample, one flat list for each input); `result.json` is
written beside it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import ezkl

LOGROWS = 20


def run_arguments(scale: int) -> Any:
    """Return the arguments of a public input and output, fixed parameters, and no unsound shortcut."""
    arguments: Any = ezkl.PyRunArgs()
    arguments.input_scale = arguments.param_scale = scale
    arguments.input_visibility = arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.disable_freivalds = True
    arguments.logrows = LOGROWS
    # Wide enough for every table of the zoo at scale 10: a rescaled value stays below 64 in absolute value.
    arguments.lookup_range = (-(1 << 16), 1 << 16)
    return arguments


async def _call(function: Any, *arguments: Any) -> Any:
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


async def measure(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return rows, assignments, and each sample's first output as floats."""
    settings, circuit = folder / "settings.json", folder / "model.ezkl"
    await _call(ezkl.gen_settings, job["model"], str(settings), run_arguments(job["scale"]))
    await _call(ezkl.compile_circuit, job["model"], str(circuit), str(settings))
    facts = json.loads(settings.read_text())
    outputs = []
    for sample in job["inputs"]:
        data, witness = folder / "input.json", folder / "witness.json"
        data.write_text(json.dumps({"input_data": sample}))
        await _call(ezkl.gen_witness, str(data), str(circuit), str(witness))
        felts = json.loads(witness.read_text())["outputs"][0]
        unit = 2.0 ** facts["model_output_scales"][0]
        outputs.append([_signed(felt) / unit for felt in felts])
    return {
        "num_rows": facts["num_rows"],
        "total_assignments": facts["total_assignments"],
        "inner_columns": facts["run_args"]["num_inner_cols"],
        "outputs": outputs,
    }


def _signed(felt: str) -> int:
    return int(ezkl.felt_to_int(felt))


def main(path: str) -> int:
    """Run the job in the file and return the exit status."""
    job_file = Path(path)
    folder = job_file.parent
    result = asyncio.run(measure(json.loads(job_file.read_text()), folder))
    (folder / "result.json").write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
