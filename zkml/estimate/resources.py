"""Time and memory of `zkml setup` and `zkml prove`, from the size of the constraint system.

A command is a serial part and a parallel one. Serial are the start of two processes (ours and EZKL's), laying out cells, reading,
writing and digesting key files; parallel the multi-exponentiations, FFTs and evaluations on the extended domain, over all
processors. Each is a sum of terms that the algorithm makes plausible, with coefficients fitted by `benches/estimate.py` on
synthetic circuits and kept in `coefficients.json`; `docs/estimates.md` has how far off they are on models that were not used for
the fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from zkml.estimate.columns import Columns
from zkml.estimate.machine import Machine

COEFFICIENTS = "coefficients.json"
FELT_BYTES = 32


@dataclass(frozen=True)
class Cost:
    """One command: wall clock `seconds`, `cpu_seconds` over all threads, resident memory `ram` of EZKL's process in bytes at its
    peak."""

    seconds: float
    cpu_seconds: float
    ram: int


@cache
def coefficients() -> Mapping[str, Mapping[str, float]]:
    """Return the fitted coefficients: for each quantity, one number for each term."""
    loaded: dict[str, dict[str, float]] = json.loads(files("zkml.estimate").joinpath(COEFFICIENTS).read_bytes())
    return loaded


def setup_ram_terms(c: Columns) -> dict[str, float]:
    """Bytes that setup holds: rows and extended rows of fixed and permutation columns, and some single ones."""
    columns = c.fixed + c.permutation
    return {
        "process": 1.0,
        "column_rows": FELT_BYTES * c.rows * columns,
        "column_extended": FELT_BYTES * c.extended * columns,
        "extended": FELT_BYTES * c.extended,
        "rows": FELT_BYTES * c.rows,
    }


def prove_ram_terms(c: Columns) -> dict[str, float]:
    """Bytes that the prover holds: the key, the witness and its extended forms, the lookups."""
    return setup_ram_terms(c) | {
        "advice_rows": FELT_BYTES * c.rows * c.advice,
        "advice_extended": FELT_BYTES * c.extended * c.advice,
        "lookup_extended": FELT_BYTES * c.extended * c.lookups,
        "lookup_input_rows": FELT_BYTES * c.rows * c.lookup_inputs,
    }


def exponentiation(c: Columns) -> float:
    """Group additions of one multi-exponentiation over the rows, by buckets of a window that grows with the size."""
    return c.rows / max(3, c.k - 3)


def serial_terms(c: Columns) -> dict[str, float]:
    """Work of one thread: the start of processes, and what grows with the cells and with the key file."""
    return {"process": 1.0, "slots": float(c.slots), "key_bytes": float(c.pk_bytes)}


def setup_parallel_terms(c: Columns) -> dict[str, float]:
    """Work of setup: a commitment, an FFT over the rows and one over the extended rows for each fixed and permutation column."""
    columns = c.fixed + c.permutation
    return {
        "process": 1.0,
        "commitments": columns * exponentiation(c),
        "column_rows": float(columns * c.rows),
        "extended_ffts": float(columns * c.extended * c.extended_k),
        "permutation_rows": float(c.permutation * c.rows),
    }


def prove_parallel_terms(c: Columns) -> dict[str, float]:
    """Work of a proof: commitments to witness columns (small scalars) and to products and quotients (full ones), FFTs over the
    extended rows, the evaluation of all constraints there, reading the key, opening."""
    opened = c.advice_queries + c.fixed + c.permutation + 3 * c.chunks + 3 * c.lookups
    return {
        "process": 1.0,
        "witness_commitments": (c.advice + c.lookups) * exponentiation(c),
        "full_commitments": (c.chunks + c.lookups + c.degree + 3) * exponentiation(c),
        "extended_ffts": float((c.advice + c.chunks + 2 * c.lookups + 1) * c.extended * c.extended_k),
        "constraints": float(c.extended * (c.permutation + c.lookup_inputs + c.gates)),
        "lookup_rows": float(c.rows * c.lookup_inputs),
        "key_extended": float(c.extended * (c.fixed + c.permutation)),
        "openings": float(c.rows * opened),
    }


def total(quantity: str, terms: Mapping[str, float]) -> float:
    """Return the sum of `terms` weighted by the coefficients of `quantity`."""
    weights = coefficients()[quantity]
    return sum(weights[name] * value for name, value in terms.items())


def cost(serial: float, parallel: float, ram: float, machine: Machine) -> Cost:
    """Return the cost of CPU seconds, as many as on the machine of the fit, on another one."""
    serial, parallel = serial * machine.slowness, parallel * machine.slowness
    return Cost(serial + parallel / machine.cpus, serial + parallel, round(ram))


def setup_cost(c: Columns, machine: Machine) -> Cost:
    """Return what making the keys costs on `machine`."""
    serial, parallel = total("setup_serial", serial_terms(c)), total("setup_parallel", setup_parallel_terms(c))
    return cost(serial, parallel, total("setup_ram", setup_ram_terms(c)), machine)


def prove_cost(c: Columns, machine: Machine) -> Cost:
    """Return what one proof costs on `machine`, its witness and the check of the proof included."""
    serial, parallel = total("prove_serial", serial_terms(c)), total("prove_parallel", prove_parallel_terms(c))
    return cost(serial, parallel, total("prove_ram", prove_ram_terms(c)), machine)


def shared_seconds() -> float:
    """Return the part of a proof's CPU seconds that all circuits share."""
    return coefficients()["prove_serial"]["process"] + coefficients()["prove_parallel"]["process"]
