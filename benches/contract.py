"""What verification costs on a chain: every form of our contract beside the one that EZKL generates, in one EVM.

    python -m benches.contract measure [KIND_OR_FOLDER …] [--group NAME] [--log FILE.jsonl] [--no-ezkl] [--no-verdicts] [--again]
    python -m benches.contract page [--log FILE.jsonl] [--out FOLDER]

A folder holds `protocol.json` and `proof.json`, and `settings.json` and `vk.key` for EZKL's side (a bundle does); a KIND is one
of `tests/vectors/verify`, all of which are taken when nothing is named. Circuits whose contracts the log has already are left
out. The form that `auto` takes, and of a small circuit every form that fits, is also asked for its verdict on the proof with
each word of the calldata changed, 200 times at least, and the Rust verifier with it: a difference ends the run. Both sides have
the pinned compiler with one set of settings, the same calldata, the same machine. The limit of code is lifted to measure what
could not be deployed. The formula is that of a verifier of this kind at its best:

    21,000 + 15.25 a byte of calldata + 113,000 (pairing) + 6,350 a commitment opened, and 8 % on top
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from benches.contract_page import gas_page, verdicts_page
from benches.verify import VECTORS, reduced_srs
from tests.contract.every_word import assert_same_verdicts, rounds_for, words_of
from tests.contract.verdicts import Contract
from tests.verifier import shared_cases
from zkml.checking import read_protocol
from zkml.contract.calldata import calldata
from zkml.contract.choose import all_forms, cheapest
from zkml.contract.compiler import compile_sources
from zkml.contract.cost import FormCost
from zkml.contract.evm import NO_LIMIT, Evm
from zkml.contract.generate import generate
from zkml.contract.plan import plan
from zkml.contract.sources import FORMS
from zkml.errors import InfeasibleError, ZkmlError
from zkml.files import write_atomic
from zkml.protocol import Proof, Protocol, read_proof

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "docs" / "gas.jsonl"
GROUPS = ("zoo", "vectors", "EZKL's examples", "EZKL's fixtures")
"""Where circuits are from, in the order of the pages."""
UNREACHABLE = "http://127.0.0.1:9"

SMALL = 400
"""Words of the calldata up to which every form is asked for its verdicts, not only the one that is taken."""

EZKL_CHILD = """
import asyncio, sys
import ezkl
folder, srs, out = sys.argv[1:]
async def main():
    await ezkl.create_evm_verifier(f"{folder}/vk.key", f"{folder}/settings.json", f"{out}/v.sol", f"{out}/v.abi", srs, False)
asyncio.run(main())
"""
"""EZKL writes the Solidity and then looks for a compiler in the network, which it must not find: ours compiles."""


def formula(protocol: Protocol, data: bytes) -> float:
    """Return the gas of the formula; commitments are the distinct points that the opening folds, pieces of h included."""
    points = {point for s in plan(protocol).openings.sets for member in s.members for point in member.points}
    return 1.08 * (21_000 + 15.25 * len(data) + 113_000 + 6_350 * len(points))


def ezkl_contract(folder: Path, protocol: Protocol, data: bytes) -> dict[str, Any] | None:
    """Return size and gas of EZKL's contract for a circuit, None where the folder has no EZKL files."""
    if not (folder / "vk.key").is_file() or not (folder / "settings.json").is_file():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        srs = Path(scratch) / "reduced.srs"
        reduced_srs(protocol, srs)
        environment = os.environ | {"HOME": scratch, "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE}
        command = [sys.executable, "-c", EZKL_CHILD, str(folder.resolve()), str(srs), scratch]
        done = subprocess.run(command, env=environment, cwd=scratch, capture_output=True, text=True, check=False)
        source = Path(scratch) / "v.sol"
        if not source.is_file():
            return {"error": (done.stderr.strip() or "no contract").splitlines()[-1][:200]}
        text = source.read_text()
    try:
        contracts = [c for c in compile_sources({"v.sol": text}).values() if c.runtime]
    except ZkmlError as e:
        return {"error": e.message[:200]}
    (contract,) = contracts
    evm = Evm(code_limit=NO_LIMIT)
    deployed = evm.deploy(contract.bytecode)
    called = evm.call(deployed.address, data)
    accepted = called.success and int.from_bytes(called.output, "big") == 1
    return {"bytes": deployed.code_bytes, "deployment": deployed.gas, "verification": called.gas, "accepts": accepted}


def protocol_of(folder: Path) -> Protocol:
    """Return the circuit's Protocol, for EZKL's own fixtures that of their key."""
    return shared_cases.protocol(folder.name) if folder.parent == shared_cases.CASES else read_protocol(folder / "protocol.json")


def generator_digests(protocol: Protocol) -> dict[str, str]:
    """Return a digest of what is generated for a circuit in each form; a form that it is too large for has none."""
    digests: dict[str, str] = {}
    for form in FORMS:
        with suppress(InfeasibleError):
            files = sorted(generate(protocol, form).files.items())
            digests[form] = sha256(json.dumps(files).encode()).hexdigest()[:16]
    return digests


def verdicts_of(cost: FormCost, protocol: Protocol, proof: Proof) -> dict[str, int]:
    """Return how often a form gave each verdict on changed words. Raises `AssertionError` where Rust gives another."""
    compiled = {c.name: c for c in cost.built.compiled}
    contract = Contract(protocol, cost.built.sources, compiled)
    return dict(sorted(assert_same_verdicts(contract, proof, rounds_for(protocol), protocol.circuit_id).items()))


def measure_folder(folder: Path, with_ezkl: bool, with_verdicts: bool, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of one circuit.

    EZKL's side is taken from an earlier row of the same circuit: our generator changes, not EZKL's. So are the verdicts, while
    the contracts stay the same.
    """
    protocol = protocol_of(folder)
    proof: Proof = read_proof((folder / "proof.json").read_bytes())
    data = calldata(protocol, proof)
    forms = all_forms(protocol, proof)
    known = next((r["ezkl"] for r in earlier if r["circuit_id"] == protocol.circuit_id and r["ezkl"]), None)
    ezkl = known or (ezkl_contract(folder, protocol, data) if with_ezkl else None)
    generated, auto = generator_digests(protocol), cheapest(forms).form
    verdicts: dict[str, dict[str, int]] = {}
    for cost in forms:
        same = (r for r in earlier if r["generated"].get(cost.form) == generated[cost.form] and cost.form in r["verdicts"])
        if before := next(same, None):
            verdicts[cost.form] = before["verdicts"][cost.form]
        elif with_verdicts and cost.fits and (cost.form == auto or words_of(protocol) <= SMALL):
            verdicts[cost.form] = verdicts_of(cost, protocol, proof)
    return {
        "circuit_id": protocol.circuit_id,
        "name": folder.name.removesuffix(".zkml"),
        "k": protocol.k,
        "generated": generated,
        "instances": sum(protocol.instance_rows),
        "proof_bytes": len(proof.proof),
        "forms": {c.form: c.as_dict() for c in forms},
        "auto": auto,
        "verdicts": verdicts,
        "formula": round(formula(protocol, data)),
        "ezkl": ezkl,
    }


def read_log(log: Path) -> list[dict[str, Any]]:
    """Return the last row of each circuit, in the order of their first."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for line in log.read_text().splitlines() if log.is_file() else []:
        row = json.loads(line)
        rows[row["group"], row["name"]] = row
    return list(rows.values())


def write_log(log: Path, row: dict[str, Any]) -> None:
    """Add a row to the log, in the place of an earlier one of the same circuit."""
    rows = {(r["group"], r["name"]): r for r in read_log(log)} | {(row["group"], row["name"]): row}
    write_atomic(log, "".join(json.dumps(r) + "\n" for r in rows.values()).encode())


@click.group()
def main() -> None:
    """Measure contracts and write the pages about them."""


@main.command()
@click.argument("circuits", nargs=-1)
@click.option("--log", type=click.Path(path_type=Path), default=LOG, show_default=True)
@click.option("--group", type=click.Choice(GROUPS), default="vectors", show_default=True, help="Where these circuits are from.")
@click.option("--no-ezkl", is_flag=True, help="Leave EZKL's contracts out.")
@click.option("--no-verdicts", is_flag=True, help="Measure gas only.")
@click.option("--again", is_flag=True, help="Measure those of the log again.")
def measure(circuits: tuple[str, ...], log: Path, group: str, no_ezkl: bool, no_verdicts: bool, again: bool) -> None:
    """Write a line of JSON for each circuit to the log, in the place of its earlier one."""
    for name in circuits or sorted(p.name for p in VECTORS.iterdir()):
        folder = VECTORS / name if (VECTORS / name).is_dir() else Path(name)
        earlier = read_log(log)
        known = {(r["group"], r["name"]): r.get("generated") for r in earlier}
        if not again and known.get((group, folder.name)) == generator_digests(protocol_of(folder)):
            continue
        row = {"group": group} | measure_folder(folder, not no_ezkl, not no_verdicts, earlier)
        write_log(log, row)
        taken = row["forms"][row["auto"]]
        click.echo(f"{row['name']}: {row['auto']} {taken['verification_gas']} gas, {taken['code_bytes']} bytes", err=True)


@main.command("page")
@click.option("--log", type=click.Path(path_type=Path), default=LOG, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=ROOT / "docs", show_default=True)
def write_pages(log: Path, out: Path) -> None:
    """Write gas.md and verdicts.md from the log."""
    rows = sorted(read_log(log), key=lambda r: (GROUPS.index(r["group"]), r["name"]))
    (out / "gas.md").write_text(gas_page(rows))
    (out / "verdicts.md").write_text(verdicts_page(rows))


if __name__ == "__main__":
    main()
