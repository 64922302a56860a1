"""The integers of one inference, as EZKL computes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zkml.bundle import Bundle
from zkml.errors import MalformedArtifact, WitnessError
from zkml.ezkl import Worker
from zkml.files import read_json
from zkml.keys.setup import MAX_WITNESS_BYTES
from zkml.keys.srs import Srs
from zkml.model import Model, to_ezkl_json
from zkml.settings import read_settings
from zkml.witness.engine import Job, check_engine, private_input, run_engine

SCALAR_FIELD = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
LARGEST_POSITIVE = (1 << 127) - 1


@dataclass(frozen=True)
class Witness:
    """A witness made: integer outputs and the numbers they stand for, one array for each output of the model.

    `engine` is what made it; `reason` says why that was EZKL where nobody asked for it.
    """

    outputs: tuple[np.ndarray, ...] = field(repr=False)
    rescaled: tuple[np.ndarray, ...] = field(repr=False)
    seconds: float
    peak_rss: int
    engine: str
    reason: str | None = None


def signed(felt: str) -> int:
    """Return the integer that EZKL's little-endian hex felt stands for. Raises `MalformedArtifact`."""
    try:
        value = int.from_bytes(bytes.fromhex(felt), "little")
    except (ValueError, TypeError) as e:
        raise MalformedArtifact(f"{felt!r} is not a field element", code="felt") from e
    if len(felt) != 64 or value >= SCALAR_FIELD:
        raise MalformedArtifact(f"{felt!r} is not a canonical field element", code="felt")
    return value if value <= LARGEST_POSITIVE else value - SCALAR_FIELD


def output_shapes(settings: Mapping[str, Any], model: Model) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in model.outputs]


def outputs_of(witness: Mapping[str, Any], settings: Mapping[str, Any], model: Model) -> tuple[np.ndarray, ...]:
    """Return the integer outputs in a witness, shaped as the model's outputs.

    Raises `MalformedArtifact` when the witness does not have the outputs that the settings announce.
    """
    outputs = witness.get("outputs")
    shapes = output_shapes(settings, model)
    if not isinstance(outputs, list) or len(outputs) != len(shapes):
        raise MalformedArtifact("the witness does not have the outputs of this model", code="witness-file")
    arrays = []
    for values, shape in zip(outputs, shapes, strict=True):
        integers = np.array([signed(v) for v in values], dtype=object)
        if integers.size != np.prod(shape, dtype=int):
            raise MalformedArtifact("an output in the witness has another size than the model's", code="witness-file")
        arrays.append(integers.reshape(shape))
    return tuple(arrays)


def rescale(integers: np.ndarray, scale: int) -> np.ndarray:
    """Return the numbers that fixed-point integers of this scale (a base-2 logarithm) stand for."""
    return np.asarray(integers / float(2**scale), dtype=np.float64)


def check_tables(witness: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise `WitnessError` when a table is asked for a value that it does not hold: EZKL then never finishes its proof."""
    if not settings["required_lookups"]:
        return
    low, high = settings["run_args"]["lookup_range"]
    least, most = witness.get("min_lookup_inputs"), witness.get("max_lookup_inputs")
    if not isinstance(least, int) or not isinstance(most, int):
        raise MalformedArtifact("the witness does not say which values it looks up", code="witness-file")
    if least < low or most > high:
        raise WitnessError(
            f"a lookup is asked for {most if most > high else least}, its table holds {low} to {high}:"
            " this input lies outside the range that the circuit was made for",
            hint="use a wider lookup_range (`zkml calibrate` chooses it from data, with room for unseen inputs)",
            code="out-of-table",
            details={"lookup_range": [low, high], "asked": [least, most]},
        )


def make_witness(
    bundle: Bundle,
    model: Model,
    sample: Mapping[str, np.ndarray],
    worker: Worker,
    *,
    srs: Srs | None = None,
    engine: str = "auto",
) -> Witness:
    """Make the witness of one sample and put it into the bundle.

    `engine` is `rust`, `ezkl`, or `auto`: Rust where it can. Raises `WitnessError` when the sample lies outside the range that
    the circuit was made for, `SrsError` and `MismatchedArtifacts` when committed tensors cannot be committed with `srs`,
    `CircuitError` when the engine cannot run this circuit, and what `Bundle.require` raises.
    """
    check_engine(engine)
    bundle.require("settings", "circuit")
    settings = read_settings(bundle.path("settings"))
    data = to_ezkl_json(sample, model)
    with bundle.change() as change:
        bundle.require("circuit")
        target = change.path("witness")
        with private_input(target, data) as source:
            ran = run_engine(engine, Job(bundle, settings, source, data, target, srs), worker)
        change.record("witness", made_from={"input": hashlib.sha256(data).hexdigest()})
        witness = read_json(target, what="witness", max_bytes=MAX_WITNESS_BYTES)
        check_tables(witness, settings)
        outputs = outputs_of(witness, settings, model)
    rescaled = tuple(rescale(o, s) for o, s in zip(outputs, settings["model_output_scales"], strict=True))
    return Witness(outputs, rescaled, ran.seconds, ran.peak_rss, ran.engine, ran.reason)


def witness_json(witness: Witness) -> dict[str, Any]:
    """Return the outputs of a witness as data for `--json`."""
    return {
        "outputs": [json.loads(json.dumps(o.tolist())) for o in witness.outputs],
        "rescaled_outputs": [r.tolist() for r in witness.rescaled],
        "engine": witness.engine,
        "reason": witness.reason,
        "seconds": witness.seconds,
        "peak_rss": witness.peak_rss,
    }
