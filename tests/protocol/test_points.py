"""Points and SRS files."""

from __future__ import annotations

import pytest

from tests.vectors import read
from zkml.errors import MalformedArtifact
from zkml.protocol.field import P
from zkml.protocol.points import G1_GENERATOR, G2_GENERATOR, in_g2, on_g1, points_from_srs, raw_g1


def raw(*coordinates: int) -> bytes:
    return b"".join(((c << 256) % P).to_bytes(32, "little") for c in coordinates)


def test_the_generators_are_points() -> None:
    assert on_g1(G1_GENERATOR)
    assert on_g1((0, 0))
    assert in_g2(G2_GENERATOR)
    assert not on_g1((1, 3))
    assert not on_g1((1 + P, 2))


def test_a_raw_point_is_montgomery_little_endian() -> None:
    assert raw_g1(raw(1, 2)) == (1, 2)
    assert raw_g1(bytes(64)) == (0, 0)
    for bad in (raw(1, 3), b"\xff" * 64, raw(1, 2)[:63]):
        with pytest.raises(MalformedArtifact):
            raw_g1(bad)


def test_an_srs_yields_its_first_point_and_the_two_of_g2() -> None:
    tau_g2 = read.protocol("linear").points.tau_g2
    srs = (1).to_bytes(4, "little") + raw(1, 2) * 4 + raw(*G2_GENERATOR) + raw(*tau_g2)
    assert points_from_srs(srs) == read.protocol("linear").points
    for bad in (b"", srs[:-1], srs + b"\0", b"\x02" + srs[1:], srs[:-128] + bytes(128), srs[:-128] + b"\xff" * 128):
        with pytest.raises(MalformedArtifact):
            points_from_srs(bad)
