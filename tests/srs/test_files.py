"""SRS files are found by size and safety, cut down exactly, and never left half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zkml.errors import MalformedArtifact, SrsError, UsageError
from zkml.keys.srs import Srs, cache_path, check, find, generate_unsafe, import_file, reduced, trim
from zkml.keys.srs_trust import add_trust


def test_a_trimmed_srs_has_the_same_powers_and_a_valid_basis(made: Srs, tmp_path: Path) -> None:
    for k in range(1, made.k + 1):
        cut = trim(made.path, tmp_path / f"{k}.srs", k)
        assert check(cut.path).outcome == "valid"
        assert (cut.k, cut.digest) == (k, made.digest)
        data, whole = cut.path.read_bytes(), made.path.read_bytes()
        assert data[4 : 4 + (64 << k)] == whole[4 : 4 + (64 << k)]
        assert data[-256:] == whole[-256:]
    assert (tmp_path / f"{made.k}.srs").read_bytes() == made.path.read_bytes()


def test_a_reduced_srs_has_516_bytes(made: Srs, tmp_path: Path) -> None:
    small = reduced(made.path, tmp_path / "small.srs")
    assert small.path.stat().st_size == 516
    assert small.verifier_points() == made.verifier_points()


def test_growing_is_refused(made: Srs, tmp_path: Path) -> None:
    with pytest.raises(SrsError) as caught:
        trim(made.path, tmp_path / "more.srs", made.k + 1)
    assert caught.value.code == "srs-too-small"
    assert list(tmp_path.glob("*more*")) == []


def test_importing_checks_the_result_and_leaves_nothing_bad(made: Srs, tmp_path: Path) -> None:
    bad = bytearray(made.path.read_bytes())
    bad[4 + 64 * 3 : 4 + 64 * 4] = bad[4 + 64 * 4 : 4 + 64 * 5]
    source = tmp_path / "bad.srs"
    source.write_bytes(bad)
    with pytest.raises(SrsError, match="srs"):
        import_file(source, tmp_path / "out" / "x.srs")
    assert list((tmp_path / "out").iterdir()) == []
    assert import_file(made.path, tmp_path / "out" / "y.srs").digest == made.digest


def test_nothing_is_overwritten_by_accident(made: Srs, tmp_path: Path) -> None:
    target = tmp_path / "there.srs"
    target.write_bytes(b"precious")
    with pytest.raises(UsageError):
        generate_unsafe(target, 2)
    assert target.read_bytes() == b"precious"
    assert generate_unsafe(target, 2, overwrite=True).k == 2


def test_find_takes_the_smallest_that_is_large_enough() -> None:
    with pytest.raises(SrsError) as caught:
        find(3)
    assert caught.value.code == "srs-absent"
    assert caught.value.hint is not None
    assert "zkml srs import" in caught.value.hint
    assert "zkml srs generate --unsafe" in caught.value.hint
    for k in (2, 4, 5):
        generate_unsafe(cache_path(k), k)
    assert [find(k).k for k in (1, 2, 3, 4, 5)] == [2, 2, 4, 4, 5]
    with pytest.raises(SrsError) as caught:
        find(6)
    assert (caught.value.code, caught.value.details) == ("srs-too-small", {"want": 6, "have": 5})


def test_find_prefers_a_safe_one() -> None:
    generate_unsafe(cache_path(3), 3)
    large = generate_unsafe(cache_path(5), 5)
    add_trust(large.digest)
    assert find(3).k == 5


def test_find_obeys_the_path_then_the_environment(made: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_SRS", str(made.path))
    assert find(4).path == made.path
    other = generate_unsafe(tmp_path / "folder" / "a.srs", 4)
    assert find(4, other.path).path == other.path
    assert find(4, tmp_path / "folder").path == other.path
    with pytest.raises(SrsError):
        find(4, tmp_path / "absent.srs")


def test_a_damaged_file_in_the_cache_is_not_passed_over() -> None:
    generate_unsafe(cache_path(3), 3)
    cache_path(2).write_bytes(b"\x02\0\0\0")
    with pytest.raises(MalformedArtifact, match=r"k2\.srs"):
        find(2)


def test_progress_is_reported_and_may_stop_the_work(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    generate_unsafe(tmp_path / "a.srs", 4, lambda *step: seen.append(step))
    assert {stage for stage, _, _ in seen} == {"powers of tau", "lagrange basis"}
    assert seen[-1][1:] == (16, 16)

    class Enough(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        generate_unsafe(tmp_path / "b.srs", 4, stop)
    assert list(tmp_path.glob("*b.srs*")) == []


SCRIPT = """
import signal
import sys
from pathlib import Path
from zkml.keys.srs import generate_unsafe

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent that ignores it hands that on

def progress(stage, done, total):
    print(stage, done, flush=True)
generate_unsafe(Path(sys.argv[1]), 18, progress)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_run_leaves_no_half_file_and_the_next_one_cleans_up(tmp_path: Path, how: signal.Signals) -> None:
    target = tmp_path / "k.srs"
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(target)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.readline()  # at least one piece is on the disk
    os.kill(child.pid, how)
    assert child.wait(timeout=30) != 0
    assert not target.exists()
    generate_unsafe(target, 3)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["k.srs", "k.srs.json"]
