"""The worker process: its limits, its end, and what does not pass between it and us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.ezkl.cases import RUN_ARGS, compile_circuit, node, save, save_input, save_linear
from zkml.errors import EnvironmentFault, InfeasibleError, InternalFault
from zkml.ezkl import Limits, Progress, Worker

pytestmark = pytest.mark.ezkl
HASH: dict[str, Any] = {"message": ["01" + "00" * 31]}


def panic(worker: Worker, folder: Path) -> None:
    """Have EZKL index a list beyond its end."""
    weights = {"i": np.array([[1]]), "u": np.array([2.0], np.float32)}
    compile_circuit(worker, save(folder / "m.onnx", [node("ScatterND", "x i u", "y", "s")], [4], weights=weights), folder)


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "child.py" in " ".join(p.cmdline())]


def gone(pid: int, seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_call_returns_its_value_and_cost(tmp_path: Path) -> None:
    with Worker() as worker:
        result = worker.call("poseidon_hash", **HASH)
        assert result.seconds >= 0
        assert result.peak_rss > 10_000_000
        model = save_linear(tmp_path / "m.onnx")
        args = RUN_ARGS.as_ezkl()
        assert worker.call("gen_settings", model=model, output=tmp_path / "s", py_run_args=args).value is True


def test_a_call_beyond_its_time_is_stopped_and_the_next_one_works(tmp_path: Path) -> None:
    with Worker(limits=Limits(max_seconds=0.5)) as worker:
        with pytest.raises(InfeasibleError, match="longer than the limit") as e:
            worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=22)
        assert (e.value.code, e.value.exit_code) == ("max-time", 4)
        assert children() == []
        worker.limits = Limits(max_seconds=60)
        worker.call("poseidon_hash", **HASH)


def test_a_call_beyond_its_memory_is_stopped(tmp_path: Path) -> None:
    with Worker(limits=Limits(max_ram=120_000_000, max_seconds=120)) as worker:
        worker.call("poseidon_hash", **HASH)
        with pytest.raises(InfeasibleError, match="more than the limit") as e:
            worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=20)
        assert (e.value.code, e.value.exit_code) == ("max-ram", 4)
        assert e.value.details["rss"] > 120_000_000
        assert children() == []


def test_a_call_that_hangs_is_stopped_and_the_next_one_works(tmp_path: Path) -> None:
    stopped: list[psutil.Process] = []

    def stop(progress: Progress) -> None:
        if progress.elapsed > 0.2 and not stopped:
            stopped.extend(children())
            stopped[0].suspend()

    with Worker(limits=Limits(max_idle=1.0, max_seconds=60), on_progress=stop) as worker:
        with pytest.raises(InternalFault, match="gen_srs hung: EZKL's worker did nothing") as e:
            worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=22)
        assert (e.value.code, e.value.exit_code) == ("ezkl-hung", 70)
        assert 1.0 <= e.value.details["idle"] < 20
        assert gone(stopped[0].pid)
        assert worker.call("poseidon_hash", **HASH).seconds < 10


def test_a_call_that_waits_for_a_file_that_nobody_writes_is_hung(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.ezkl")
    arguments: dict[str, Any] = {"data": tmp_path / "i.json", "model": tmp_path / "c.ezkl", "output": tmp_path / "w.json"}
    with Worker(limits=Limits(max_idle=1.0, max_seconds=60)) as worker, pytest.raises(InternalFault, match="gen_witness hung"):
        worker.call("gen_witness", **arguments)
    assert children() == []


def test_the_prover_hangs_on_a_value_outside_its_table_and_is_stopped(tmp_path: Path) -> None:
    """EZKL's own deadlock: with a witness beyond the table its prover waits for ever."""
    f = tmp_path
    with Worker(limits=Limits(max_idle=6.0, max_seconds=120)) as worker:
        model = save(f / "m.onnx", [node("Sigmoid", "x", "y", "s")], [1, 3])
        compile_circuit(worker, model, f, RUN_ARGS.with_(logrows=8, lookup_range=(-32, 32)))
        worker.call("gen_srs", srs_path=f / "srs", logrows=8)
        keys: dict[str, Any] = {"model": f / "circuit", "pk_path": f / "pk", "srs_path": f / "srs"}
        worker.call("setup", vk_path=f / "vk", **keys)
        worker.call("gen_witness", data=save_input(f / "i.json", [1, 2, 3000]), model=f / "circuit", output=f / "w")
        with pytest.raises(InternalFault, match="prove hung") as e:
            worker.call("prove", witness=f / "w", proof_path=f / "p", **keys)
    assert e.value.code == "ezkl-hung"
    assert children() == []


def test_a_call_that_works_or_waits_for_its_turn_is_not_hung(tmp_path: Path) -> None:
    with Worker(limits=Limits(max_idle=0.9)) as worker:
        assert worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=12).seconds > 0.3


def test_a_panic_is_a_fault_and_the_worker_stays_usable(tmp_path: Path) -> None:
    with Worker() as worker:
        for _ in range(2):
            with pytest.raises(InternalFault, match="EZKL panicked in gen_settings") as e:
                panic(worker, tmp_path)
            assert (e.value.code, e.value.exit_code) == ("ezkl-panic", 70)
            worker.call("poseidon_hash", **HASH)


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [(signal.SIGKILL, EnvironmentFault, "out-of-memory"), (signal.SIGSEGV, InternalFault, "ezkl-crash")],
)
def test_a_worker_that_is_killed_says_by_what(number: int, kind: type[Exception], code: str, tmp_path: Path) -> None:
    killed: list[psutil.Process] = []

    def kill(progress: Progress) -> None:
        if progress.elapsed > 0.2 and not killed:
            killed.extend(children())
            killed[0].send_signal(number)

    with Worker(on_progress=kill) as worker:
        with pytest.raises(kind) as e:
            worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=22)
        assert e.value.code == code  # type: ignore[attr-defined]
        assert worker.call("poseidon_hash", **HASH).seconds < 10


def test_a_worker_that_died_between_calls_is_started_again() -> None:
    with Worker() as worker:
        worker.call("poseidon_hash", **HASH)
        (child,) = children()
        child.kill()
        assert gone(child.pid)
        worker.call("poseidon_hash", **HASH)


def test_progress_tells_time_and_memory(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with Worker(on_progress=seen.append) as worker:
        worker.call("gen_srs", stage="the stage", srs_path=tmp_path / "srs", logrows=11)
    assert {p.stage for p in seen} == {"the stage"}
    assert [p.elapsed for p in seen] == sorted(p.elapsed for p in seen)
    assert max(p.rss for p in seen) > 1_000_000


def test_an_error_in_the_callback_stops_the_call(tmp_path: Path) -> None:
    def stop(_: Progress) -> None:
        raise RuntimeError("enough")

    with Worker(on_progress=stop) as worker:
        with pytest.raises(RuntimeError, match="enough"):
            worker.call("gen_srs", srs_path=tmp_path / "srs", logrows=22)
        assert children() == []


# ---- what does not pass


def test_nothing_that_ezkl_prints_reaches_our_streams(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Worker() as worker:
        model = save_linear(tmp_path / "m.onnx")
        args = RUN_ARGS.as_ezkl()
        worker.call("gen_settings", model=model, output=tmp_path / "s", py_run_args=args)
        arguments: dict[str, Any] = {"model": model, "compiled_circuit": tmp_path / "c", "settings_path": tmp_path / "s"}
        log = worker.call("compile_circuit", **arguments).log
        with pytest.raises(InternalFault) as e:
            panic(worker, tmp_path)
    assert "low scale" in log
    assert "panicked" in e.value.details["log"]
    assert capfd.readouterr() == ("", "")


def test_the_child_gets_two_threads_a_home_of_its_own_and_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("EZKL_REPO_PATH", "/nowhere")
    with Worker(threads=1) as worker:
        worker.call("poseidon_hash", **HASH)
        (child,) = children()
        environment = child.environ()
    assert "secret" not in environment.values()
    assert int(environment["RAYON_NUM_THREADS"]) == 2
    assert environment["HOME"] == environment["EZKL_REPO_PATH"] != "/nowhere"


def test_the_cache_is_private_and_goes_with_the_worker() -> None:
    with Worker() as worker:
        worker.call("poseidon_hash", **HASH)
        (child,) = children()
        home = Path(child.environ()["HOME"])
        assert home.stat().st_mode & 0o077 == 0
    assert not home.exists()
    assert gone(child.pid)


# ---- the end of the parent

PARENT = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent that ignores it hands that on
from zkml.cli.output import command_errors
from zkml.ezkl import Worker
@command_errors
def run():
    with Worker() as worker:
        worker.call("poseidon_hash", message=["01" + "00" * 31])
        print(worker._process.pid, worker._home, flush=True)
        worker.call("gen_srs", srs_path=sys.argv[1], logrows=24)
run()
"""


@pytest.fixture
def parent(tmp_path: Path) -> subprocess.Popen[str]:
    # A folder of its own for temporary files: a worker of a test at the other core would clean up what this one left behind.
    (tmp_path / "temporary").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "srs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
    )


def test_ctrl_c_ends_the_call_with_130_and_leaves_no_orphan(parent: subprocess.Popen[str], tmp_path: Path) -> None:
    assert parent.stdout is not None
    pid, home = parent.stdout.readline().split()
    time.sleep(0.5)
    parent.send_signal(signal.SIGINT)
    _, printed = parent.communicate(timeout=10)
    assert parent.returncode == 130
    assert printed == "zkml: interrupted; nothing was left half-written\n"
    assert gone(int(pid))
    assert not Path(home).exists()


def test_a_killed_parent_takes_the_child_along_and_the_next_worker_cleans_up(
    parent: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parent.stdout is not None
    pid, home = parent.stdout.readline().split()
    time.sleep(0.5)
    parent.kill()
    parent.communicate()
    assert gone(int(pid))
    assert Path(home).exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with Worker() as worker:
        worker.call("poseidon_hash", **HASH)
    assert not Path(home).exists()


def test_workers_side_by_side_keep_their_homes() -> None:
    with Worker() as one, Worker() as other:
        for worker in (one, other, one, other):
            worker.call("poseidon_hash", **HASH)
        assert len({child.environ()["HOME"] for child in children()}) == 2


def test_a_worker_in_another_thread_works_and_no_descriptor_leaks() -> None:
    def work() -> None:
        with Worker() as worker:
            worker.call("poseidon_hash", **HASH)

    work()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert children() == []
