"""`zkml job settle`: the proofs of a job onto a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zkml.cli.job.options import settle_options, store_options
from zkml.cli.output import command_errors, emit, hint, json_option, report_error, say
from zkml.contract.account import require_account
from zkml.contract.deploy import ether
from zkml.contract.rpc import Rpc
from zkml.contract.settlement import open_settlement
from zkml.errors import ProofRejected, UsageError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.manage import JobInfo, close_finished, find
from zkml.jobs.settle import READY, REJECTED, SETTLED, Outcome, Settler
from zkml.jobs.tables import FINISHED


def open_settler(
    db: Database,
    artefacts: Artefacts,
    *,
    settlement: str | None,
    rpc_url: str | None,
    chain_id: int | None,
    rpc_timeout: float,
    keystore: Path | None,
    password_file: Path | None,
    batch: int,
    confirmations: int,
    broadcast: bool,
) -> Settler:
    """Return what settles, chain, contract and account checked. Raises `UsageError` when one of them was not named."""
    if settlement is None or rpc_url is None or chain_id is None:
        raise UsageError(
            "settling needs --settlement, --rpc-url and --chain-id: nothing goes to a chain that was not named",
            code="which-chain",
        )
    account = require_account(keystore, password_file)
    rpc = Rpc(rpc_url, chain_id, timeout=rpc_timeout)
    contract = open_settlement(rpc, settlement, account.address)
    return Settler(db, artefacts, contract, account, batch=batch, confirmations=confirmations, send=broadcast, report=say)


def described(settler: Settler, job: JobInfo, outcome: Outcome) -> dict[str, Any]:
    """Return what a run did as data."""
    contract = settler.contract
    where = {"chain_id": contract.rpc.chain_id, "settlement": contract.address, "router": contract.router}
    who = {"requester": contract.requester, "broadcast": settler.send}
    cost = {} if settler.send else {"cost_wei": str(outcome.gas * contract.rpc.fees()[0])}
    return {"job": job.id, "circuit_id": job.circuit_id} | where | who | outcome.as_dict() | cost


def summary(value: dict[str, Any]) -> str:
    """Return what a run did in a line, for people."""
    counts = ", ".join(f"{value[state]} {state}" for state in (SETTLED, READY, REJECTED) if value[state] or state == SETTLED)
    if value["broadcast"]:
        return f"{counts}; {value['proofs_sent']} sent now in {len(value['transactions'])} transactions, {value['gas']:,} gas"
    return f"{counts}; {value['gas']:,} gas, at most {ether(int(value['cost_wei']))} ether"


def end(value: dict[str, Any]) -> None:
    """Say what is left; exit with status 1 when the contract rejects a proof."""
    if value[READY]:
        hint("nothing was sent: --broadcast sends it")
    if value[REJECTED]:
        rejected = ProofRejected(
            f"the contract rejects {value[REJECTED]} of {len(value['items'])} proofs",
            hint="is the verifier that is registered the one of this bundle? `zkml verify` says whether the proofs hold",
            code="settlement-rejected",
        )
        report_error(rejected, as_json=False)
        raise SystemExit(rejected.exit_code)


@click.command()
@click.argument("job")
@click.option("--partial", is_flag=True, help="Settle what there is of a job under way.")
@settle_options
@store_options
@json_option
@command_errors
def command(job: str, partial: bool, db_url: str | None, store_url: str | None, as_json: bool, **settling: Any) -> None:
    """Settle the proofs of JOB through the contract InferenceSettlement, each once, several in a transaction.

    Without --broadcast nothing is sent: it says what is settled, what would be, and for how much. The same command again, after
    a kill too, sends only what the contract has not settled. A proof that the contract rejects holds no other up; exit status 1
    then.
    """
    db, artefacts = Database(db_url, on_wait=say), Artefacts(store_url)
    close_finished(db)
    found = find(db, job)
    if found.state != FINISHED and not partial:
        raise UsageError(
            f"job {found.id} is {found.state}, not finished",
            hint="wait for its end (`zkml job status`), or settle what there is with --partial",
            code="not-finished",
        )
    settler = open_settler(db, artefacts, **settling)
    value = described(settler, found, settler.run(found))
    emit(value, as_json=as_json, text=summary(value))
    end(value)
