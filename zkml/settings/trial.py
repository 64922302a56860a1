"""Trying run arguments on data: settings and integer outputs from EZKL, and what ranges the values reach."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.errors import SampleError, WitnessError
from zkml.ezkl import Worker
from zkml.files import read_json
from zkml.settings.metrics import Floats
from zkml.settings.run_args import RunArgs
from zkml.settings.settings_file import sorted_settings

FIELD = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
PROBE_BITS = 62
"""Digits of so many bits in all hold any value worth proving: wider ones overflow EZKL's 128-bit integers in products."""
PROBE_ROWS = 26
PROBE_BASE = 64
WIDE_LOOKUP = (-(1 << 24), 1 << 24)
TOO_LARGE = re.compile(r"integer (-?\d+) is too large to be represented by base (\d+) and n (\d+)")

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Run:
    """Integer outputs of some samples, rescaled to floats, and for each the least and largest input of a lookup."""

    outputs: list[Floats]
    lookups: list[tuple[int, int]]

    @property
    def lookup(self) -> tuple[int, int]:
        """The least and largest over all samples."""
        return reach(self.lookups)


def reach(lookups: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return min((low for low, _ in lookups), default=0), max((high for _, high in lookups), default=0)


@dataclass(frozen=True)
class TooLarge:
    """A value met in a witness that its digits do not hold."""

    value: int
    base: int
    legs: int


def too_large(error: WitnessError) -> TooLarge | None:
    """Return the value that EZKL complained about, if the error is of that kind."""
    text = f"{error.details.get('ezkl', '')}\n{error.details.get('log', '')}"
    match = TOO_LARGE.search(text)
    return TooLarge(abs(int(match.group(1))), int(match.group(2)), int(match.group(3))) if match else None


def signed(felt: str) -> int:
    """Return the integer that a field element of EZKL's JSON (64 hex digits, little-endian) stands for."""
    value = int.from_bytes(bytes.fromhex(felt), "little")
    return value if value <= FIELD // 2 else value - FIELD


@dataclass
class Trials:
    """EZKL's settings and witnesses of one model, each made once. `folder`, which only its owner can read, holds its temporary
    files. `deadline`, of `time.monotonic`, is when whatever can do with less should stop, `last` when everything should, with a
    result or without; a call under way is not cut short."""

    model: Path
    worker: Worker
    folder: Path
    input_names: Sequence[str]
    input_shapes: Sequence[tuple[int, ...]]
    output_shapes: Sequence[tuple[int, ...]]
    deadline: float = float("inf")
    last: float = float("inf")
    settings_calls: int = 0
    witnesses: int = 0
    witness_seconds: float = 0.0
    settings_seconds: float = 0.0
    _settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def late(self) -> bool:
        return time.monotonic() > self.deadline

    @property
    def over(self) -> bool:
        return time.monotonic() > self.last

    @property
    def circuit(self) -> Path:
        """The circuit that was compiled last."""
        return self.folder / "circuit.ezkl"

    def settings(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `gen_settings` says for `args`, its lists sorted.

        For a probe of another base it is derived: neither cells nor scales depend on the base, and a witness needs no tables.
        """
        if args["logrows"] == PROBE_ROWS and args["decomp_base"] != PROBE_BASE:
            known = self.settings(dict(args) | {"decomp_base": PROBE_BASE})
            return known | {"run_args": known["run_args"] | {"decomp_base": args["decomp_base"]}}
        key = json.dumps(args, sort_keys=True)
        if key not in self._settings:
            path = self.folder / "settings.json"
            result = self.worker.call("gen_settings", stage="calibrate", model=self.model, output=path, py_run_args=dict(args))
            self.settings_calls += 1
            self.settings_seconds += result.seconds
            self._settings[key] = sorted_settings(read_json(path, what="settings"))
        return self._settings[key]

    def compile(self, args: Mapping[str, Any]) -> Path:
        """Return the compiled circuit for `args`; the next call writes over it."""
        settings, circuit = self.folder / "settings.json", self.circuit
        write_for_ezkl(settings, self.settings(args))
        self.worker.call("compile_circuit", stage="calibrate", model=self.model, compiled_circuit=circuit, settings_path=settings)
        return circuit

    def write_input(self, sample: Arrays) -> Path:
        path = self.folder / "input.json"
        flat = [np.asarray(sample[name]).reshape(-1).tolist() for name in self.input_names]
        path.write_text(json.dumps({"input_data": flat}, allow_nan=False))
        return path

    def witness(self, circuit: Path, sample: Arrays) -> dict[str, Any]:
        """Return the witness of one sample. Raises `WitnessError`."""
        output = self.folder / "witness.json"
        result = self.worker.call("gen_witness", stage="calibrate", data=self.write_input(sample), model=circuit, output=output)
        self.witnesses += 1
        self.witness_seconds += result.seconds
        witness: dict[str, Any] = read_json(output, what="witness")
        return witness

    def run(self, args: Mapping[str, Any], samples: Sequence[Arrays]) -> Run:
        """Return the integer outputs of `samples`. Raises `WitnessError` for the first that has no witness."""
        return self.execute(self.compile(args), self.settings(args)["model_output_scales"], samples)

    def execute(self, circuit: Path, scales: Sequence[int], samples: Sequence[Arrays]) -> Run:
        """Return the outputs of a compiled circuit, 2^`scales` being their units."""
        columns: list[list[Floats]] = [[] for _ in self.output_shapes]
        lookups: list[tuple[int, int]] = []
        for sample in samples:
            witness = self.witness(circuit, sample)
            lookups.append((int(witness["min_lookup_inputs"]), int(witness["max_lookup_inputs"])))
            for i, (felts, scale, shape) in enumerate(zip(witness["outputs"], scales, self.output_shapes, strict=True)):
                values = np.array([signed(f) / 2.0**scale for f in felts], dtype=np.float64)
                if values.size != int(np.prod(shape)):
                    raise SampleError(f"output {i} has {values.size} elements in the circuit, {list(shape)} in the model")
                columns[i].append(values.reshape(shape))
        return Run([np.stack(c) for c in columns], lookups)


def probe(args: RunArgs, *, bits: float = PROBE_BITS, legs: int = 1) -> dict[str, Any]:
    """Return `args` with digits that hold any magnitude below 2^`bits` and tables of any reach: for witnesses, not for keys."""
    base = max(2, int(np.ceil(2.0 ** (bits / legs))))
    low, high = min(args.lookup_range[0], WIDE_LOOKUP[0]), max(args.lookup_range[1], WIDE_LOOKUP[1])
    return args.as_ezkl() | {
        "decomp_base": base,
        "decomp_legs": legs,
        "logrows": PROBE_ROWS,
        "num_inner_cols": 1,
        "lookup_range": [low, high],
    }


def fits(trials: Trials, args: RunArgs, samples: Sequence[Arrays], *, bits: float, legs: int = 1) -> TooLarge | None:
    """Return None if digits of `bits` bits in all hold every value that `samples` reach, else the first that they do not hold."""
    circuit = trials.compile(probe(args, bits=bits, legs=legs))
    for sample in samples:
        try:
            trials.witness(circuit, sample)
        except WitnessError as e:
            met = too_large(e)
            if met is None:
                raise
            return met
    return None


def largest_bits(
    trials: Trials, args: RunArgs, samples: Sequence[Arrays], *, guess: float, legs: int = 1, precision: float = 1.0
) -> float:
    """Return b such that all values of `samples` are below 2^b, and not all below 2^(b - `precision`).

    Gallops from `guess`, then bisects; at the deadline it takes the least b known to hold. `samples` must have witnesses with
    digits of `PROBE_BITS` bits.
    """
    low, high, bounded, step = 0.0, float(PROBE_BITS), False, precision
    at = min(max(guess, 1.0), high - 1)
    while high - low > precision:
        if trials.late and bounded:
            break
        met = fits(trials, args, samples, bits=at, legs=legs)
        if met is None:
            high, bounded = at, True
        else:
            low = max(at, float(np.log2(max(met.value, 1))))
        if bounded and low > 0:
            at = (low + high) / 2
        elif bounded:
            at = max(high - step, high / 2)
        else:
            at = min(low + step, (low + high) / 2)
        step *= 2
    return high


def write_for_ezkl(path: Path, settings: Mapping[str, Any]) -> None:
    """Write settings as EZKL reads them: it refuses a null timestamp, but not an absent one."""
    kept = {name: value for name, value in settings.items() if name != "timestamp"}
    path.write_text(json.dumps(kept, separators=(",", ":")))
