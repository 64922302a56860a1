"""A local chain for the tests: anvil from the lock file, on a free loopback port, ended by its own process id."""

from __future__ import annotations

import re
import subprocess
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


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    (binary,) = BINARIES.glob("anvil-*/bin/anvil*")
    command = [str(binary), "--port", "0", "--chain-id", str(CHAIN_ID), "--host", "127.0.0.1", "--hardfork", "osaka"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path_factory.mktemp("anvil")) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if match := re.search(r"Listening on (127\.0\.0\.1:[0-9]+)", line):
                    break
            else:
                pytest.fail(f"anvil did not start: {said[-500:]}")
            yield Anvil(f"http://{match[1]}")
        finally:
            process.terminate()
            process.wait(30)
