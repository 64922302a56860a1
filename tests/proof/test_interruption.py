"""A signal during a long layout is served at once, whichever work it is the layout of."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from onnx import helper

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml._core import graph, keys
from zkml.bundle import Bundle
from zkml.errors import InfeasibleError
from zkml.ezkl import Limits
from zkml.keys.srs import Srs, generate_unsafe
from zkml.proof import Prover

pytestmark = pytest.mark.slow

SIZE, K = 64, 17
MOST = 0.75
"""The part of a layout that may pass before it ends, on a busy machine too, when the signal comes after a quarter."""
LEAST_SECONDS = 0.2
"""What a layout must take so that the test can tell: several times what a signal may wait."""


class Stopped(Exception):
    """Raised by the handler of a signal."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bundle, Srs]]:
    """A product of two matrices, with a layout of many such times."""
    folder = tmp_path_factory.mktemp("interruption")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        weights = {"w": np.random.default_rng(1).integers(-2, 3, (SIZE, SIZE)).astype(np.float32)}
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        model = models.save(folder / "large.onnx", [node], {"x": [SIZE, SIZE]}, [SIZE, SIZE], weights)
        args = RunArgs(logrows=K, input_scale=0, param_scale=0, lookup_range=(-100, 100), num_inner_cols=4)
        bundle = zkml.compile(model, run_args=args).bundle
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
        zkml.make_witness(bundle, {"x": np.ones((SIZE, SIZE), dtype=np.float32)}, engine="rust")
        yield bundle, srs


def share_done(work: Callable[[], object], whole: float) -> float:
    """Return after which part of its `whole` seconds work ended by a signal that comes after a quarter of them."""
    assert whole > LEAST_SECONDS

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, whole / 4)
    try:
        with pytest.raises(Stopped):
            work()
        return (time.perf_counter() - started) / whole
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_ends_the_layout_of_keys(large: tuple[Bundle, Srs]) -> None:
    circuit = graph.decode(large[0].path("circuit").read_bytes())
    started = time.perf_counter()
    keys.KeyColumns(circuit)
    whole = time.perf_counter() - started
    assert share_done(lambda: keys.KeyColumns(circuit), whole) < MOST


def test_a_signal_ends_the_layout_of_a_proof(large: tuple[Bundle, Srs]) -> None:
    bundle, srs = large
    prover, witness = Prover(bundle, srs), bundle.path("witness").read_bytes()
    stages: list[str] = []

    def tell(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if stage != "layout":
            raise Stopped

    started = time.perf_counter()
    with pytest.raises(Stopped):
        prover.prove(witness, tell)
    whole = time.perf_counter() - started
    assert stages.count("layout") == len(stages) - 1 > 0
    stages.clear()
    assert share_done(lambda: prover.prove(witness, tell), whole) < MOST
    assert set(stages) == {"layout"}


def test_limits_hold_during_a_layout(large: tuple[Bundle, Srs], tmp_path: Path) -> None:
    bundle, srs = large
    with pytest.raises(InfeasibleError):
        zkml.prove(bundle, srs=srs, engine="rust", limits=Limits(max_seconds=0.1), out=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()
