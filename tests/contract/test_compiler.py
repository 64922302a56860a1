"""One compiler of one version; any other is an error that says what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from zkml.contract import compiler
from zkml.contract.compiler import SETTINGS, SOLC_VERSION, compile_sources, find_compiler
from zkml.errors import CircuitError, EnvironmentFault, MalformedArtifact

ROOT = Path(__file__).parents[2]
SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Twice { function twice(uint256 x) external pure returns (uint256) { return 2 * x; } }
"""


def solc(folder: Path, text: str) -> Path:
    """Return an executable called `solc` in a new folder."""
    folder.mkdir()
    path = folder / "solc"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_the_pinned_version_is_that_of_the_lock_file() -> None:
    lock = json.loads((ROOT / "contracts" / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/solc"]["version"] == SOLC_VERSION


def test_foundry_compiles_with_the_same_settings() -> None:
    text = (ROOT / "contracts" / "foundry.toml").read_text()

    def value(name: str) -> str:
        match = re.search(rf"^{name} = (\S+)", text, re.MULTILINE)
        assert match is not None, name
        return match[1].strip('"')

    assert value("evm_version") == SETTINGS["evmVersion"]
    assert value("via_ir") == str(SETTINGS["viaIR"]).lower()
    assert value("optimizer") == str(SETTINGS["optimizer"]["enabled"]).lower()
    assert int(value("optimizer_runs")) == SETTINGS["optimizer"]["runs"]
    assert value("bytecode_hash") == SETTINGS["metadata"]["bytecodeHash"]
    assert value("cbor_metadata") == str(SETTINGS["metadata"]["appendCBOR"]).lower()


def test_a_source_becomes_code_and_interface() -> None:
    twice = compile_sources({"Twice.sol": SOURCE})["Twice"]
    assert [item["name"] for item in twice.abi] == ["twice"]
    assert twice.runtime
    assert twice.runtime in twice.bytecode
    assert twice.sources == ("Twice.sol",)
    assert twice.source_map
    assert twice.compiler.startswith(SOLC_VERSION + "+commit.")


def test_a_source_that_does_not_compile_is_named_with_its_line() -> None:
    with pytest.raises(CircuitError, match=r"Twice\.sol:3") as caught:
        compile_sources({"Twice.sol": SOURCE.replace("2 * x", "2 * y")})
    assert caught.value.exit_code == 3


def test_imports_are_not_read_from_disk() -> None:
    with pytest.raises(CircuitError, match="not found"):
        compile_sources({"A.sol": f'pragma solidity ^0.8.24;\nimport "{ROOT}/contracts/src/IVerifier.sol";\n'})


def test_no_sources_is_malformed() -> None:
    with pytest.raises(MalformedArtifact):
        compile_sources({})


def test_without_a_compiler_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ZKML_SOLC", raising=False)
    monkeypatch.setattr(compiler, "_PACKAGED", tmp_path / "absent")
    with pytest.raises(EnvironmentFault, match="no Solidity compiler") as caught:
        find_compiler()
    assert caught.value.exit_code == 5
    assert SOLC_VERSION in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'Version: 0.8.36+commit.deadbeef.Linux.g++'", "0.8.36"),
        ("echo 'Version: 0.8.370+commit.deadbeef.Linux.g++'", "0.8.370"),
        ("echo hello", "unknown"),
        ("echo 'Version: 0.8.37+commit.deadbeef.Linux.g++'; exit 3", SOLC_VERSION),
    ],
)
def test_a_wrong_compiler_is_refused(script: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_SOLC", str(solc(tmp_path / "bin", script)))
    with pytest.raises(EnvironmentFault, match=re.escape(f"is version {found}")):
        find_compiler()


def test_a_wrong_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.json").write_text('{"version": "0.8.30"}')
    monkeypatch.setenv("ZKML_SOLC", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"0\.8\.30"):
        find_compiler()


def test_a_matching_solc_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = solc(tmp_path / "bin", "echo 'Version: 0.8.37+commit.deadbeef.Linux.g++'")
    monkeypatch.setenv("PATH", f"{path.parent}:/bin:/usr/bin")
    monkeypatch.delenv("ZKML_SOLC", raising=False)
    monkeypatch.setattr(compiler, "_PACKAGED", tmp_path / "absent")
    assert find_compiler().command == (str(path),)


def test_a_compiler_that_answers_nonsense_is_an_environment_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'case "$1" in --version) echo "Version: 0.8.37+commit.deadbeef.Linux.g++";; *) cat >/dev/null; echo "{";; esac'
    monkeypatch.setenv("ZKML_SOLC", str(solc(tmp_path / "bin", script)))
    with pytest.raises(EnvironmentFault, match="nonsense"):
        compile_sources({"Nonsense.sol": SOURCE + "// not seen before"})
