"""`zkml contract gas`: what each form costs, measured in an EVM."""

from __future__ import annotations

from pathlib import Path

import click

from zkml.cli.contract.table import advice_of, draw_forms
from zkml.cli.contract.target import open_target, proof_argument, target_argument
from zkml.cli.output import command_errors, emit, hint, json_option, say
from zkml.contract.choose import all_forms, cheapest


@click.command()
@target_argument
@proof_argument
@json_option
@command_errors
def command(target: Path, proof: Path | None, as_json: bool) -> None:
    """Compile every form of TARGET's verifier and measure code, deployment and verification, split by part.

    Measured with PROOF or the bundle's proof; without one, with a made-up proof that walks all steps. Gas is that of a
    transaction: 21,000, calldata, execution.
    """
    opened = open_target(target, proof)
    say("compiling all forms")
    costs = all_forms(opened.protocol, opened.proof)
    chosen = cheapest(costs)
    value = {"circuit_id": opened.protocol.circuit_id, "auto": chosen.form, "forms": [c.as_dict() for c in costs]}
    emit(value, as_json=as_json, text=lambda console: draw_forms(console, costs, chosen))
    if advice := advice_of(costs):
        hint(advice)
