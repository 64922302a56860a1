"""A home, an SRS and a proved bundle for all tests of this folder: made once, copied where a test changes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.flow import models
from zkml import RunArgs, compile, prove, setup
from zkml.bundle import Bundle
from zkml.cli import cli
from zkml.keys.srs import Srs, generate_unsafe

K = 8
SMALL = RunArgs(logrows=K, lookup_range=(-100, 100))
SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """ZKML_HOME for the session, which no test but the fixtures writes into."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder))
        patch.delenv("ZKML_SRS", raising=False)
        yield folder


@pytest.fixture(scope="session")
def srs(session_home: Path) -> Srs:
    return generate_unsafe(session_home / "srs" / f"k{K}.srs", K)


@dataclass(frozen=True)
class Proved:
    """The model y = W·x + b, compiled, keyed and proved on `SAMPLE`."""

    model: Path
    bundle: Bundle
    circuit_id: str


@pytest.fixture(scope="session")
def proved(session_home: Path, srs: Srs, tmp_path_factory: pytest.TempPathFactory) -> Proved:
    model = models.linear(tmp_path_factory.mktemp("proved") / "linear.onnx")
    bundle = compile(model, run_args=SMALL).bundle
    keys = setup(bundle, srs, allow_unsafe_srs=True)
    prove(bundle, SAMPLE, srs=srs)
    return Proved(model, bundle, keys.circuit_id)


@pytest.fixture
def home(proved: Proved, session_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the session's home for a test that changes it."""
    folder = tmp_path / "home"
    shutil.copytree(session_home, folder)
    monkeypatch.setenv("ZKML_HOME", str(folder))
    return folder


@pytest.fixture
def stranger(tmp_path: Path, srs: Srs, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who has audited nothing."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    monkeypatch.setenv("ZKML_HOME", str(folder))
    return folder


@pytest.fixture
def copy(proved: Proved, tmp_path: Path) -> Bundle:
    """A copy of the proved bundle for a test that changes it."""
    folder = tmp_path / "copy.zkml"
    shutil.copytree(proved.bundle.folder, folder)
    return Bundle.open(folder)


@pytest.fixture
def run() -> Command:
    """Run a command; the result has `exit_code`, `stdout`, `stderr`. An exception that is no exit fails the test."""

    def invoke(*arguments: object, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke
