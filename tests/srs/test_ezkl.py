"""EZKL and we take each other's files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zkml.keys.srs import Srs, check, generate_unsafe, reduced, trim

pytestmark = pytest.mark.ezkl


def test_what_ezkl_makes_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "k8.srs"
    subprocess.run([sys.executable, "-c", f"import ezkl; ezkl.gen_srs({str(path)!r}, 8)"], check=True, capture_output=True)
    assert check(path).raise_for_outcome().k == 8
    assert trim(path, tmp_path / "same.srs", 8).path.read_bytes() == path.read_bytes()


SETUP_AND_PROVE = """
import sys, ezkl
case, srs, small, out = sys.argv[1:]
pk, vk, proof = f"{out}/pk.key", f"{out}/vk.key", f"{out}/proof.json"
assert ezkl.setup(f"{case}/model.ezkl", vk, pk, srs_path=srs)
ezkl.prove(f"{case}/witness.json", f"{case}/model.ezkl", pk, proof, srs_path=srs)
assert ezkl.verify(proof, f"{case}/settings.json", vk, srs_path=srs)
assert ezkl.verify(proof, f"{case}/settings.json", vk, srs_path=small, reduced_srs=True)
"""


@pytest.mark.slow
def test_ezkl_proves_and_verifies_with_ours(ceremony_files: Path, tmp_path: Path) -> None:
    source = ceremony_files.parent / "linear"
    case = tmp_path / "case"
    shutil.copytree(source, case)
    compiled = next(case.glob("*.ezkl"))
    if compiled.name != "model.ezkl":
        compiled.rename(case / "model.ezkl")
    ours = generate_unsafe(tmp_path / "ours.srs", 10)
    small = reduced(ours.path, tmp_path / "small.srs")
    command = [sys.executable, "-c", SETUP_AND_PROVE, str(case), str(ours.path), str(small.path), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("k", [6, 7, 8, 9, 10, 11])
def test_ezkls_own_files_are_valid_and_are_what_we_compute(ceremony_files: Path, tmp_path: Path, k: int) -> None:
    """The Lagrange basis of a larger file's powers is recomputed; the file that EZKL wrote must hold the same bytes."""
    path = ceremony_files / f"k{k}.srs"
    assert check(path).outcome == "valid"
    srs = Srs.open(path)
    for smaller in range(6, k):
        other = Srs.open(ceremony_files / f"k{smaller}.srs")
        if other.digest == srs.digest:
            cut = trim(path, tmp_path / f"{smaller}.srs", smaller)
            assert cut.path.read_bytes() == other.path.read_bytes()
