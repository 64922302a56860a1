"""`zkml contract generate`: the verifier's Solidity with what its user needs."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from zkml.bundle import SUFFIX
from zkml.cli.contract.table import advice_of, draw_forms
from zkml.cli.contract.target import Target, form_option, open_target, proof_argument, target_argument
from zkml.cli.output import command_errors, emit, hint, json_option, say
from zkml.contract.choose import all_forms, cheapest
from zkml.contract.compiler import find_compiler, standard_input
from zkml.contract.cost import FormCost, measure
from zkml.contract.deployment import build
from zkml.contract.generate import generate
from zkml.contract.package import deployment, package
from zkml.contract.sources import FORMS, Sources
from zkml.contract.templates import interface_abi
from zkml.errors import EnvironmentFault, UsageError
from zkml.files import disk_errors, write_atomic


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
        say("compiling all forms")
        costs = list(all_forms(target.protocol, target.proof))
        cost = cheapest(costs)
    else:
        cost = measure(target.protocol, build(generate(target.protocol, named)), target.proof)
        costs = [cost]
    return cost.built.sources, cost, costs


def write_folder(out: Path, target: Target, sources: Sources) -> list[str]:
    """Write everything into a new folder and return the names. Without a proof there is no calldata, and there are no tests.

    Raises `UsageError` when the folder holds something.
    """
    proof = target.proof
    if proof is not None:
        package(target.protocol, proof, out, form=sources.form)
    else:
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"{out} exists already", hint="name a new folder, or remove this one", code="exists")
        in_folder = {f"src/{name}": text for name, text in sources.files.items()}
        texts = {
            **in_folder,
            "abi.json": interface_abi(),
            "deployment.json": json.dumps(deployment(target.protocol, sources), indent=2) + "\n",
            "standard-input.json": json.dumps(standard_input(in_folder), indent=1) + "\n",
        }
        with disk_errors(out):
            (out / "src").mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomic(out / name, text.encode())
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


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
    """Write the Solidity verifier of TARGET into a new folder: sources, ABI, deployment order, input for a block explorer.

    With PROOF, or the bundle's own: also its calldata, and a Foundry and a Python test that pass as they are. The table says
    what each form costs; gas is measured with the proof, or without one with a made-up proof.
    """
    opened = open_target(target, proof)
    folder = out or default_out(opened)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} exists already", hint="name a new folder, or remove this one", code="exists")
    sources, cost, costs = chosen_form(opened, form)
    names = write_folder(folder, opened, sources)

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
