"""`zkml contract deploy`: the verifier on a chain, by CREATE2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from zkml.cli.contract.target import form_option, open_target, rpc_options, target_argument
from zkml.cli.output import command_errors, emit, hint, json_option, say
from zkml.contract.account import find_account, require_account
from zkml.contract.choose import all_forms, cheapest
from zkml.contract.deploy import broadcast, cost_in_wei, ether, merge_records, missing, plan_deployment, record_of
from zkml.contract.deployment import build
from zkml.contract.generate import generate
from zkml.contract.rpc import Rpc
from zkml.contract.sources import FORMS
from zkml.errors import UsageError
from zkml.files import read_json, write_json

RECORD = "deployment.json"
MAX_RECORD_BYTES = 1 << 20


@click.command()
@target_argument
@form_option
@click.option(
    "--rpc-url", envvar="ZKML_RPC_URL", help="The node to ask and to send to (or $ZKML_RPC_URL). Without it: only the plan."
)
@rpc_options
@click.option("--keystore", type=click.Path(path_type=Path, dir_okay=False), help="The account's key. Or $ZKML_PRIVATE_KEY.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Opens the keystore (mode 0600). Or $ZKML_KEYSTORE_PASSWORD.",
)
@click.option("--broadcast", "send", is_flag=True, help="Send the transactions; otherwise nothing is sent.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Where a bare Protocol's deployment is recorded.")
@json_option
@command_errors
def command(
    target: Path,
    form: str,
    rpc_url: str | None,
    chain_id: int | None,
    rpc_timeout: float,
    keystore: Path | None,
    password_file: Path | None,
    send: bool,
    record: Path | None,
    as_json: bool,
) -> None:
    """Say what deploying TARGET's verifier would do: addresses, gas, cost; with --broadcast, do it and record it in the bundle.

    Addresses depend on the contract's bytes alone (CREATE2): the same on every chain, and whoever deploys. What is
    there already is not deployed again. Nothing is sent to another chain than --chain-id. Keys come from a keystore or the
    environment.
    """
    if send and (rpc_url is None or chain_id is None):
        raise UsageError(
            "--broadcast needs --rpc-url and --chain-id: nothing is sent to a chain that was not named", code="which-chain"
        )
    opened = open_target(target)
    if record is None and opened.bundle is None:
        record = opened.path.with_name(RECORD)
    named = next((f for f in FORMS if f == form), None)
    if named is None:
        say("compiling all forms")
        built = cheapest(all_forms(opened.protocol, opened.proof)).built
    else:
        built = build(generate(opened.protocol, named))
    plan = plan_deployment(built, opened.protocol.circuit_id)
    value: dict[str, Any] = {
        "circuit_id": plan.circuit_id,
        "form": plan.form,
        "address": plan.entry,
        "gas": plan.gas,
        "broadcast": send,
        "contracts": [{"name": c.name, "address": c.address, "bytes": len(c.code), "gas": c.gas} for c in plan.contracts],
    }
    there: set[str] = set()
    if rpc_url is not None:
        rpc = Rpc(rpc_url, chain_id, timeout=rpc_timeout)
        todo = missing(plan, rpc)
        there = {c.address for c in plan.contracts} - {c.address for c in todo}
        fee = rpc.fees()[0]
        value |= {"chain_id": rpc.chain_id, "to_deploy": [c.name for c in todo], "cost_wei": str(cost_in_wei(todo, fee))}
        account = require_account(keystore, password_file) if send else find_account(keystore, password_file)
        if account is not None:
            value["account"] = account.address
        cost = ether(cost_in_wei(todo, fee))
        say(f"chain {rpc.chain_id}: {len(todo)} of {len(plan.contracts)} contracts to deploy, at most {cost} ether")
        if send and account is not None:
            sent = broadcast(plan, rpc, account, say)
            value["transactions"] = [s.__dict__ for s in sent]
            done = record_of(plan, rpc.chain_id, sent)
            if opened.bundle is not None:
                with opened.bundle.change() as change:
                    path = change.current("deployment") if change.has("deployment") else None
                    before = read_json(path, what="deployment record", max_bytes=MAX_RECORD_BYTES) if path else None
                    change.write_json("deployment", merge_records(before, done))
                value["record"] = str(opened.bundle.path("deployment"))
            elif record is not None:
                before = read_json(record, what="deployment record", max_bytes=MAX_RECORD_BYTES) if record.exists() else None
                write_json(record, merge_records(before, done))
                value["record"] = str(record)

    def draw(console: Console) -> None:
        table = Table("contract", "address", "bytes", "gas", "", box=None, pad_edge=False)
        for c in plan.contracts:
            state = "already there" if c.address in there else ("deployed" if send else "")
            table.add_row(c.name, c.address, f"{len(c.code):,}", f"{c.gas:,}", state)
        console.print(table)

    emit(value, as_json=as_json, text=draw)
    if not send:
        hint("nothing was sent: --broadcast sends it, with --rpc-url and --chain-id")
