"""A kill while a real stage of the flow runs, EZKL and all, leaves the bundle entirely old or entirely new."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zkml.bundle import Bundle

ROOT = Path(__file__).parent.parent.parent
STAGES = ("compile", "setup", "witness", "prove")
LEFT = {
    "compile": {"model", "settings", "circuit", "audit"},
    "setup": {"model", "settings", "circuit", "audit", "vk", "pk", "protocol", "witness"},
    "witness": {"model", "settings", "circuit", "audit", "vk", "pk", "protocol", "witness", "proof"},
    "prove": {"model", "settings", "circuit", "audit", "vk", "pk", "protocol", "witness", "proof"},
}
"""What a bundle with everything holds once a stage was run again."""

Run = Callable[..., int]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[Run]:
    """A function that runs a stage, killed at its N-th change of the file system (0: never), and returns its status."""
    environment = os.environ | {"ZKML_HOME": str(home), "TMPDIR": str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bundle.stages"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(stage: str, folder: Path, sample: int = 0, number: int = 0, when: str = "before") -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            print(home / "log", number, when, stage, folder, sample, file=process.stdin, flush=True)
            return int(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture(scope="module")
def complete(run: Run, home: Path) -> Path:
    """A bundle with everything in it."""
    folder = home / "complete.zkml"
    for stage in ("srs", *STAGES):
        assert run(stage, folder) == 0
    assert set(Bundle.open(folder).records) == LEFT["prove"]
    return folder


def check(stage: str, step: int, run: Run, complete: Path, folder: Path, log: Path) -> None:
    old = Bundle.open(complete).records
    seen = {"old": 0, "new": 0}
    for when in ("before", "after"):
        for number in range(1, 1000, step):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(complete, folder)
            status = run(stage, folder, 1, number, when)
            if status == 0:
                break
            assert status == -signal.SIGKILL
            hit = f"{when} {log.read_text().splitlines()[-1]}"
            bundle = Bundle.open(folder)
            assert bundle.verify() == [], hit
            if bundle.records == old:
                seen["old"] += 1
            else:
                assert set(bundle.records) == LEFT[stage], hit
                seen["new"] += 1
        else:
            pytest.fail("the stage never completes")
        assert run(stage, folder, 1) == 0
        bundle = Bundle.open(folder)
        assert bundle.verify() == []
        files = {bundle.path(name).name for name in bundle.records}
        assert {p.name for p in folder.iterdir()} == files | {"bundle.json", ".lock"}
    assert seen["old"] > 1
    assert step > 1 or seen["new"] > 1


@pytest.mark.ezkl
@pytest.mark.parametrize("stage", STAGES)
def test_some_kills_of_each_stage(stage: str, run: Run, complete: Path, home: Path, tmp_path: Path) -> None:
    check(stage, 11, run, complete, tmp_path / "m.zkml", home / "log")


@pytest.mark.slow
@pytest.mark.ezkl
@pytest.mark.parametrize("stage", STAGES)
def test_every_kill_of_each_stage(stage: str, run: Run, complete: Path, home: Path, tmp_path: Path) -> None:
    check(stage, 1, run, complete, tmp_path / "m.zkml", home / "log")
