"""Solidity to bytecode: one pinned compiler, one set of settings.

The compiler is npm's solc (WebAssembly, run by Node.js) or a native `solc`, of exactly `SOLC_VERSION`: another version makes
other bytes, and a contract that nobody can make again byte for byte cannot be checked by its users. Nothing is ever downloaded.
Generating sources needs none of this.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from zkml.errors import CircuitError, EnvironmentFault, InternalFault, MalformedArtifact

SOLC_VERSION = "0.8.37"
"""The version in contracts/package-lock.json, of which a test knows."""

EVM_VERSION = "cancun"

SETTINGS: dict[str, Any] = {
    "evmVersion": EVM_VERSION,
    "viaIR": False,
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},  # the same source gives the same bytes wherever it lies
}

OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
]

VARIABLE = "ZKML_SOLC"
TIME_LIMIT_SECONDS = 300
MAX_SOURCE_BYTES = 16 << 20
HINT = (
    f"install it with `make setup` in a checkout, or `npm install solc@{SOLC_VERSION}`, or a native solc {SOLC_VERSION}"
    f" on the PATH; {VARIABLE} names a solc executable or the folder node_modules/solc"
)
_VERSION = re.compile(r"\b([0-9]+\.[0-9]+\.[0-9]+)(?:-[0-9A-Za-z.]+)?\+commit\.[0-9a-f]{8}")
_PACKAGED = Path(__file__).parents[2] / "contracts" / "node_modules" / "solc"
_SCRIPT = Path(__file__).with_name("solc.cjs")


@dataclass(frozen=True)
class Compiled:
    """One contract: ABI, creation code, run-time code, and the map from the latter's instructions to the source.

    `sources` lists file names by the numbers that the source map uses; `compiler` is the full version.
    """

    name: str
    file: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    runtime: bytes
    source_map: str
    sources: tuple[str, ...]
    compiler: str

    def as_dict(self) -> dict[str, Any]:
        """Return the artefact as data, in the names that other tools use."""
        return {
            "contractName": self.name,
            "sourceName": self.file,
            "abi": list(self.abi),
            "bytecode": "0x" + self.bytecode.hex(),
            "deployedBytecode": "0x" + self.runtime.hex(),
            "compiler": self.compiler,
            "settings": SETTINGS,
        }


@dataclass(frozen=True)
class Solc:
    """A compiler that can be called: the command, and whether it is npm's, which writes its version on the first line."""

    command: tuple[str, ...]
    is_npm: bool

    @property
    def place(self) -> str:
        return self.command[-1]


def standard_input(files: Mapping[str, str]) -> dict[str, Any]:
    """Return solc's standard JSON for these sources, which block explorers also take."""
    return {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(files.items())},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": OUTPUTS}}},
    }


def _wrong(place: str, found: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the Solidity compiler {place} is version {found}, not {SOLC_VERSION}", hint=HINT, code="solc-version"
    )


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise EnvironmentFault(
            "Node.js is missing, which runs npm's Solidity compiler", hint="install Node.js 20 or later", code="no-node"
        )
    return node


def _npm(folder: Path) -> Solc:
    """Return npm's solc in a folder. Raises `EnvironmentFault` when its version is another."""
    try:
        found = str(json.loads((folder / "package.json").read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise EnvironmentFault(f"{folder} is not npm's solc: {e}", hint=HINT, code="no-solc") from e
    if found != SOLC_VERSION:
        raise _wrong(str(folder), found)
    return Solc((_node(), str(_SCRIPT), str(folder.resolve())), is_npm=True)


def _native(path: str) -> Solc:
    """Return a native solc. Raises `EnvironmentFault` when it does not run or its version is another."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as e:
        raise EnvironmentFault(f"the Solidity compiler {path} does not run: {e}", hint=HINT, code="no-solc") from e
    match = _VERSION.search(done.stdout)
    found = match[1] if match else "unknown"
    if done.returncode or found != SOLC_VERSION:
        raise _wrong(path, found)
    return Solc((path,), is_npm=False)


def find_compiler() -> Solc:
    """Return the compiler of exactly `SOLC_VERSION`: the one that `ZKML_SOLC` names, a checkout's, or the PATH's.

    Raises `EnvironmentFault` naming what to do when there is none, or only one of another version.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.exists():
            raise EnvironmentFault(f"{VARIABLE} names {named}, which does not exist", hint=HINT, code="no-solc")
        return _npm(path) if path.is_dir() else _native(str(path.resolve()))
    if _PACKAGED.is_dir():
        return _npm(_PACKAGED)
    on_path = shutil.which("solc")
    if on_path is not None:
        return _native(on_path)
    raise EnvironmentFault(f"there is no Solidity compiler {SOLC_VERSION} here", hint=HINT, code="no-solc")


def _run(solc: Solc, request: str) -> tuple[str, Any]:
    """Return the full version and the answer to a standard JSON request."""
    command = list(solc.command) if solc.is_npm else [*solc.command, "--standard-json", "--no-import-callback"]
    try:
        done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as e:
        raise EnvironmentFault(f"the Solidity compiler took longer than {TIME_LIMIT_SECONDS} s", code="solc-time") from e
    except (OSError, UnicodeDecodeError) as e:
        raise EnvironmentFault(f"the Solidity compiler {solc.place} does not run: {e}", hint=HINT, code="no-solc") from e
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise EnvironmentFault(
            f"the Solidity compiler {solc.place} failed with status {done.returncode}: {last}", hint=HINT, code="solc-failed"
        )
    version, text = SOLC_VERSION, done.stdout
    if solc.is_npm:
        version, _, text = done.stdout.partition("\n")
        match = _VERSION.search(version)
        if match is None or match[1] != SOLC_VERSION:
            raise _wrong(solc.place, match[1] if match else version[:40])
    try:
        return version, json.loads(text)
    except ValueError as e:
        raise EnvironmentFault(f"the Solidity compiler {solc.place} answered nonsense: {e}", hint=HINT, code="solc-failed") from e


def _check_errors(answer: Mapping[str, Any]) -> None:
    errors = [e for e in answer.get("errors", []) if e.get("severity") == "error"]
    if errors:
        text = str(errors[0].get("formattedMessage") or errors[0].get("message")).strip()
        raise CircuitError(
            f"the Solidity source does not compile: {text}", code="solidity", details={"errors": len(errors), "first": text}
        )


def _contracts(version: str, answer: Mapping[str, Any]) -> dict[str, Compiled]:
    numbers = {item["id"]: name for name, item in answer["sources"].items()}
    sources = tuple(numbers.get(i, "") for i in range(max(numbers, default=-1) + 1))
    found: dict[str, Compiled] = {}
    for file, contracts in answer.get("contracts", {}).items():
        for name, item in contracts.items():
            creation, deployed = item["evm"]["bytecode"], item["evm"]["deployedBytecode"]
            if creation["linkReferences"]:
                raise CircuitError(f"contract {name} needs a library linked", code="solidity")
            if name in found:
                raise CircuitError(f"two contracts are called {name}: in {found[name].file} and {file}", code="solidity")
            found[name] = Compiled(
                name=name,
                file=file,
                abi=tuple(item["abi"]),
                bytecode=bytes.fromhex(creation["object"]),
                runtime=bytes.fromhex(deployed["object"]),
                source_map=deployed.get("sourceMap", ""),
                sources=sources,
                compiler=version,
            )
    return found


@lru_cache(maxsize=32)
def _compile(solc: Solc, request: str) -> dict[str, Compiled]:
    version, answer = _run(solc, request)
    _check_errors(answer)
    try:
        return _contracts(version, answer)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise InternalFault(f"the Solidity compiler's answer lacks what was asked: {e!r}", code="solc-answer") from e


def compile_sources(files: Mapping[str, str]) -> dict[str, Compiled]:
    """Return every contract in these Solidity sources (file name to text), by its name. Interfaces have empty code.

    Raises `CircuitError` with solc's message when a source does not compile, `EnvironmentFault` without the right compiler.
    """
    if not files:
        raise MalformedArtifact("there is no Solidity source", code="solidity")
    if sum(len(text) for text in files.values()) > MAX_SOURCE_BYTES:
        raise MalformedArtifact(f"the Solidity sources have more than {MAX_SOURCE_BYTES} characters", code="too-large")
    return dict(_compile(find_compiler(), json.dumps(standard_input(files))))
