"""Packs: the same bytes every time, and nothing that a stranger writes into one gets out of the folder."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bundle.killed import compile_like, setup_like
from zkml.bundle import Bundle, pack, unpack
from zkml.bundle.pack import header
from zkml.errors import EnvironmentFault, MalformedArtifact, UsageError, ZkmlError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "m.zkml"
    compile_like(str(folder), "1")
    setup_like(str(folder), "1")
    return folder


@pytest.fixture(scope="module")
def packed(folder: Path) -> bytes:
    target = folder.parent / "m.zkml.tar"
    pack(Bundle.open(folder), target)
    return target.read_bytes()


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def test_equal_bundles_give_equal_bytes_that_any_tar_reads(folder: Path, packed: bytes, tmp_path: Path) -> None:
    os.utime(folder / "model.onnx", (1, 1))
    pack(Bundle.open(folder), tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed
    assert list(members(packed)) == ["bundle.json", "model.onnx", "settings.json", "circuit.ezkl", "vk.key", "pk.key"]
    assert len(packed) % tarfile.RECORDSIZE == 0


def test_a_pack_unpacks_to_the_same_bundle(folder: Path, packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tar").write_bytes(packed)
    unpacked = unpack(tmp_path / "m.tar", tmp_path / "new" / "m.zkml")
    assert unpacked.verify() == []
    original = Bundle.open(folder)
    assert unpacked.records == {k: v for k, v in original.records.items() if k != "witness"}
    for name in unpacked.records:
        assert unpacked.path(name).read_bytes() == original.path(name).read_bytes()
    pack(unpacked, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed


def test_the_witness_stays_out_with_its_record_and_its_digest(folder: Path, packed: bytes) -> None:
    witness = Bundle.open(folder).records["witness"]
    assert b"private" not in packed
    assert witness.sha256.encode() not in packed
    assert "witness" not in json.loads(members(packed)["bundle.json"])["artifacts"]


def test_a_private_pack_and_what_comes_out_of_it_stay_private(folder: Path, tmp_path: Path) -> None:
    assert "witness" in pack(Bundle.open(folder), tmp_path / "m.tar", private=True)
    assert stat.S_IMODE((tmp_path / "m.tar").stat().st_mode) == 0o600
    unpacked = unpack(tmp_path / "m.tar", tmp_path / "m.zkml")
    assert stat.S_IMODE(unpacked.path("witness").stat().st_mode) == 0o600
    assert unpacked.path("witness").read_bytes() == b"private"


def test_the_proving_key_can_stay_out(folder: Path, tmp_path: Path) -> None:
    assert "pk" not in pack(Bundle.open(folder), tmp_path / "m.tar", keys=False)
    assert not unpack(tmp_path / "m.tar", tmp_path / "m.zkml").has("pk")


def test_nothing_is_overwritten_by_accident(folder: Path, packed: bytes, tmp_path: Path) -> None:
    target = tmp_path / "m.tar"
    target.write_bytes(b"mine")
    with pytest.raises(UsageError) as e:
        pack(Bundle.open(folder), target)
    assert e.value.code == "exists"
    assert target.read_bytes() == b"mine"
    pack(Bundle.open(folder), target, overwrite=True)
    assert target.read_bytes() == packed
    (tmp_path / "there").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        unpack(target, tmp_path / "there")


def test_a_damaged_bundle_is_not_packed(folder: Path, tmp_path: Path) -> None:
    compile_like(str(tmp_path / "m.zkml"), "1")
    (tmp_path / "m.zkml" / "model.onnx").write_bytes(b"model 2")
    with pytest.raises(MalformedArtifact):
        pack(Bundle.open(tmp_path / "m.zkml"), tmp_path / "m.tar")
    assert not (tmp_path / "m.tar").exists()


# ---- hostile packs


def build(changes: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], packed: bytes, kind: int = tarfile.GNU_FORMAT) -> bytes:
    """Return the pack made anew by the library's writer, after `changes` had its members as a list."""
    entries = []
    for name, data in members(packed).items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        entries.append((info, data))
    changes(entries)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def refuse(data: bytes, tmp_path: Path, code: str = "pack") -> None:
    """Check that the pack is malformed and that nothing at all was made."""
    place = tmp_path / "place"
    place.mkdir(exist_ok=True)
    (tmp_path / "bad.tar").write_bytes(data)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(MalformedArtifact) as e:
        unpack(tmp_path / "bad.tar", place / "m.zkml")
    assert e.value.code == code, e.value
    assert list(place.iterdir()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def renamed(name: str) -> Callable[[list[Any]], None]:
    def change(entries: list[Any]) -> None:
        entries[1][0].name = name

    return change


def retyped(kind: bytes, link: str = "") -> Callable[[list[Any]], None]:
    def change(entries: list[Any]) -> None:
        entries[1][0].type, entries[1][0].linkname = kind, link

    return change


def added(name: str, data: bytes = b"x") -> Callable[[list[Any]], None]:
    def change(entries: list[Any]) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        entries.append((info, data))

    return change


def swapped(entries: list[Any]) -> None:
    entries[1], entries[2] = entries[2], entries[1]


def edited(entries: list[Any]) -> None:
    entries[1] = (entries[1][0], b"model 2")


HOSTILE = {
    "traversal": renamed("../model.onnx"),
    "inner-traversal": renamed("a/../../model.onnx"),
    "absolute": renamed("/tmp/model.onnx"),
    "backslash": renamed("..\\model.onnx"),
    "dot": renamed("./model.onnx"),
    "long-name": renamed("a" * 300),
    "escape-codes": renamed("\x1b[2Jmodel.onnx"),
    "symlink": retyped(tarfile.SYMTYPE, "/etc/passwd"),
    "hard-link": retyped(tarfile.LNKTYPE, "bundle.json"),
    "character-device": retyped(tarfile.CHRTYPE),
    "block-device": retyped(tarfile.BLKTYPE),
    "fifo": retyped(tarfile.FIFOTYPE),
    "folder": retyped(tarfile.DIRTYPE),
    "sparse": retyped(tarfile.GNUTYPE_SPARSE),
    "contiguous": retyped(tarfile.CONTTYPE),
    "unannounced": added("run.sh"),
    "unannounced-artefact": added("proof.json"),
    "duplicate": added("model.onnx", b"model 1"),
    "duplicate-manifest": added("bundle.json", b"{}"),
    "missing": lambda entries: entries.pop(1),
    "order": swapped,
    "manifest-last": lambda entries: entries.append(entries.pop(0)),
    "edited": edited,
    "mode": lambda entries: setattr(entries[1][0], "mode", 0o4755),
    "owner": lambda entries: setattr(entries[1][0], "uname", "root"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_hostile_pack_is_malformed_and_leaves_nothing(name: str, kind: int, packed: bytes, tmp_path: Path) -> None:
    refuse(build(HOSTILE[name], packed, kind), tmp_path)


def test_the_builder_of_hostile_packs_makes_good_ones(packed: bytes) -> None:
    assert build(lambda entries: None, packed) == packed


def with_manifest(change: Callable[[Any], None]) -> Callable[[list[Any]], None]:
    def apply(entries: list[Any]) -> None:
        manifest = json.loads(entries[0][1])
        change(manifest)
        data = json.dumps(manifest, indent=2).encode()
        entries[0][0].size = len(data)
        entries[0] = (entries[0][0], data)

    return apply


LIES = {
    "digest": (lambda m: m["artifacts"]["model"].update(sha256="0" * 64), "pack"),
    "smaller": (lambda m: m["artifacts"]["model"].update(size=6), "pack"),
    "larger": (lambda m: m["artifacts"]["model"].update(size=8), "pack"),
    "bomb": (lambda m: m["artifacts"]["pk"].update(size=512 << 30), "pack"),
    "too-large": (lambda m: m["artifacts"]["pk"].update(size=1 << 60), "manifest"),
    "negative": (lambda m: m["artifacts"]["pk"].update(size=-1), "manifest"),
    "unknown-version": (lambda m: m.update(version=2), "unknown-version"),
    "unknown-format": (lambda m: m["artifacts"]["vk"].update(format=9), "unknown-version"),
    "unknown-kind": (lambda m: m["artifacts"].update(exe=m["artifacts"]["vk"] | {"kind": "exe"}), "unknown-kind"),
    "announces-more": (lambda m: m["artifacts"].update(proof=m["artifacts"]["vk"] | {"kind": "proof"}), "pack"),
    "infinite-fact": (lambda m: m["artifacts"]["vk"].update(facts={"x": float("inf")}), "json"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_manifest_that_lies_is_malformed(name: str, packed: bytes, tmp_path: Path) -> None:
    change, code = LIES[name]
    refuse(build(with_manifest(change), packed), tmp_path, code)


def test_a_bomb_made_of_nothing_is_refused_before_it_is_written(packed: bytes, tmp_path: Path) -> None:
    """A sparse file of the announced length costs its maker nothing; writing it out would fill the disk."""
    size = 1 << 45
    manifest = json.loads(members(packed)["bundle.json"])
    manifest["artifacts"] = {"pk": manifest["artifacts"]["pk"] | {"size": min(size, 512 << 30), "made_from": {}}}
    data = json.dumps(manifest).encode()
    body = header("bundle.json", len(data), 0o644) + data + bytes(-len(data) % 512) + header("pk.key", 512 << 30, 0o644)
    length = len(body) + (512 << 30)
    source = tmp_path / "bomb.tar"
    source.write_bytes(body)
    os.truncate(source, length + 1024 + -(length + 1024) % tarfile.RECORDSIZE)
    if os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize > 512 << 30:
        pytest.skip("this disk would take it")
    with pytest.raises(EnvironmentFault, match="the disk of") as e:
        unpack(source, tmp_path / "m.zkml")
    assert e.value.code == "disk"
    assert not (tmp_path / "m.zkml").exists()


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_compressed_pack_is_malformed(compression: str, packed: bytes, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as tar:  # type: ignore[call-overload]
        info = tarfile.TarInfo("bundle.json")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"{}"))
    refuse(out.getvalue(), tmp_path)


def test_a_pack_cut_anywhere_is_malformed(packed: bytes, tmp_path: Path) -> None:
    for length in [*range(0, 600, 37), *range(600, len(packed), 491), len(packed) - 1]:
        (tmp_path / "bad.tar").write_bytes(packed[:length])
        with pytest.raises(MalformedArtifact):
            unpack(tmp_path / "bad.tar", tmp_path / "m.zkml")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.tar"]


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 512, b"x" * 512])
def test_bytes_after_a_pack_are_malformed(tail: bytes, packed: bytes, tmp_path: Path) -> None:
    refuse(packed + tail, tmp_path)


def test_a_source_that_is_no_file_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(MalformedArtifact):
        unpack(tmp_path, tmp_path / "m.zkml")
    with pytest.raises(MalformedArtifact):
        unpack(tmp_path / "absent", tmp_path / "m.zkml")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mutation_is_malformed_or_harmless(
    data: st.DataObject, packed: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("mutation")
    changed = bytearray(packed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        how = data.draw(st.sampled_from(["set", "insert", "delete", "copy"]))
        if how == "set":
            changed[at] = data.draw(st.integers(0, 255))
        elif how == "insert":
            changed[at:at] = data.draw(st.binary(min_size=1, max_size=600))
        elif how == "delete":
            del changed[at : at + data.draw(st.integers(1, 600))]
        else:
            other = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + 512] = changed[other : other + 512]
        if not changed:
            break
    (place / "m.tar").write_bytes(bytes(changed))
    try:
        bundle = unpack(place / "m.tar", place / "m.zkml")
    except ZkmlError:
        assert [p.name for p in place.iterdir()] == ["m.tar"]
    else:
        assert bundle.verify() == []
        assert sorted(p.name for p in place.iterdir()) == ["m.tar", "m.zkml"]


def test_packs_made_while_a_writer_works_are_whole_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m.zkml"
    compile_like(str(folder), "0")
    done = threading.Event()

    def write() -> None:
        version = 0
        while not done.is_set():
            try:
                compile_like(str(folder), str(version := version + 1))
            except EnvironmentFault as e:
                assert e.code == "busy"

    writer = threading.Thread(target=write)
    writer.start()
    whole = 0
    try:
        for n in range(60):
            try:
                pack(Bundle.open(folder), tmp_path / f"{n}.tar")
            except EnvironmentFault as e:
                assert e.code == "busy"
            else:
                whole += unpack(tmp_path / f"{n}.tar", tmp_path / f"{n}.zkml").verify() == []
    finally:
        done.set()
        writer.join()
    assert whole == len(list(tmp_path.glob("*.tar")))
