"""End to end on a local chain: deployed, recorded, called; four circuits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from tests.contract.conftest import CHAIN_ID, KEY, POOR_KEY, Anvil
from tests.vectors import read
from zkml.bundle import Bundle
from zkml.cli import cli
from zkml.protocol import Proof
from zkml.protocol.proof import proof_to_data

FORMS = {"two_layers_relu": "single", "softmax": "split", "argmax": "parts", "simulated_three_phases": "universal"}
"""Four circuits, each in another form."""

INVERSION_IN_OSAKA = 4048 - 1349
"""What the one call of MODEXP costs more in the chain's fork (EIP-7883) than in the machine's."""

Run = Callable[..., Result]


@pytest.fixture
def run(anvil: Anvil) -> Run:
    """Return a function that runs `zkml contract … --json` with a funded account, unless its environment says otherwise."""

    def call(*arguments: str | Path, key: str | None = KEY, url: str | None = anvil.url) -> Result:
        environment = {"ZKML_RPC_URL": url, "ZKML_PRIVATE_KEY": key, "ZKML_KEYSTORE_PASSWORD": None}
        return CliRunner().invoke(cli, ["contract", *map(str, arguments), "--json"], env=environment)

    return call


def folder_of(kind: str, tmp_path: Path) -> Path:
    """Return a folder with the Protocol and the proof of a vector, in which a deployment can be recorded."""
    folder = tmp_path / kind
    folder.mkdir()
    (folder / "protocol.json").write_bytes(read.protocol_bytes(kind))
    (folder / "proof.json").write_bytes(read.proof_bytes(kind))
    return folder


def value(result: Result, exit_code: int = 0) -> dict[str, Any]:
    assert result.exit_code == exit_code, (result.stdout, result.stderr, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_a_circuit_is_deployed_recorded_and_verified(kind: str, run: Run, tmp_path: Path) -> None:
    folder = folder_of(kind, tmp_path)
    protocol, proof = folder / "protocol.json", folder / "proof.json"
    options = ["--chain-id", str(CHAIN_ID)]
    planned = value(run("deploy", protocol, "--form", FORMS[kind], *options))
    assert not planned["broadcast"]
    assert not (folder / "deployment.json").exists()

    deployed = value(run("deploy", protocol, "--form", FORMS[kind], *options, "--broadcast"))
    assert deployed["address"] == planned["address"]
    assert [t["contract"] for t in deployed["transactions"]] == planned["to_deploy"]
    record = json.loads((folder / "deployment.json").read_text())["chains"][str(CHAIN_ID)]
    assert record["address"] == planned["address"]
    paid = {c["name"]: c["gas"] for c in record["contracts"] if c["name"] in planned["to_deploy"]}
    assert paid == {c["name"]: c["gas"] for c in planned["contracts"] if c["name"] in paid}
    assert all(c["transaction"] for c in record["contracts"] if c["name"] in paid)

    again = value(run("deploy", protocol, "--form", FORMS[kind], *options, "--broadcast"))
    assert again["transactions"] == []
    kept = json.loads((folder / "deployment.json").read_text())["chains"][str(CHAIN_ID)]
    assert kept == record

    accepted = value(run("verify", protocol, proof, *options))
    assert accepted["outcome"] == "accepted"
    mined = value(run("verify", protocol, proof, *options, "--broadcast"))
    assert mined["mined"]
    assert 21_000 < mined["gas"] <= accepted["gas"]
    here = value(run("verify", protocol, proof, "--form", FORMS[kind], url=None))
    assert mined["gas"] == here["gas"] + INVERSION_IN_OSAKA

    good = read.proof(kind)
    wrong = Proof(good.instances, good.proof[:-64] + good.proof[:64])  # another point of the curve
    proof.write_text(json.dumps(proof_to_data(wrong)))
    assert value(run("verify", protocol, proof, *options), 1)["outcome"] == "rejected"
    proof.write_text(json.dumps(proof_to_data(Proof(good.instances, b"\xff" + good.proof[1:]))))
    malformed = value(run("verify", protocol, proof, *options), 3)
    assert (malformed["outcome"], malformed["where"], malformed["reason"]) == ("malformed", "proof[0]", "MalformedProof(0)")
    proof.write_text(json.dumps(proof_to_data(Proof(good.instances, good.proof[:-1]))))
    assert value(run("verify", protocol, proof, *options), 3)["reason"] == f"MalformedProof({len(good.proof) - 1})"


def test_a_bundle_keeps_the_record_of_its_deployment(run: Run, tmp_path: Path) -> None:
    bundle = Bundle.create(tmp_path / "model.zkml")
    with bundle.change() as change:
        change.write("protocol", read.protocol_bytes("linear"))
        change.write("proof", read.proof_bytes("linear"))
    options = ["--chain-id", str(CHAIN_ID)]
    assert value(run("verify", bundle.folder, *options), 5)["code"] == "not-made-yet"
    deployed = value(run("deploy", bundle.folder, "--form", "single", *options, "--broadcast"))
    assert Bundle.open(bundle.folder).verify() == []
    verified = value(run("verify", bundle.folder, *options))
    assert (verified["outcome"], verified["address"]) == ("accepted", deployed["address"])

    record = json.loads((bundle.folder / "deployment.json").read_text())
    record["chains"][str(CHAIN_ID)]["contracts"][-1]["code_hash"] = "0x" + "00" * 32
    with bundle.change() as change:
        change.write_json("deployment", record)
    assert value(run("verify", bundle.folder, *options), 6)["code"] == "rpc-lies"

    with bundle.change() as change:
        change.write("protocol", read.protocol_bytes("linear_private"))
    assert value(run("verify", bundle.folder, *options), 3)["code"] == "stale"


def test_a_keystore_pays(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    keystore.write_text(json.dumps(Account.encrypt(bytes.fromhex(KEY[2:]), "secret", kdf="pbkdf2", iterations=1000)))
    password.write_text("secret\n")
    password.chmod(0o600)
    arguments = ["deploy", folder / "protocol.json", "--form", "single", "--chain-id", str(CHAIN_ID), "--broadcast"]
    done = value(run(*arguments, "--keystore", keystore, "--password-file", password, key=None))
    assert done["account"] == Account.from_key(KEY).address


def test_a_proof_of_another_circuit_is_refused_by_the_circuit_id(run: Run, tmp_path: Path) -> None:
    one = folder_of("two_layers_relu", tmp_path)
    options = ["--chain-id", str(CHAIN_ID)]
    address = value(run("deploy", one / "protocol.json", "--form", "single", *options, "--broadcast"))["address"]
    other = folder_of("linear", tmp_path)
    answer = value(run("verify", other / "protocol.json", other / "proof.json", *options, "--address", address), 3)
    assert answer["code"] == "circuit-id"


def test_an_address_without_a_contract_is_named(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    answer = value(run("verify", folder / "protocol.json", folder / "proof.json", "--address", "0x" + "ab" * 20), 3)
    assert answer["code"] == "no-contract"


def test_a_bad_checksum_is_no_address(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    address = "0x4E59b44847b379578588920cA78FbF26c0B4956C"
    assert value(run("verify", folder / "protocol.json", folder / "proof.json", "--address", address), 2)["code"] == "address"


def test_a_circuit_that_was_not_deployed_is_named(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    assert value(run("verify", folder / "protocol.json", folder / "proof.json"), 2)["code"] == "no-address"
    (folder / "deployment.json").write_text('{"version": 1, "chains": {}}')
    assert value(run("verify", folder / "protocol.json", folder / "proof.json"), 3)["code"] == "not-deployed"


def test_nothing_is_sent_to_a_chain_that_was_not_named(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    assert value(run("deploy", folder / "protocol.json", "--form", "single", "--broadcast"), 2)["code"] == "which-chain"
    wrong = run("deploy", folder / "protocol.json", "--form", "single", "--broadcast", "--chain-id", "1")
    assert value(wrong, 6)["code"] == "chain-id"


def test_an_account_without_funds_is_named_and_nothing_is_sent(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear_private", tmp_path)
    arguments = ["deploy", folder / "protocol.json", "--form", "single", "--chain-id", str(CHAIN_ID), "--broadcast"]
    answer = value(run(*arguments, key=POOR_KEY), 4)
    assert answer["code"] == "funds"
    assert not (folder / "deployment.json").exists()


def test_without_an_account_nothing_is_sent(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear_private", tmp_path)
    arguments = ["deploy", folder / "protocol.json", "--form", "single", "--chain-id", str(CHAIN_ID), "--broadcast"]
    assert value(run(*arguments, key=None), 5)["code"] == "no-account"


def test_the_key_is_never_printed(run: Run, tmp_path: Path) -> None:
    folder = folder_of("linear", tmp_path)
    good = run("deploy", folder / "protocol.json", "--form", "single", "--chain-id", str(CHAIN_ID), "--broadcast")
    bad = run("deploy", folder / "protocol.json", "--form", "single", "--chain-id", str(CHAIN_ID), key=KEY + "00")
    assert (good.exit_code, bad.exit_code) == (0, 2)
    for result in (good, bad):
        assert KEY[2:].lower() not in (result.stdout + result.stderr).lower()
