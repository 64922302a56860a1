"""Artefacts, lineage, transactions, and what a strange folder may not do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.bundle.killed import compile_like, setup_like
from zkml.bundle import Bundle
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts, UsageError, ZkmlError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "m.zkml"
    compile_like(str(folder), "1")
    setup_like(str(folder), "1")
    return folder


def test_a_bundle_reads_back_what_was_written(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert bundle.name == "m"
    assert bundle.path("model").read_bytes() == b"model 1"
    circuit = bundle.records["circuit"]
    assert circuit.made_from == {"model": bundle.records["model"].sha256, "settings": bundle.records["settings"].sha256}
    assert circuit.facts == {"logrows": 17}
    assert bundle.records["vk"].made_from["srs"] == "ab" * 32
    assert set(circuit.tools) == {"zkml", "ezkl", "onnx", "python"}
    assert bundle.verify() == []


def test_the_witness_is_private_and_nothing_else_is(folder: Path) -> None:
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    assert modes["witness.json"] == 0o600
    assert modes["model.onnx"] == modes["pk.key"] == 0o644


def test_a_missing_artefact_names_the_command_that_makes_it(folder: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"has no proof\.json yet") as e:
        Bundle.open(folder).require("proof")
    assert (e.value.code, e.value.exit_code) == ("not-made-yet", 5)
    assert e.value.hint is not None and "zkml prove" in e.value.hint


@pytest.mark.parametrize("data", [b"vk 2", b"vk 1 and more", b""])
def test_a_changed_artefact_is_malformed(folder: Path, data: bytes) -> None:
    (folder / "vk.key").write_bytes(data)
    with pytest.raises(MalformedArtifact, match=r"vk\.key") as e:
        Bundle.open(folder).require("vk")
    assert (e.value.code, e.value.exit_code) == ("changed", 3)


@pytest.mark.parametrize("how", ["gone", "folder", "fifo"])
def test_an_artefact_that_is_no_file_is_malformed(folder: Path, how: str) -> None:
    path = folder / "vk.key"
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "fifo":
        os.mkfifo(path)
    with pytest.raises(MalformedArtifact, match=r"vk\.key"):
        Bundle.open(folder).require("vk")


def test_a_stale_artefact_names_both_versions(folder: Path) -> None:
    bundle = Bundle.open(folder)
    with bundle.change() as change:
        change.write("circuit", b"another circuit")
    with pytest.raises(MismatchedArtifacts, match=r"vk\.key was made from another circuit\.ezkl") as e:
        bundle.require("vk")
    assert (e.value.code, e.value.exit_code) == ("stale", 3)
    problems = bundle.verify()
    assert [p.split()[0] for p in problems] == ["vk.key", "pk.key", "witness.json"]


def test_a_change_that_fails_changes_nothing(folder: Path) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"}
    bundle = Bundle.open(folder)
    records = dict(bundle.records)
    with pytest.raises(RuntimeError), bundle.change() as change:
        change.write("model", b"other")
        change.remove("vk")
        raise RuntimeError
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"} == before
    assert bundle.records == records


def test_a_first_change_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "m.zkml"
    with pytest.raises(RuntimeError), Bundle.create(folder).change() as change:
        change.write("model", b"model")
        raise RuntimeError
    assert not folder.exists()


def test_within_a_change_what_was_staged_hides_what_is_there(folder: Path) -> None:
    bundle = Bundle.open(folder)
    with bundle.change() as change:
        assert change.current("model") == folder / "model.onnx"
        record = change.write("model", b"model 2")
        assert change.current("model").read_bytes() == b"model 2"
        assert change.digest("model") == record.sha256
        change.remove("model")
        assert not change.has("model")
        change.write("model", b"model 3")
        assert change.has("model")
        change.remove("proof")
    assert bundle.path("model").read_bytes() == b"model 3"
    assert not Bundle.open(folder).has("proof")


def test_removing_what_was_staged_removes_it_from_the_bundle(folder: Path) -> None:
    with Bundle.open(folder).change() as change:
        change.write("vk", b"vk 2")
        change.remove("vk")
    assert not Bundle.open(folder).has("vk")
    assert not (folder / "vk.key").exists()


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), "x" * (5 << 20)])
def test_a_fact_that_a_manifest_cannot_hold_is_refused_before_anything_changes(folder: Path, fact: object) -> None:
    with pytest.raises(MalformedArtifact, match=r"bundle\.json"), Bundle.open(folder).change() as change:
        change.write("model", b"model 2", fact=fact)
    assert Bundle.open(folder).verify() == []
    assert (folder / "model.onnx").read_bytes() == b"model 1"


# ---- several processes

HOLD = """
import sys, time
from pathlib import Path
from zkml.bundle import Bundle
bundle = Bundle.open(Path(sys.argv[1]))
with bundle.change() as change:
    change.write("model", b"model of the first")
    print("holding", flush=True)
    sys.stdin.readline()
"""


def test_a_second_writer_is_told_busy_and_the_first_is_unharmed(folder: Path) -> None:
    bundle = Bundle.open(folder)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "holding\n"
        with pytest.raises(EnvironmentFault, match=f"in use by process {first.pid}") as e, bundle.change():
            pytest.fail("two writers")
        assert (e.value.code, e.value.exit_code) == ("busy", 5)
        again = subprocess.run(
            [sys.executable, "-m", "zkml.cli", "bundle", "pack", str(folder)], capture_output=True, text=True, check=False
        )
        assert again.returncode == 5, again.stderr
        assert "in use by process" in again.stderr
        assert Bundle.open(folder).path("model").read_bytes() == b"model 1"
        first.communicate("\n")
        assert first.returncode == 0
    assert Bundle.open(folder).path("model").read_bytes() == b"model of the first"


def test_a_lock_of_a_dead_process_holds_nobody(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
    with Bundle.open(folder).change() as change:
        change.write("model", b"model 2")
    assert Bundle.open(folder).path("model").read_bytes() == b"model 2"


def test_readers_never_see_a_bundle_between_two_states(folder: Path) -> None:
    stop = threading.Event()
    wrong: list[ZkmlError] = []
    reads = 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            try:
                Bundle.open(folder).require("model", "settings", "circuit")
                reads += 1
            except ZkmlError as e:
                wrong.append(e)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(40):
        compile_like(str(folder), str(version))
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert reads > 0


def test_several_readers_hold_the_bundle_and_keep_writers_out(folder: Path) -> None:
    one, other = Bundle.open(folder), Bundle.open(folder)
    with one.reading(), other.reading():
        with pytest.raises(EnvironmentFault) as e, Bundle.open(folder).change():
            pytest.fail("a writer among readers")
        assert e.value.code == "busy"
    with Bundle.open(folder).change():
        pass


# ---- folders that strangers made


def test_what_is_no_bundle_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as e:
        Bundle.open(tmp_path)
    assert e.value.code == "no-bundle"
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as e:
        Bundle.create(tmp_path)
    assert e.value.code == "not-a-bundle"


def test_a_link_for_a_lock_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    (folder / ".lock").unlink()
    (folder / ".lock").symlink_to(precious)
    with pytest.raises(EnvironmentFault), Bundle.open(folder).change():
        pass
    assert precious.read_text() == "keep me"


def test_a_link_for_a_staging_folder_is_not_cleared_through(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    (folder / ".staging").symlink_to(precious)
    (folder / ".x.tmp").symlink_to(precious / "file")
    with Bundle.open(folder).change() as change:
        change.write("model", b"model 2")
    assert (precious / "file").read_text() == "keep me"
    assert sorted(p.name for p in precious.iterdir()) == ["file"]
    assert not (folder / ".staging").exists()


@pytest.mark.parametrize(
    "journal",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": ["../x"], "removed": []}',
        b'{"files": [], "removed": ["/etc/passwd"]}',
        b'{"files": ["bundle.json"], "removed": []}',
        b'{"files": [["model.onnx"]], "removed": []}',
        b'{"files": {"model.onnx": 1}, "removed": []}',
        b'{"files": [], "removed": [], "removed": []}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_strange_journal_is_malformed_and_moves_nothing(folder: Path, journal: bytes) -> None:
    before = {p.name for p in folder.iterdir()}
    (folder / "journal.json").write_bytes(journal)
    with pytest.raises(MalformedArtifact):
        Bundle.open(folder)
    assert {p.name for p in folder.iterdir()} == before | {"journal.json"}


def test_a_strange_manifest_is_malformed(folder: Path) -> None:
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["version"] = 2
    (folder / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(MalformedArtifact) as e:
        Bundle.open(folder)
    assert e.value.code == "unknown-version"
