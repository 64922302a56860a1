"""A full disk: exit status 5 with code `disk`, and what was there before is untouched."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.killed import TASKS, Killer, compile_like, pack_like, setup_like
from zkml.bundle import Bundle, pack
from zkml.errors import EnvironmentFault

SPACE = ("write", "open", "mkdir", "pwrite")


class Full(Killer):
    """Raises ENOSPC at the N-th call that needs space on the disk, and at every later one."""

    def at(self, what: str):  # type: ignore[no-untyped-def]
        call, argument = what.split(" ", 1)
        needs_space = stat.S_ISREG(os.fstat(int(argument)).st_mode) if call == "fsync" else call in SPACE
        if needs_space:
            self.count += 1
            if self.count >= self.number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), what)
        return open(os.devnull)  # noqa: PTH123  a context manager that does nothing


def state(folder: Path) -> dict[str, bytes]:
    bundle = Bundle.open(folder)
    assert bundle.verify() == []
    return {name: bundle.path(name).read_bytes() for name in bundle.records}


def full_at(number: int, task: str, *arguments: str) -> int:
    """Run the task in a forked child whose disk is full from the N-th write on; return its status: 0 done, 5 disk, 1 else."""
    pid = os.fork()
    if pid == 0:
        try:
            Full(2, number, "before").arm()
            TASKS[task](*arguments)
        except EnvironmentFault as e:
            os._exit(5 if e.code == "disk" else 1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("task", ["compile_like", "setup_like", "pack_like"])
def test_a_disk_that_fills_up_at_any_write_leaves_the_old_artefacts(tmp_path: Path, task: str) -> None:
    pristine, folder = tmp_path / "pristine.zkml", tmp_path / "m.zkml"
    compile_like(str(pristine), "old")
    setup_like(str(pristine), "old")
    old = state(pristine)
    other = str(tmp_path / "m.tar") if task == "pack_like" else "new"
    for number in range(1, 200):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pristine, folder)
        status = full_at(number, task, str(folder), other)
        if status == 0:
            break
        assert status == 5, f"write {number}"
        if (folder / "journal.json").exists():
            assert state(folder) != old
        else:
            assert state(folder) == old, f"write {number}"
        assert not (tmp_path / "m.tar").exists()
    assert 5 < number < 199


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a file system takes root")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_really_full_disk_leaves_the_old_artefacts(small_disk: Path) -> None:
    folder = small_disk / "m.zkml"
    compile_like(str(folder), "old")
    old = state(folder)
    with pytest.raises(EnvironmentFault, match="No space left") as e, Bundle.open(folder).change() as change:
        change.write("pk", os.urandom(400_000))
    assert (e.value.code, e.value.exit_code) == ("disk", 5)
    assert state(folder) == old
    assert not (folder / ".staging").exists()


def test_a_really_full_disk_takes_no_half_a_pack(small_disk: Path) -> None:
    folder = small_disk / "m.zkml"
    compile_like(str(folder), "old")
    with Bundle.open(folder).change() as change:
        change.write("vk", os.urandom(150_000))
    with pytest.raises(EnvironmentFault) as e:
        pack(Bundle.open(folder), small_disk / "m.tar")
    assert e.value.code == "disk"
    assert [p.name for p in small_disk.iterdir()] == ["m.zkml"]


def test_a_folder_without_permission_is_code_disk(tmp_path: Path) -> None:
    """Root may write anywhere, so the folder is one where even root may not: a file."""
    compile_like(str(tmp_path / "m.zkml"), "old")
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault) as e:
        pack_like(str(tmp_path / "m.zkml"), str(tmp_path / "file" / "m.tar"))
    assert e.value.code == "disk"
