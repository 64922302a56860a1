"""The check finds every single wrong part of an SRS, and says which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zkml.errors import MalformedArtifact, SrsError
from zkml.keys.srs import CheckReport, Srs, check

K, N = 6, 64
G, LAGRANGE, G2, TAU_G2 = 4, 4 + 64 * N, 4 + 128 * N, 4 + 128 * N + 128
MODULUS = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47


def altered(srs: Srs, folder: Path, change: Callable[[bytearray], object]) -> CheckReport:
    data = bytearray(srs.path.read_bytes())
    change(data)
    assert bytes(data) != srs.path.read_bytes()
    path = folder / "altered.srs"
    path.write_bytes(data)
    return check(path)


def put(at: int, source: int, size: int = 64) -> Callable[[bytearray], object]:
    """Copy `size` bytes from `source` to `at`: valid points in the wrong place."""

    def change(data: bytearray) -> None:
        data[at : at + size] = data[source : source + size]

    return change


def negate(at: int) -> Callable[[bytearray], object]:
    """Replace a point of G1 by its negative: p − y is the negative in Montgomery form too."""

    def change(data: bytearray) -> None:
        y = int.from_bytes(data[at + 32 : at + 64], "little")
        data[at + 32 : at + 64] = (MODULUS - y).to_bytes(32, "little")

    return change


def test_a_made_srs_is_valid(made: Srs) -> None:
    report = check(made.path)
    assert report.outcome == "valid"
    assert report.raise_for_outcome().k == K


@pytest.mark.parametrize("index", [1, 2, 31, 32, 62, 63])
def test_a_wrong_power_is_named(made: Srs, tmp_path: Path, index: int) -> None:
    report = altered(made, tmp_path, negate(G + 64 * index))
    assert report.outcome == "invalid"
    assert report.error is not None
    assert report.error.details == {"part": "g", "index": index}


@pytest.mark.parametrize("index", [0, 1, 40, 63])
def test_a_wrong_lagrange_point_is_named(made: Srs, tmp_path: Path, index: int) -> None:
    report = altered(made, tmp_path, negate(LAGRANGE + 64 * index))
    assert report.outcome == "invalid"
    assert report.error is not None
    assert report.error.details == {"part": "g_lagrange", "index": index}


def test_swapped_lagrange_points_are_found(made: Srs, tmp_path: Path) -> None:
    def swap(data: bytearray) -> None:
        a, b = slice(LAGRANGE, LAGRANGE + 64), slice(LAGRANGE + 64, LAGRANGE + 128)
        data[a], data[b] = data[b], data[a]

    assert altered(made, tmp_path, swap).outcome == "invalid"


def test_another_ceremonys_tau_is_found(made: Srs, tmp_path: Path) -> None:
    from zkml.keys.srs import generate_unsafe

    other = generate_unsafe(tmp_path / "other.srs", K).path.read_bytes()

    def change(data: bytearray) -> None:
        data[TAU_G2:] = other[TAU_G2:]

    report = altered(made, tmp_path, change)
    assert report.outcome == "invalid"
    assert report.error is not None
    assert report.error.details["part"] == "g"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (negate(G), r"g\[0\] is the generator's negative"),
        (put(G, G + 64), r"g\[0\]"),
        (put(G2, TAU_G2, 128), "is not the generator of G2"),
        (put(TAU_G2, G2, 128), "is not"),
    ],
    ids=["negated g[0]", "another g[0]", "another [1]G2", "tau = 1"],
)
def test_a_wrong_end_is_found(made: Srs, tmp_path: Path, change: Callable[[bytearray], object], message: str) -> None:
    report = altered(made, tmp_path, change)
    assert report.outcome == "invalid"
    with pytest.raises(SrsError, match=message):
        report.raise_for_outcome()


@pytest.mark.parametrize("part", [G + 64 * 5, LAGRANGE + 64 * 5, G2, TAU_G2])
def test_a_point_off_the_curve_is_found(made: Srs, tmp_path: Path, part: int) -> None:
    def change(data: bytearray) -> None:
        data[part] ^= 1

    report = altered(made, tmp_path, change)
    assert report.outcome == "invalid"
    with pytest.raises(SrsError, match="is not on the curve"):
        report.raise_for_outcome()


@pytest.mark.parametrize(("part", "size"), [(G + 64 * 7, 64), (LAGRANGE + 64 * 7, 64), (G2, 128), (TAU_G2, 128)])
def test_the_identity_is_refused(made: Srs, tmp_path: Path, part: int, size: int) -> None:
    def change(data: bytearray) -> None:
        data[part : part + size] = bytes(size)

    with pytest.raises(SrsError, match="is the identity"):
        altered(made, tmp_path, change).raise_for_outcome()


@pytest.mark.parametrize("part", [G + 64 * 3, LAGRANGE + 64 * 3, TAU_G2])
def test_an_unreduced_coordinate_is_malformed(made: Srs, tmp_path: Path, part: int) -> None:
    def change(data: bytearray) -> None:
        data[part : part + 32] = (int.from_bytes(data[part : part + 32], "little") + MODULUS).to_bytes(32, "little")

    assert altered(made, tmp_path, change).outcome == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop(),
        lambda data: data.append(0),
        lambda data: data.__delitem__(slice(3, None)),
        lambda data: data.clear(),
        lambda data: data.__setitem__(0, K + 1),
        lambda data: data.__setitem__(0, K - 1),
        lambda data: data.__setitem__(0, 0),
        lambda data: data.__setitem__(0, 255),
        lambda data: data.__setitem__(3, 1),
    ],
    ids=["a byte less", "a byte more", "three bytes", "empty", "k + 1", "k - 1", "k = 0", "k = 255", "high byte of k"],
)
def test_a_wrong_size_is_malformed(made: Srs, tmp_path: Path, change: Callable[[bytearray], object]) -> None:
    report = altered(made, tmp_path, change)
    assert report.outcome == "malformed"
    with pytest.raises(MalformedArtifact):
        report.raise_for_outcome()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ptau" + bytes(60), "snarkjs .ptau"),
        (b"\x1f\x8b\x08" + bytes(60), "gzip"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"version https://git-lfs", "Git LFS"),
        ((6).to_bytes(4, "little") + bytes(64 * 64 + 128), "Processed"),
        ((6).to_bytes(4, "big") + bytes(128 * 64 + 256), "big-endian"),
    ],
)
def test_other_encodings_are_told_apart(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "other.srs"
    path.write_bytes(data)
    with pytest.raises(MalformedArtifact, match=message) as caught:
        check(path).raise_for_outcome()
    assert caught.value.code == "srs-encoding"
