"""`zkml contract generate`: the verifier's Solidity with what its user needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from zkml.bundle import SUFFIX
from zkml.cli.contract.table import advice_of, draw_forms
from zkml.cli.contract.target import Target, form_option, open_target, proof_argument, target_argument
from zkml.cli.output import command_errors, emit, hint, json_option, say
from zkml.contract.calldata import calldata
from zkml.contract.choose import all_forms, cheapest
from zkml.contract.compiler import find_compiler, standard_input
from zkml.contract.cost import FormCost, measure
from zkml.contract.deployment import build
from zkml.contract.generate import generate
from zkml.contract.sources import FORMS, Sources
from zkml.errors import EnvironmentFault, UsageError
from zkml.files import disk_errors, write_atomic, write_json


def default_out(target: Target) -> Path:
    """Return `NAME-contract` beside the bundle or the Protocol."""
    name = target.path.name.removesuffix(SUFFIX) if target.bundle else target.path.stem
    return target.path.parent / f"{name}-contract"


def chosen_form(target: Target, form: str) -> tuple[Sources, FormCost | None, list[FormCost]]:
    """Return the sources of a form, its cost, and those of all that were measured.

    Without a compiler a form that was named is generated and not measured; `auto` raises `EnvironmentFault`.
    """
    named = next((f for f in FORMS if f == form), None)
    try:
        find_compiler()
    except EnvironmentFault as e:
        if named is None:
            raise EnvironmentFault(e.message, hint=f"--form single needs none; {e.hint}", code=e.code) from e
        say(f"not measured: {e.message}")
        return generate(target.protocol, named), None, []
    if named is None:
        say("compiling three forms")
        costs = list(all_forms(target.protocol, target.proof))
        cost = cheapest(costs)
    else:
        cost = measure(target.protocol, build(generate(target.protocol, named)), target.proof)
        costs = [cost]
    return cost.built.sources, cost, costs


def write_folder(out: Path, target: Target, sources: Sources, cost: FormCost | None) -> list[str]:
    """Write everything into the folder and return the names, in the order in which they are worth reading."""
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    texts = {name: text.encode() for name, text in sources.files.items()}
    proof = target.proof
    if proof is not None:
        texts["calldata.hex"] = ("0x" + calldata(target.protocol, proof).hex() + "\n").encode()
    if cost is not None:
        texts["abi.json"] = (json.dumps(list(cost.built.compiled[-1].abi), indent=2) + "\n").encode()
    for name, data in texts.items():
        write_atomic(out / name, data)
    write_json(out / "standard-input.json", standard_input(sources.files))
    description: dict[str, Any] = {
        "circuit_id": target.protocol.circuit_id,
        "form": sources.form,
        "entry": sources.entry,
        "deploy": [{"file": d.file, "contract": d.contract, "shared": d.shared} for d in sources.deployables],
        "cost": cost.as_dict() if cost else None,
    }
    write_json(out / "contract.json", description)
    return [*texts, "standard-input.json", "contract.json"]


@click.command()
@target_argument
@proof_argument
@form_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to write. Default: NAME-contract beside TARGET."
)
@json_option
@command_errors
def command(target: Path, proof: Path | None, form: str, out: Path | None, as_json: bool) -> None:
    """Write the Solidity verifier of TARGET: sources, ABI, input for a block explorer, and the calldata of PROOF if there is one.

    The table says what each form costs; gas is measured with the proof, or without one with a made-up proof.
    """
    opened = open_target(target, proof)
    folder = out or default_out(opened)
    if folder.exists() and any(folder.iterdir()) and not (folder / "contract.json").is_file():
        raise UsageError(f"{folder} holds something else", hint="choose another --out", code="not-ours")
    sources, cost, costs = chosen_form(opened, form)
    names = write_folder(folder, opened, sources, cost)

    def draw(console: Console) -> None:
        if costs:
            draw_forms(console, costs, cost)
        console.print(f"{folder}: {', '.join(names)}")

    value = {
        "circuit_id": opened.protocol.circuit_id,
        "form": sources.form,
        "out": str(folder),
        "files": names,
        "forms": [c.as_dict() for c in costs],
    }
    emit(value, as_json=as_json, text=draw)
    if advice := advice_of(costs):
        hint(advice)
    if cost is not None and not cost.fits:
        hint(f"the {cost.form} form is larger than a chain takes: --form auto takes one that fits")
