"""One small SRS for all tests of this folder, and a home of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zkml.keys.srs import Srs, generate_unsafe

FIXTURE_K = 6


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("ZKML_HOME", str(folder))
    monkeypatch.delenv("ZKML_SRS", raising=False)
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Srs:
    return generate_unsafe(tmp_path_factory.mktemp("srs") / "made.srs", FIXTURE_K)


@pytest.fixture(scope="session")
def ceremony_files() -> Path:
    """The folder of SRS files that EZKL made, where this machine has them."""
    shared = Path(os.environ.get("ZKML_SHARED") or Path(__file__).parents[3] / "shared")
    folder = shared / "ezkl_cases" / "srs"
    if not folder.is_dir():
        pytest.skip("the shared EZKL cases are not here")
    return folder
