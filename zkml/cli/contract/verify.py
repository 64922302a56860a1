"""`zkml contract verify`: the contract's verdict on a proof, on a chain or in the machine here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from zkml.cli.contract.deploy import MAX_RECORD_BYTES, RECORD
from zkml.cli.contract.target import Target, form_option, open_target, proof_argument, rpc_options, target_argument
from zkml.cli.output import command_errors, emit, json_option, say
from zkml.cli.verify import EXIT
from zkml.contract.account import require_account
from zkml.contract.calldata import calldata
from zkml.contract.choose import taken
from zkml.contract.deploy import SPARE, recorded_address, require_funds, send_transaction
from zkml.contract.deployment import build, install
from zkml.contract.evm import Evm
from zkml.contract.generate import generate
from zkml.contract.interface import CIRCUIT_ID, encode_call, verdict_of
from zkml.contract.rpc import Rpc, lies, require_answer
from zkml.contract.sources import FORMS
from zkml.errors import MalformedArtifact, MismatchedArtifacts, UsageError
from zkml.files import read_json
from zkml.verdict import Verdict
from zkml.verifier.transcript import keccak256


def call_of(target: Target) -> bytes:
    """Return the calldata of the proof, of whatever shape it is: the contract must say what is wrong with it."""
    proof = target.require_proof()
    try:
        return calldata(target.protocol, proof)
    except MalformedArtifact as e:
        say(f"{e.message}: asking the contract all the same")
        return encode_call(proof.proof, [v for column in proof.instances for v in column])


def here(target: Target, form: str, data: bytes) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict of the contract in the machine here, with facts."""
    named = next((f for f in FORMS if f == form), None)
    built = taken(target.protocol) if named is None else build(generate(target.protocol, named))
    evm = Evm()
    verified = evm.verify(install(built, evm).entry, data)
    return verified.verdict, {"where_run": "in process", "form": built.sources.form, "gas": verified.gas}


def place(target: Target, address: str | None, rpc: Rpc) -> tuple[str, str | None]:
    """Return the verifier's address, and its code hash when it comes from a record."""
    if address is not None:
        return address, None
    if target.bundle is not None:
        target.bundle.require("deployment")
        path = target.bundle.path("deployment")
    else:
        path = target.path.with_name(RECORD)
        if not path.is_file():
            raise UsageError("where is the verifier?", hint="--address, or deploy it first", code="no-address")
    record = read_json(path, what="deployment record", max_bytes=MAX_RECORD_BYTES)
    return recorded_address(record, rpc.chain_id, target.protocol.circuit_id)


def on_chain(target: Target, address: str | None, rpc: Rpc, data: bytes) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict of the deployed contract, with facts. Raises `MismatchedArtifacts` when it is another circuit's."""
    where, code_hash = place(target, address, rpc)
    code = rpc.code(where)
    if not code:
        raise MismatchedArtifacts(f"there is no contract at {where} on chain {rpc.chain_id}", code="no-contract")
    if code_hash is not None and "0x" + keccak256(code).hex() != code_hash:
        raise lies(f"the code at {where} is not the one that was recorded", address=where)
    found = require_answer(rpc.call(where, CIRCUIT_ID), "circuitId()").hex()
    if found != target.protocol.circuit_id:
        raise MismatchedArtifacts(
            f"the contract at {where} verifies circuit {found}, not {target.protocol.circuit_id}",
            hint="deploy this circuit's verifier, or name its --address",
            code="circuit-id",
        )
    called = rpc.call(where, data)
    verdict = verdict_of(called.success, called.output, target.protocol.circuit_id)
    return verdict, {"where_run": f"chain {rpc.chain_id}", "address": where, "chain_id": rpc.chain_id, "gas": called.gas or None}


@click.command()
@target_argument
@proof_argument
@form_option
@click.option(
    "--rpc-url", envvar="ZKML_RPC_URL", help="The node to ask (or $ZKML_RPC_URL). Without it the contract runs in process."
)
@rpc_options
@click.option("--address", help="The verifier's address. Default: the bundle's record.")
@click.option("--broadcast", is_flag=True, help="Also send the call as a transaction, from the account of --keystore.")
@click.option("--keystore", type=click.Path(path_type=Path, dir_okay=False), help="The account's key. Or $ZKML_PRIVATE_KEY.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Opens the keystore (mode 0600). Or $ZKML_KEYSTORE_PASSWORD.",
)
@json_option
@command_errors
def command(
    target: Path,
    proof: Path | None,
    form: str,
    rpc_url: str | None,
    chain_id: int | None,
    rpc_timeout: float,
    address: str | None,
    broadcast: bool,
    keystore: Path | None,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Ask the contract whether PROOF (by default the bundle's) holds: verdict, gas, and the reason of a revert.

    Exit 0 accepted, 1 rejected, 3 malformed; 6 when the node does not answer, or answers nonsense.
    """
    opened = open_target(target, proof)
    data = call_of(opened)
    if rpc_url is None:
        if address is not None or broadcast:
            raise UsageError("--address and --broadcast need --rpc-url", code="no-rpc")
        verdict, facts = here(opened, form, data)
    else:
        if broadcast and chain_id is None:
            raise UsageError("--broadcast needs --chain-id: nothing is sent to a chain that was not named", code="which-chain")
        rpc = Rpc(rpc_url, chain_id, timeout=rpc_timeout)
        verdict, facts = on_chain(opened, address, rpc, data)
        if broadcast and verdict.accepted:
            account = require_account(keystore, password_file)
            fees, most = rpc.fees(), round(int(facts["gas"]) * SPARE)
            require_funds(rpc, account.address, most * fees[0])
            transaction = send_transaction(rpc, account, str(facts["address"]), data, most, fees)
            receipt = rpc.receipt(transaction)
            facts |= {"transaction": transaction, "block": receipt.block, "gas": receipt.gas, "mined": receipt.success}
    value = verdict.as_dict() | {"circuit_id": opened.protocol.circuit_id} | facts

    def draw(console: Console) -> None:
        console.print(f"[{'green' if verdict.accepted else 'red'}]{verdict.outcome}[/]")
        table = Table(box=None, show_header=False, pad_edge=False)
        for name in ("circuit_id", "where", "reason", "where_run", "form", "address", "gas", "transaction"):
            if value.get(name) is not None:
                shown = value[name]
                table.add_row(name.replace("_", " "), f"{shown:,}" if isinstance(shown, int) else str(shown))
        console.print(table)

    emit(value, as_json=as_json, text=draw)
    raise SystemExit(EXIT[verdict.outcome])
