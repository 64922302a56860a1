"""Whether the circuit computes the model: integers against floats, on samples and on made inputs that reach the corners.

The model is run in integers at a fine scale, where a circuit of the same function is close to the floats: what is left there is
another function, whatever the scale. Where a change of the inputs by a few units moves the floats as far, the scale explains it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.errors import InfeasibleError, ModelError, ZkmlError
from zkml.ezkl import Worker
from zkml.model import Model, Samples
from zkml.model.nearby import finite, moved
from zkml.model.rewrite.check import corner_samples
from zkml.model.run import Runner
from zkml.model.samples import numpy_type
from zkml.settings import RunArgs
from zkml.settings.network_error import node_errors
from zkml.settings.trial import Trials, probe

SCALES = (12, 10, 8)
"""Tried in this order: the first at which the model has a witness."""

ABSOLUTE, RELATIVE = 0.02, 0.02
"""At such a scale outputs are the same within ABSOLUTE plus RELATIVE times their magnitude."""

MAX_GIVEN = 2
MAX_SECONDS = 30.0

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Drift:
    """What was compared: how many inputs, at which scale, and the largest error that remained beside the largest output."""

    inputs: int
    scale: int
    max_abs: float
    largest: float
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs,
            "scale": self.scale,
            "max_abs": float(f"{self.max_abs:.3g}"),
            "largest": float(f"{self.largest:.3g}"),
            "notes": list(self.notes),
        }


def check_drift(model: Model, args: RunArgs, samples: Samples | None, worker: Worker) -> Drift:
    """Compare a normalised model in integers with onnxruntime on some of the samples and on made inputs.

    Raises `ModelError` (code `drift`) naming the user's node whose output first differs by more than the scale explains. Inputs
    that onnxruntime cannot take or gives no finite output for, and those without a witness, are left out and counted in a note.
    """
    try:
        floats = Runner(model)
    except ModelError:
        return Drift(0, 0, 0.0, 0.0, ("onnxruntime cannot run the model, so the circuit was not compared with it",))
    started = time.monotonic()
    cases = [(f"sample {i}", samples[i]) for i in range(min(len(samples), MAX_GIVEN))] if samples is not None else []
    cases += list(within(model, samples))
    with tempfile.TemporaryDirectory(prefix="zkml-drift-") as name:
        folder = Path(name)
        path = folder / "model.onnx"
        path.write_bytes(model.to_bytes())
        shapes = [t.shape for t in model.outputs]
        trials = Trials(path, worker, folder, [t.name for t in model.inputs], [t.shape for t in model.inputs], shapes)
        compared, scale, worst, largest, out = 0, 0, 0.0, 0.0, 0
        for what, sample in cases:
            expected = finite(floats, sample)
            run = None if expected is None else integers(trials, args, sample, (scale,) if scale else SCALES)
            if expected is None or run is None:
                out += 1
                continue
            scale, got = run
            for tensor, values in zip(model.outputs, got, strict=True):
                want = expected[tensor.name].astype(np.float64)
                error = np.abs(values.reshape(want.shape) - want)
                worst = max(worst, float(error.max()))
                largest = max(largest, float(np.abs(want).max()))
                allowed = ABSOLUTE + RELATIVE * float(np.abs(want).max())
                if (error > allowed).any() and (error > allowed + 2 * moved(floats, sample, tensor.name, want, scale)).any():
                    raise fault(model, args, scale, sample, what, tensor.name, float(error.max()), worker, folder)
            compared += 1
            if time.monotonic() - started > MAX_SECONDS:
                break
    notes = (f"{out} of {len(cases)} inputs have no finite output or no witness, and were not compared",) if out else ()
    return Drift(compared, scale, worst, largest, notes)


def within(model: Model, samples: Samples | None) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield made inputs by name, within the range of the samples where there are any."""
    for kind, sample in corner_samples(model):
        if samples is None:
            if kind != "large":
                yield kind, sample
            continue
        made = {}
        for tensor in model.inputs:
            seen = samples.arrays[tensor.name]
            if numpy_type(tensor).kind != "f":
                made[tensor.name] = seen[hash_of(kind) % len(seen)]
                continue
            low, high = float(seen.min()), float(seen.max())
            wide = np.clip(sample[tensor.name].astype(np.float64) / 2, -1, 1)
            spread = low + (high - low) * (wide + 1) / 2
            made[tensor.name] = np.clip(wide if kind == "zero" else spread, low, high).astype(numpy_type(tensor))
        if kind != "large":
            yield kind, made


def hash_of(kind: str) -> int:
    return sum(kind.encode())


def integers(trials: Trials, args: RunArgs, sample: Arrays, scales: tuple[int, ...]) -> tuple[int, list[np.ndarray]] | None:
    """Return the first of the scales at which the sample has a witness, and the outputs there; None where it has none.

    Raises `InfeasibleError` when a limit of the worker is hit.
    """
    for scale in scales:
        fine = probe(args.with_(input_scale=scale, param_scale=scale))
        try:
            settings = trials.settings(fine)
            run = trials.execute(trials.compile(fine), settings["model_output_scales"], [sample])
        except InfeasibleError:
            raise
        except ZkmlError:
            continue
        return scale, [o[0] for o in run.outputs]
    return None


def fault(
    model: Model,
    args: RunArgs,
    scale: int,
    sample: Arrays,
    what: str,
    output: str,
    error: float,
    worker: Worker,
    folder: Path,
) -> ModelError:
    """Return the error that names the first node whose own output is off."""
    named = None
    try:
        nodes = node_errors(model.proto, args.with_(input_scale=scale, param_scale=scale), 1, sample, worker, folder)
    except ZkmlError:
        nodes = []
    for n in nodes:
        own = n.max_abs if n.introduced is None else n.introduced
        if own > ABSOLUTE + RELATIVE * n.range:
            named = n
            break
    user = model.users_node(named.node) if named is not None else None
    where = f"node {user} ({named.operator})" if named is not None else f"output {output!r}"
    return ModelError(
        f"the circuit computes something else than the model: {where} is off by {error:.3g} on {what}, at scale {scale}",
        hint="replace the node by operators that are supported (docs/operators.md); --allow-wrong compiles it all the same",
        code="drift",
        node=user,
        details={"sample": what, "output": output, "error": error, "scale": scale},
    )
