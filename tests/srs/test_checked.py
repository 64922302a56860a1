"""What keys are made from is checked by pairings, once for each file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ezkl.cases import RUN_ARGS, compile_circuit, save_linear
from zkml._core import srs as core
from zkml.errors import MalformedArtifact, SrsError
from zkml.ezkl import Worker
from zkml.files import sha256_file
from zkml.keys import srs_checked
from zkml.keys.srs import Srs, check, generate_unsafe, trim
from zkml.keys.srs_checked import mark_checked, require_checked, store_path, used_digest

K, N = 6, 64
G, LAGRANGE = 4, 4 + 64 * N


def swapped(srs: Srs, path: Path, first: int, second: int) -> Path:
    """Write the SRS with two points exchanged: genuine points, a genuine [τ]G2, another circuit in every key."""
    data = bytearray(srs.path.read_bytes())
    data[first : first + 64], data[second : second + 64] = data[second : second + 64], data[first : first + 64]
    path.write_bytes(data)
    return path


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows by one with each real check."""
    calls: list[Any] = []

    class Core:
        @staticmethod
        def check(path: Path, progress: Callable[[str, int, int], object] | None = None, k: int | None = None) -> None:
            calls.append(k)
            core.check(path, progress, k)

    monkeypatch.setattr(srs_checked, "core", Core)
    return calls


def copied(srs: Srs, path: Path) -> Path:
    path.write_bytes(srs.path.read_bytes())
    return path


def test_a_file_put_in_place_by_hand_is_checked_once(made: Srs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, path = counted(monkeypatch), copied(made, tmp_path / "copy.srs")
    seen: list[str] = []
    assert require_checked(path, K, lambda stage, done, total: seen.append(stage))
    assert not require_checked(path, K)
    assert calls == [K]
    assert seen
    assert store_path().stat().st_mode & 0o777 == 0o600


def test_what_was_made_imported_or_checked_here_is_known(tmp_path: Path) -> None:
    made = generate_unsafe(tmp_path / "made.srs", K)
    assert not require_checked(made.path, K)
    store_path().unlink()
    assert check(made.path).outcome == "valid"
    assert not require_checked(made.path, K)


@pytest.mark.parametrize(
    ("part", "first", "second"), [("g", G + 64 * 7, G + 64 * 8), ("g_lagrange", LAGRANGE, LAGRANGE + 64 * 9)]
)
def test_powers_that_are_not_those_of_the_known_tau_are_refused_every_time(
    made: Srs, tmp_path: Path, part: str, first: int, second: int
) -> None:
    path = swapped(made, tmp_path / "forged.srs", first, second)
    assert Srs.open(path).digest == made.digest  # the cheap checks see nothing
    for _ in range(2):
        with pytest.raises(SrsError) as e:
            require_checked(path, K)
        assert (e.value.code, e.value.details["part"]) == ("srs-invalid", part)


def test_a_file_that_changes_is_checked_again(made: Srs, tmp_path: Path) -> None:
    path = copied(made, tmp_path / "file.srs")
    assert require_checked(path, K)
    swapped(made, path, LAGRANGE, LAGRANGE + 64)
    with pytest.raises(SrsError):
        require_checked(path, K)


def test_a_list_that_others_can_write_vouches_for_nothing(made: Srs, tmp_path: Path) -> None:
    path = swapped(made, tmp_path / "forged.srs", LAGRANGE, LAGRANGE + 64)
    mark_checked(path, K)
    assert not require_checked(path, K)
    store_path().chmod(0o666)
    with pytest.raises(SrsError):
        require_checked(path, K)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": "zkml-checked-srs", "version": 1, "digests": 3}'])
def test_a_damaged_list_costs_a_check_and_no_more(made: Srs, tmp_path: Path, text: str) -> None:
    path = copied(made, tmp_path / "copy.srs")
    store_path().parent.mkdir(parents=True, exist_ok=True)
    store_path().write_text(text)
    store_path().chmod(0o600)
    assert require_checked(path, K)
    assert not require_checked(path, K)


def test_of_a_larger_file_only_the_powers_in_use_count(made: Srs, tmp_path: Path) -> None:
    beyond = swapped(made, tmp_path / "beyond.srs", G + 64 * 40, G + 64 * 41)
    assert require_checked(beyond, K - 1)
    with pytest.raises(SrsError):
        require_checked(beyond, K)
    within = swapped(made, tmp_path / "within.srs", G + 64 * 20, G + 64 * 21)
    with pytest.raises(SrsError) as e:
        require_checked(within, K - 1)
    assert e.value.details == {"part": "g", "index": 20}
    assert used_digest(beyond, K - 1) == used_digest(made.path, K - 1)


def test_a_file_too_small_or_cut_short_is_an_error(made: Srs, tmp_path: Path) -> None:
    with pytest.raises(SrsError) as e:
        require_checked(made.path, K + 1)
    assert e.value.code == "srs-too-small"
    short = tmp_path / "short.srs"
    short.write_bytes(made.path.read_bytes()[:300])
    with pytest.raises(MalformedArtifact):
        require_checked(short, K)


@pytest.mark.ezkl
def test_ezkl_uses_of_a_larger_file_what_is_checked_and_nothing_else(tmp_path: Path) -> None:
    """Keys from a file whose Lagrange basis and further powers are wrong are those from the cut-down file, byte for byte."""
    large = generate_unsafe(tmp_path / "large.srs", 8)
    n = 1 << large.k
    data = bytearray(large.path.read_bytes())
    data[4 + 64 * 200 : 4 + 64 * 256] = data[4 + 64 : 4 + 64 * 57]
    data[4 + 64 * n : 4 + 128 * n] = data[4 : 4 + 64 * n]
    (tmp_path / "wrong.srs").write_bytes(data)
    small = trim(large.path, tmp_path / "small.srs", 7)
    digests = set()
    with Worker() as worker:
        compile_circuit(worker, save_linear(tmp_path / "m.onnx"), tmp_path, RUN_ARGS.with_(logrows=7))
        for srs in (small.path, large.path, tmp_path / "wrong.srs"):
            worker.call("setup", model=tmp_path / "circuit", vk_path=tmp_path / "vk", pk_path=tmp_path / "pk", srs_path=srs)
            digests.add(sha256_file(tmp_path / "vk"))
    assert len(digests) == 1
