"""`zkml contract` without a chain: generate, compile, gas, calldata, and the contract's verdict in process."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.vectors import read
from zkml.cli import cli
from zkml.contract import calldata, evm, generate
from zkml.contract.choose import all_forms, cheapest, taken
from zkml.contract.cost import measure
from zkml.contract.deployment import build
from zkml.contract.evm import CODE_LIMIT
from zkml.contract.parts import parts
from zkml.errors import InfeasibleError

KIND = "simulated_three_phases"
generator = import_module("zkml.contract.generate")


def run(*arguments: str | Path, **environment: str | None) -> Result:
    return CliRunner().invoke(cli, ["contract", *map(str, arguments)], env={"ZKML_RPC_URL": None} | environment)


def value(result: Result, exit_code: int = 0) -> dict[str, Any]:
    assert result.exit_code == exit_code, (result.stdout, result.stderr, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a Protocol and a proof of it."""
    protocol, proof = tmp_path / "protocol.json", tmp_path / "proof.json"
    protocol.write_bytes(read.protocol_bytes(KIND))
    proof.write_bytes(read.proof_bytes(KIND))
    return protocol, proof


def test_auto_takes_the_cheapest_form_and_tells_what_all_cost(files: tuple[Path, Path], tmp_path: Path) -> None:
    made = value(run("generate", *files, "--out", tmp_path / "out", "--json"))
    costs = {c["form"]: c for c in made["forms"]}
    assert set(costs) == {"single", "split", "parts", "universal"}
    cheapest = min(costs.values(), key=lambda c: c["verification_gas"])
    assert made["form"] == cheapest["form"] == "single"
    for cost in costs.values():
        assert sum(cost["parts"].values()) == cost["verification_gas"]
        assert cost["parts"]["pairing"] > 113_000
        assert cost["code_bytes"] <= CODE_LIMIT
        assert cost["measured_with"] == "proof"
    assert {"src/Verifier.sol", "src/IVerifier.sol", "abi.json", "calldata.hex", "standard-input.json"} <= set(made["files"])

    compiled = value(run("compile", tmp_path / "out", "--json"))
    assert compiled["contracts"]["Verifier"]["bytes"] == costs["single"]["code_bytes"]
    artifact = json.loads(Path(compiled["contracts"]["Verifier"]["artifact"]).read_text())
    assert {item["name"] for item in artifact["abi"] if item["type"] == "function"} == {
        "circuitId",
        "instanceCount",
        "verifyProof",
    }

    again = run("generate", *files, "--out", tmp_path / "out", "--json")
    assert value(again, 2)["code"] == "exists"


def test_auto_leaves_out_what_does_not_fit() -> None:
    costs = all_forms(read.protocol(KIND), read.proof(KIND))
    too_large = replace(costs[0].contracts[-1], code_bytes=CODE_LIMIT + 1)
    single = replace(costs[0], contracts=(too_large,))
    assert cheapest(costs).form == "single"
    assert cheapest([single, *costs[1:]]).form == "split"
    with pytest.raises(InfeasibleError, match=f"single {CODE_LIMIT + 1}") as caught:
        cheapest([single])
    assert caught.value.exit_code == 4


def test_what_is_taken_without_measuring_all_is_what_auto_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = read.protocol(KIND)
    costs = all_forms(protocol)
    assert taken(protocol).sources.form == cheapest(costs).form == "single"
    monkeypatch.setattr(evm, "CODE_LIMIT", costs[0].code_bytes - 1)
    assert not costs[0].fits
    assert taken(protocol).sources.form == cheapest(costs).form != "single"


def test_gates_of_several_parts_are_not_compiled_into_one_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "parts", lambda planned: parts(planned, 800))
    assert taken(read.protocol(KIND)).sources.form == "parts"


def test_many_public_values_come_with_advice() -> None:
    cost = measure(read.protocol(KIND), build(generate(read.protocol(KIND), "single")), read.proof(KIND))
    assert cost.advice is None
    many = replace(cost, split=replace(cost.split, instances=cost.verification_gas // 2))
    assert many.advice is not None
    assert "hashed" in many.advice


def test_a_made_up_proof_costs_what_a_real_one_does(files: tuple[Path, Path], tmp_path: Path) -> None:
    protocol, proof = files
    real = value(run("generate", protocol, proof, "--form", "single", "--out", tmp_path / "a", "--json"))["forms"][0]
    made_up = value(run("generate", protocol, "--form", "single", "--out", tmp_path / "b", "--json"))["forms"][0]
    assert made_up["measured_with"] == "made-up proof"
    assert made_up["verification_gas"] == pytest.approx(real["verification_gas"], rel=0.02)
    assert not (tmp_path / "b" / "calldata.hex").exists()


def test_generating_a_named_form_needs_no_compiler(files: tuple[Path, Path], tmp_path: Path) -> None:
    nowhere = str(tmp_path / "absent")
    made = run("generate", *files, "--form", "single", "--out", tmp_path / "out", "--json", ZKML_SOLC=nowhere)
    assert value(made)["forms"] == []
    assert (tmp_path / "out" / "src" / "Verifier.sol").is_file()
    auto = run("generate", *files, "--out", tmp_path / "other", "--json", ZKML_SOLC=nowhere)
    assert value(auto, 5)["code"] == "no-solc"
    assert not (tmp_path / "other").exists()


def test_calldata_is_what_the_contract_takes(files: tuple[Path, Path]) -> None:
    plain = run("calldata", *files)
    assert plain.stdout == "0x" + calldata(read.protocol(KIND), read.proof(KIND)).hex() + "\n"
    assert value(run("calldata", *files, "--json"))["bytes"] == (len(plain.stdout) - 3) // 2


def test_a_protocol_alone_has_no_calldata(files: tuple[Path, Path]) -> None:
    assert value(run("calldata", files[0], "--json"), 2)["code"] == "no-proof"


@pytest.mark.parametrize(("change", "exit_code", "outcome"), [(0, 0, "accepted"), (1, 1, "rejected"), (-1, 3, "malformed")])
def test_the_contract_s_verdict_in_process(files: tuple[Path, Path], change: int, exit_code: int, outcome: str) -> None:
    protocol, proof = files
    data = json.loads(proof.read_text())
    body = bytes(data["proof"])
    if change == 1:
        body = body[:-64] + body[:64]
    elif change == -1:
        body = body[:-1]
    proof.write_text(json.dumps({"instances": data["instances"], "proof": list(body)}))
    answer = value(run("verify", protocol, proof, "--form", "single", "--json"), exit_code)
    assert answer["outcome"] == outcome


def test_a_source_that_was_broken_exits_3_with_its_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    value(run("generate", *files, "--form", "single", "--out", tmp_path / "out", "--json"))
    source = tmp_path / "out" / "src" / "Verifier.sol"
    source.write_text(source.read_text().replace("external pure returns (bytes32)", "external pure returns (bytes33)", 1))
    answer = value(run("compile", tmp_path / "out", "--json"), 3)
    assert answer["code"] == "solidity"
    assert "Verifier.sol" in answer["message"]


def test_a_wrong_compiler_exits_5(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"version": "0.8.19"}')
    answer = value(run("gas", *files, "--json", ZKML_SOLC=str(tmp_path)), 5)
    assert answer["code"] == "solc-version"
    assert "0.8.19" in answer["message"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", "null"])
def test_what_is_no_protocol_is_malformed(text: str, tmp_path: Path) -> None:
    bad = tmp_path / "protocol.json"
    bad.write_text(text)
    assert run("gas", bad, "--json").exit_code == 3


def test_a_proof_of_another_circuit_gets_no_calldata(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(read.proof_bytes("linear"))
    assert value(run("calldata", files[0], other, "--json"), 3)["code"] == "calldata"


@pytest.mark.parametrize("command", ["generate", "compile", "gas", "calldata", "deploy", "verify"])
def test_help_is_there(command: str) -> None:
    assert run(command, "--help").exit_code == 0
