"""A kill at any moment of a change leaves the bundle entirely old or entirely new.

Every change of the file system (open for writing, write, rename, fsync, unlink, chmod, …) is hit in turn, before and after it is
carried out. A forked child does the work, since starting an interpreter for each would take minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bundle.killed import TASKS, Killer, compile_like, pack_like, setup_like
from zkml.bundle import Bundle, unpack
from zkml.errors import UsageError

MANY = 400


def run_killed(log: Path, number: int, when: str, task: str, *arguments: str) -> bool:
    """Run the task in a child that is killed at its N-th change; return whether it was killed."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    pid = os.fork()
    if pid == 0:
        try:
            Killer(fd, number, when).arm()
            TASKS[task](*arguments)
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def every_kill(log: Path, task: str, prepare: Callable[[], tuple[str, ...]]) -> Iterator[str]:
    """Yield once for each kill, with its number and what it hit; ends when the task completes."""
    for when in ("before", "after"):
        for number in range(1, MANY):
            arguments = prepare()
            if not run_killed(log, number, when, task, *arguments):
                break
            yield f"{when} {log.read_text().splitlines()[-1]}"
        else:
            pytest.fail("the task never completes")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name != ".lock"}


def state(folder: Path) -> dict[str, bytes]:
    """Return the artefacts of a sound bundle, checking that it is one."""
    bundle = Bundle.open(folder)
    assert bundle.verify() == []
    return {name: bundle.path(name).read_bytes() for name in bundle.records}


def make(folder: Path) -> None:
    compile_like(str(folder), "old")
    setup_like(str(folder), "old")


@pytest.mark.parametrize("task", ["compile_like", "setup_like"])
def test_a_killed_change_leaves_the_bundle_entirely_old_or_entirely_new(tmp_path: Path, task: str) -> None:
    pristine, folder = tmp_path / "pristine.zkml", tmp_path / "m.zkml"
    make(pristine)
    old = state(pristine)
    finished = tmp_path / "finished.zkml"
    shutil.copytree(pristine, finished)
    TASKS[task](str(finished), "new")
    new, new_files = state(finished), contents(finished)
    assert old != new

    def prepare() -> tuple[str, ...]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pristine, folder)
        return str(folder), "new"

    seen = {"old": 0, "new": 0}
    hit = []
    for kill in every_kill(tmp_path / "log", task, prepare):
        found = state(folder)
        assert found in (old, new), kill
        seen["old" if found == old else "new"] += 1
        hit.append(kill)
        TASKS[task](str(folder), "new")
        after = contents(folder)
        assert {k: v for k, v in after.items() if k != "bundle.json"} == {
            k: v for k, v in new_files.items() if k != "bundle.json"
        }, f"leftovers or losses after {kill}"
        assert state(folder) == new, kill
    assert seen["old"] > 10 and seen["new"] > 5, hit
    for call in ("replace", "fsync", "unlink", "write", "open", "mkdir", "chmod"):
        assert any(f" {call} " in kill for kill in hit), f"no {call} was hit"


def test_a_killed_first_change_leaves_no_bundle_or_a_whole_one(tmp_path: Path) -> None:
    folder = tmp_path / "m.zkml"

    def prepare() -> tuple[str, ...]:
        shutil.rmtree(folder, ignore_errors=True)
        return str(folder), "new"

    absent = 0
    for kill in every_kill(tmp_path / "log", "compile_like", prepare):
        try:
            found = state(folder)
        except UsageError as e:
            assert e.code == "no-bundle"
            absent += 1
        else:
            assert found["model"] == b"model new", kill
        compile_like(str(folder), "next")
        assert state(folder)["circuit"] == b"circuit next", kill
        assert sorted(contents(folder)) == ["bundle.json", "circuit.ezkl", "model.onnx", "settings.json"], kill
    assert absent > 5


def test_a_kill_while_a_kill_is_repaired_loses_nothing(tmp_path: Path) -> None:
    """The redo log itself is replayed under kills, from its fullest state: just committed, nothing carried out."""
    pristine, folder = tmp_path / "pristine.zkml", tmp_path / "m.zkml"
    make(pristine)

    def from_pristine() -> tuple[str, ...]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pristine, folder)
        return str(folder), "new"

    committed = tmp_path / "committed.zkml"
    for _ in every_kill(tmp_path / "log", "setup_like", from_pristine):
        if (folder / "journal.json").exists():
            shutil.copytree(folder, committed)
            break

    def from_committed() -> tuple[str, ...]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(committed, folder)
        return str(folder), str(tmp_path / "m.tar")

    kills = 0
    for kill in every_kill(tmp_path / "log", "pack_like", from_committed):
        kills += 1
        assert state(folder)["vk"] == b"vk new", kill
    assert kills > 10


def test_a_killed_pack_leaves_the_old_pack_or_the_new_one(tmp_path: Path) -> None:
    folder, target = tmp_path / "m.zkml", tmp_path / "out" / "m.tar"
    target.parent.mkdir()
    make(folder)
    pack_like(str(folder), str(target))
    old = target.read_bytes()
    setup_like(str(folder), "new")

    def prepare() -> tuple[str, ...]:
        target.write_bytes(old)
        return str(folder), str(target)

    pack_like(str(folder), str(target))
    new = target.read_bytes()
    for kill in every_kill(tmp_path / "log", "pack_like", prepare):
        assert target.read_bytes() in (old, new), kill
        assert state(folder)["vk"] == b"vk new", kill
        pack_like(str(folder), str(target))
        assert [p.name for p in target.parent.iterdir()] == ["m.tar"], f"leftovers after {kill}"


def test_a_killed_unpack_leaves_no_folder_or_a_whole_bundle(tmp_path: Path) -> None:
    source, parent = tmp_path / "m.tar", tmp_path / "out"
    make(tmp_path / "m.zkml")
    pack_like(str(tmp_path / "m.zkml"), str(source))
    folder = parent / "m.zkml"

    def prepare() -> tuple[str, ...]:
        shutil.rmtree(folder, ignore_errors=True)
        return str(source), str(folder)

    for kill in every_kill(tmp_path / "log", "unpack_like", prepare):
        if folder.exists():
            assert state(folder)["model"] == b"model old", kill
        shutil.rmtree(folder, ignore_errors=True)
        unpack(source, folder)
        assert [p.name for p in parent.iterdir()] == ["m.zkml"], f"leftovers after {kill}"


def test_a_killed_atomic_write_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "d" / "file"
    path.parent.mkdir()

    def prepare() -> tuple[str, ...]:
        path.write_bytes(b"old")
        return str(path), "new"

    kills = 0
    for kill in every_kill(tmp_path / "log", "write_like", prepare):
        kills += 1
        assert path.read_bytes() in (b"old", b"new"), kill
        TASKS["write_like"](str(path), "next")
        assert [p.name for p in path.parent.iterdir()] == ["file"], f"leftovers after {kill}"
    assert kills > 8
