"""The process that proves for a worker: a crash in it, or the kernel's killing it for its memory, costs one attempt.

It is run by `process.py`, and speaks in tuples over a pair of sockets: `("open", folder, key, threads)` is answered by
`("opened", facts)`, `("prove", fields)` by `("proved", proof, cost)`, either by `("failed", error)`. It ends with its parent.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from zkml._core import graph as core_graph
from zkml.api import prove as prove_sample
from zkml.bundle import Bundle
from zkml.bundle.artifacts import BY_NAME
from zkml.errors import CircuitError, InternalFault, ZkmlError
from zkml.files import read_bounded
from zkml.jobs.machine import follow
from zkml.keys.srs import Srs
from zkml.proof import Prover
from zkml.proof.rust import peak_rss
from zkml.witness.engine import MAX_CIRCUIT_BYTES, UNSUPPORTED

Fields = Sequence[tuple[str, np.ndarray]]


class Opened:
    """A circuit opened for proofs: with the Rust engine, and with EZKL from the first proof on that the Rust engine refuses."""

    def __init__(self, folder: Path, key: str, srs: str, threads: int) -> None:
        self.bundle = Bundle.open(folder)
        self.srs = Srs.open(folder / srs)
        self.threads = threads
        self.reason: str | None = None
        self._circuit = core_graph.decode(read_bounded(self.bundle.path("circuit"), what="circuit", max_bytes=MAX_CIRCUIT_BYTES))
        self._key = key
        self._prover: Prover | None = None
        try:
            self._prover = Prover(self.bundle, self.srs, key=self.bundle.path(key), threads=threads)
        except CircuitError as e:
            self._refused(e)

    def _refused(self, error: CircuitError) -> None:
        """Leave the circuit to EZKL. Raises `error` unless it says that the Rust engine cannot do it, and EZKL can."""
        if error.code != UNSUPPORTED or not self.bundle.has("pk"):
            raise error
        self.reason, self._prover = error.message, None

    def prove(self, fields: Fields) -> tuple[bytes, dict[str, Any]]:
        """Return the text of a `proof.json` of one sample, and what made it. Raises what `zkml.prove` raises."""
        started = time.perf_counter()
        if self._prover is not None:
            try:
                lists = [array.reshape(-1).tolist() for _, array in fields]
                data = json.dumps({"input_data": lists, "output_data": None}, allow_nan=False).encode()
                text, _ = self._prover.prove(self._circuit.witness(data, self.srs.path))
                cost = {"engine": "rust", "device": self._prover.device, "threads": self._prover.threads}
                return text, cost | {"seconds": time.perf_counter() - started, "peak_ram": peak_rss()}
            except CircuitError as e:
                self._refused(e)
        out = self.bundle.folder / "made.json"
        proved = prove_sample(self.bundle, dict(fields), srs=self.srs, engine="ezkl", threads=self.threads, out=out)
        text = out.read_bytes()
        out.unlink()
        cost = {"engine": proved.engine, "device": proved.device, "threads": proved.threads}
        return text, cost | {"seconds": time.perf_counter() - started, "peak_ram": peak_rss() + proved.peak_rss}


def as_data(error: Exception) -> dict[str, Any]:
    """Return an error for the parent; what is not ours is an `InternalFault`."""
    if isinstance(error, MemoryError):
        return {"kind": "EnvironmentFault", "message": "out of memory", "code": "out-of-memory"}
    ours = error if isinstance(error, ZkmlError) else InternalFault(f"{type(error).__name__}: {error}", code="exception")
    kind = next(c.__name__ for c in type(ours).__mro__ if c.__module__ == "zkml.errors")
    return {"kind": kind, "message": ours.message, "hint": ours.hint, "code": ours.code, "details": ours.details}


def serve(connection: Connection) -> None:
    """Answer until the parent hangs up."""
    opened: Opened | None = None
    while True:
        try:
            word, *arguments = connection.recv()
        except EOFError:
            return
        try:
            if word == "open":
                folder, key, srs, threads = arguments
                opened = Opened(Path(folder), key, srs, threads)
                connection.send(("opened", {"key": BY_NAME[key].file}))
            else:
                assert opened is not None
                text, cost = opened.prove(arguments[0])
                connection.send(("proved", text, cost | {"reason": opened.reason}))
        except Exception as e:
            connection.send(("failed", as_data(e)))


def main() -> None:
    follow(int(sys.argv[2]), signal.SIGKILL)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
