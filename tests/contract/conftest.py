"""A local chain for the tests: anvil from the lock file, on a free loopback port, ended by its own process id."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from zkml.contract.rpc import Rpc

ROOT = Path(__file__).parents[2]
BINARIES = ROOT / "contracts" / "node_modules" / "@foundry-rs"

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""The first of the keys that anvil publishes and funds."""

POOR_KEY = "0x" + "11" * 32
"""A key that nobody sends funds to."""

CHAIN_ID = 31337


@dataclass(frozen=True)
class Anvil:
    """A running chain."""

    url: str

    @property
    def rpc(self) -> Rpc:
        return Rpc(self.url, CHAIN_ID)


LISTENS = re.compile(r"Listening on (127\.0\.0\.1:[0-9]+)")


def listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return where the chain listens, once its log says so."""
    for _ in range(600):
        if match := LISTENS.search(log.read_text()):
            return match[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    return pytest.fail(f"anvil did not start: {log.read_text()[-500:]}")


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    """A chain whose log is a file: a pipe that nobody reads would stop it once it is full."""
    (binary,) = BINARIES.glob("anvil-*/bin/anvil*")
    command = [str(binary), "--port", "0", "--chain-id", str(CHAIN_ID), "--host", "127.0.0.1", "--hardfork", "osaka"]
    folder = tmp_path_factory.mktemp("anvil")
    log = folder / "anvil.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=folder) as process:
        try:
            yield Anvil(f"http://{listening(process, log)}")
        finally:
            process.terminate()
            process.wait(30)
