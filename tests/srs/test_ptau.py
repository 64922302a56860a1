"""What snarkjs makes is imported and checked; what is damaged or of another curve is refused with a reason."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zkml.errors import MalformedArtifact, SrsError, ZkmlError
from zkml.keys.srs import check, import_file

FIXTURES = Path(__file__).parent / "fixtures"
PLAIN, PREPARED, BLS = (FIXTURES / f"{n}.ptau" for n in ("bn128_power4", "bn128_power4_prepared", "bls12_381_power4"))
NODE = Path(__file__).parents[1] / "node"


def sections(data: bytes) -> dict[int, tuple[int, int]]:
    """Return start and size of each section: the format read a second time, by other code."""
    found, at = {}, 12
    for _ in range(struct.unpack_from("<I", data, 8)[0]):
        number, size = struct.unpack_from("<IQ", data, at)
        found[number] = (at + 12, size)
        at += 12 + size
    return found


@pytest.mark.parametrize("source", [PLAIN, PREPARED], ids=["contributed", "prepared"])
def test_a_ptau_becomes_an_srs_with_its_points(source: Path, tmp_path: Path) -> None:
    made = import_file(source, tmp_path / "a.srs")
    assert (made.k, str(made.trust)) == (4, "UNSAFE")
    assert check(made.path).outcome == "valid"
    data, srs = source.read_bytes(), made.path.read_bytes()
    g1, g2 = sections(data)[2][0], sections(data)[3][0]
    assert srs[4 : 4 + 64 * 16] == data[g1 : g1 + 64 * 16]
    assert srs[-256:] == data[g2 : g2 + 256]


def test_the_lagrange_basis_is_snarkjss_own_in_another_order(tmp_path: Path) -> None:
    """snarkjs takes ω = 5^((r−1)/n), halo2 ω = 7^((r−1)/n): the same points, permuted."""
    made = import_file(PREPARED, tmp_path / "a.srs")
    data, srs = PREPARED.read_bytes(), made.path.read_bytes()
    start = sections(data)[12][0] + 64 * (1 + 2 + 4 + 8)  # the bases of 2^0, …, 2^3 come first
    theirs = [data[start + 64 * i : start + 64 * i + 64] for i in range(16)]
    ours = [srs[4 + 64 * 16 + 64 * i :][:64] for i in range(16)]
    assert sorted(theirs) == sorted(ours)


def test_a_smaller_k_may_be_cut_out_and_a_larger_may_not(tmp_path: Path) -> None:
    whole = import_file(PLAIN, tmp_path / "a.srs")
    cut = import_file(PLAIN, tmp_path / "b.srs", 2)
    assert (cut.k, cut.digest) == (2, whole.digest)
    with pytest.raises(SrsError) as caught:
        import_file(PLAIN, tmp_path / "c.srs", 5)
    assert caught.value.details == {"have": 4, "want": 5}
    assert not (tmp_path / "c.srs").exists()


def refused(data: bytes, folder: Path) -> ZkmlError:
    source = folder / "bad.ptau"
    source.write_bytes(data)
    with pytest.raises((MalformedArtifact, SrsError)) as caught:
        import_file(source, folder / "out.srs", overwrite=True)
    assert not (folder / "out.srs").exists()
    return caught.value


def test_another_curve_is_refused(tmp_path: Path) -> None:
    error = refused(BLS.read_bytes(), tmp_path)
    assert error.code == "srs-malformed"
    assert "another curve than BN254" in error.message


@pytest.mark.parametrize("keep", [4, 11, 12, 20, 24, 60, 68, 100, 3000, -1])
def test_a_truncated_file_is_refused(keep: int, tmp_path: Path) -> None:
    assert refused(PLAIN.read_bytes()[:keep], tmp_path).code in ("srs-malformed", "disk")


def patched(at: int, value: bytes) -> bytes:
    data = bytearray(PLAIN.read_bytes())
    data[at : at + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (patched(4, struct.pack("<I", 2)), "version is 2"),
        (patched(8, struct.pack("<I", 2**32 - 1)), "claims 4294967295 sections"),
        (patched(8, struct.pack("<I", 6)), "bytes follow its last section"),
        (patched(12, struct.pack("<I", 99)), "section 1 .header. is missing"),
        (patched(16, struct.pack("<Q", 2**64 - 1)), "claims 18446744073709551615 bytes"),
        (patched(24, struct.pack("<I", 48)), "have 48 bytes"),
        (patched(28, b"\0"), "another modulus"),
        (patched(60, struct.pack("<I", 28)), "section 2 has"),
        (patched(60, struct.pack("<I", 29)), "power is 29"),
        (patched(60, struct.pack("<I", 0)), "power is 0"),
        (PLAIN.read_bytes() + b"\0", "1 bytes follow"),
    ],
)
def test_a_hostile_header_is_refused_with_its_fault(data: bytes, message: str, tmp_path: Path) -> None:
    error = refused(data, tmp_path)
    assert error.code == "srs-malformed"
    import re

    assert re.search(message, error.message), error.message


def test_a_repeated_section_is_refused(tmp_path: Path) -> None:
    at = sections(PLAIN.read_bytes())[2][0] - 12
    assert "section 1 occurs twice" in refused(patched(at, struct.pack("<I", 1)), tmp_path).message


@pytest.mark.parametrize(("section", "index", "size"), [(2, 3, 64), (2, 15, 64), (3, 0, 128), (3, 1, 128)])
def test_a_wrong_point_is_refused(section: int, index: int, size: int, tmp_path: Path) -> None:
    data = PLAIN.read_bytes()
    start = sections(data)[section][0]
    other = data[start + size * 7 : start + size * 8]
    assert refused(patched(start + size * index, other), tmp_path).code == "srs-invalid"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 130), value=st.binary(min_size=1, max_size=8))
def test_no_damage_to_the_head_of_a_ptau_does_more_than_be_refused(tmp_path: Path, at: int, value: bytes) -> None:
    source = tmp_path / "fuzz.ptau"
    source.write_bytes(patched(at, value))
    try:
        made = import_file(source, tmp_path / "fuzz.srs", overwrite=True)
    except ZkmlError:
        return
    assert check(made.path).outcome == "valid"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=600), st.binary(max_size=64).map(lambda b: b"\x01\0\0\0" + b.ljust(512, b"\0"))))
def test_no_bytes_do_more_to_the_check_than_be_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "fuzz.srs"
    path.write_bytes(data)
    assert check(path).outcome in ("invalid", "malformed")


@pytest.mark.slow
def test_snarkjs_and_we_agree_at_power_8(tmp_path: Path) -> None:
    tool = NODE / "node_modules" / ".bin" / "snarkjs"
    if not tool.exists() or shutil.which("node") is None:
        pytest.skip("npm ci in tests/node first")

    def run(*args: str) -> None:
        subprocess.run([str(tool), "powersoftau", *args], cwd=tmp_path, check=True, capture_output=True, timeout=300)

    run("new", "bn128", "8", "0.ptau")
    run("contribute", "0.ptau", "1.ptau", "--name=test", "-e=entropy of a test")
    run("prepare", "phase2", "1.ptau", "2.ptau")
    first = import_file(tmp_path / "1.ptau", tmp_path / "1.srs")
    second = import_file(tmp_path / "2.ptau", tmp_path / "2.srs")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert check(second.path).raise_for_outcome().k == 8
