"""Files are whole or absent, and what others wrote is read within bounds."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml.errors import EnvironmentFault, MalformedArtifact
from zkml.files import full_disk, parse_json, read_bounded, read_json, remove, sha256_file, temporary, write_atomic, write_json


def test_a_file_is_written_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    write_atomic(tmp_path / "f", b"one")
    write_atomic(tmp_path / "f", b"two", mode=0o600)
    assert (tmp_path / "f").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert sha256_file(tmp_path / "f") == hashlib.sha256(b"two").hexdigest()


def test_a_folder_that_is_not_there_is_code_disk(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as e:
        write_atomic(tmp_path / "no" / "f", b"")
    assert e.value.code == "disk"


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    (tmp_path / ".f.dead.tmp").write_text("left")
    (tmp_path / ".f.dead2.tmp").mkdir()
    (tmp_path / ".f.dead2.tmp" / "inner").write_text("left")
    (tmp_path / ".other.tmp").write_text("another's")
    with temporary(".f.", tmp_path) as mine:
        write_atomic(tmp_path / "f", b"x")
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([".other.tmp", mine.name, "f"])


def test_removing_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "f").write_text("keep")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    remove(tmp_path / "link")
    remove(tmp_path / "absent")
    assert (tmp_path / "folder" / "f").read_text() == "keep"
    assert not (tmp_path / "link").is_symlink()


def test_only_a_full_disk_is_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), full_disk(tmp_path):
        (tmp_path / "absent").read_bytes()
    with pytest.raises(EnvironmentFault, match="No space left"), full_disk(tmp_path), Path("/dev/full").open("wb") as f:
        f.write(b"x")
        f.flush()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        '{"a": 1, "a": 2}',
        '{"x": {"a": 1, "a": 2}}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e999",
        "-1e999",
        "[" * 100_000,
        "1" * 5000,
        '"\x01"',
        "\ufeff{}",
    ],
)
def test_json_that_is_not_json_is_malformed(text: str) -> None:
    with pytest.raises(MalformedArtifact) as e:
        parse_json(text.encode(), what="it")
    assert e.value.code == "json"


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    try:
        parse_json(data, what="it")
    except MalformedArtifact:
        return


finite = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(finite)
def test_json_reads_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("json") / "f"
    write_json(path, value)
    assert read_json(path, what="it") == value


def test_reading_is_bounded_and_takes_files_only(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert read_bounded(tmp_path / "f", what="it", max_bytes=5) == b"12345"
    with pytest.raises(MalformedArtifact) as e:
        read_bounded(tmp_path / "f", what="it", max_bytes=4)
    assert e.value.code == "too-large"
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", ".", "absent"):
        with pytest.raises(MalformedArtifact) as e:
            read_bounded(tmp_path / name, what="it")
        assert e.value.code == "missing"
    with pytest.raises(MalformedArtifact):
        read_bounded(Path("/dev/zero"), what="it")
