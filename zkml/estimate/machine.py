"""How fast this machine is, relative to the one that the model of time was fitted on.

The measure is one that every stage of a Halo2 prover leans on: 64-bit multiplication, and memory that does not fit the
cache. It is taken once for each CPU model and number of CPUs and kept in `$ZKML_HOME/machine.json`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zkml.errors import MalformedArtifact, ZkmlError
from zkml.files import read_json, write_json
from zkml.home import home

REFERENCE_SECONDS = 0.19
"""CPU seconds of `measure` on the machine that the coefficients were fitted on."""

VERSION = 1
ROUNDS = 5


@dataclass(frozen=True)
class Machine:
    """`cpu` the processor's name; `cpus` how many of them this process may use; `slowness` the CPU time that the same work takes
    here relative to the machine of the fit (1.0 there, 2.0 on one half as fast)."""

    cpu: str
    cpus: int
    slowness: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def this_machine(cache: Path | None = None) -> Machine:
    """Return this machine, measured now or read from the cache (`cache`, by default `$ZKML_HOME/machine.json`)."""
    path = cache or home() / "machine.json"
    name, cpus = cpu_name(), usable_cpus()
    known = _read(path)
    if known is not None and (known.cpu, known.cpus) == (name, cpus):
        return known
    machine = Machine(name, cpus, measure() / REFERENCE_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"version": VERSION} | machine.as_dict())
    except (OSError, ZkmlError):
        return machine  # a cache that cannot be written costs two seconds each time, nothing else
    return machine


def _read(path: Path) -> Machine | None:
    """Return the cached machine; None when there is none, or the file is not one that this version wrote."""
    if not path.is_file():
        return None
    try:
        raw = read_json(path, what="machine", max_bytes=4096)
    except MalformedArtifact:
        return None
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        return None
    cpu, cpus, slowness = raw.get("cpu"), raw.get("cpus"), raw.get("slowness")
    if isinstance(cpu, str) and isinstance(cpus, int) and isinstance(slowness, float) and 0.01 < slowness < 100:
        return Machine(cpu, cpus, slowness)
    return None


def usable_cpus() -> int:
    """Return how many CPUs this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        fields = {}
        for line in info.read_text(errors="replace").splitlines():
            key, colon, value = line.partition(":")
            if colon and key.strip() not in fields:
                fields[key.strip()] = value.strip()
        parts = [fields.get("model name", ""), *(fields.get(k, "") for k in ("cpu family", "model", "stepping"))]
        if any(parts):
            return " ".join(p for p in parts if p)
    return platform.processor() or platform.machine()


def measure(rounds: int = ROUNDS) -> float:
    """Return the CPU seconds of a fixed piece of work: the least of a few runs, so that a busy machine disturbs little."""
    return min(_work() for _ in range(rounds))


def _work() -> float:
    """Return the CPU seconds of modular exponentiation, hashing, and a pass over an array larger than the caches."""
    started = time.process_time()
    base, modulus = 3**160, (1 << 254) + 4_294_967_297
    for i in range(900):
        pow(base, modulus - i, modulus)
    hashlib.sha256(bytes(8_000_000)).digest()
    array = np.arange(1 << 22, dtype=np.uint64)
    for _ in range(4):
        array = (array * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)) ^ (array >> np.uint64(33))
    return time.process_time() - started
