"""`zkml contract calldata`: a proof as the call of verifyProof."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.cli.contract.target import open_target, proof_argument, target_argument
from zkml.cli.output import command_errors, emit, json_option
from zkml.contract.calldata import calldata
from zkml.contract.split import calldata_gas


@click.command()
@target_argument
@proof_argument
@json_option
@command_errors
def command(target: Path, proof: Path | None, as_json: bool) -> None:
    """Print the calldata that shows PROOF (by default the bundle's) to a verifier: EZKL's contracts take the same bytes."""
    opened = open_target(target, proof)
    shown = opened.require_proof()
    data = calldata(opened.protocol, shown)
    value = {
        "circuit_id": opened.protocol.circuit_id,
        "calldata": "0x" + data.hex(),
        "bytes": len(data),
        "gas": calldata_gas(data),
        "proof": "0x" + shown.proof.hex(),
        "instances": [str(v) for column in shown.instances for v in column],
    }
    emit(value, as_json=as_json, text="0x" + data.hex())
