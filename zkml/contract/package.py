"""What a user gets of a verifier: sources, ABI, calldata, tests in Solidity and Python, the input of a block explorer.

    src/*.sol             the contracts
    abi.json              the ABI that callers use: IVerifier
    calldata.hex          a call of verifyProof with a proof that holds
    deployment.json       what to deploy, in order, with which arguments
    standard-input.json   the compiler's input, which block explorers take to verify the source
    foundry.toml, test/   `forge test`, and `pytest test`: the proof is accepted, changes of it are not

Nothing is compiled here; the tests compile.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zkml.contract.calldata import calldata
from zkml.contract.compiler import EVM_VERSION, SETTINGS, SOLC_VERSION, standard_input
from zkml.contract.generate import generate
from zkml.contract.sources import Address, Argument, Form, Sources
from zkml.contract.templates import interface_abi, render
from zkml.errors import UsageError
from zkml.files import disk_errors, fsync_dir, temporary
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol

LINE = 64
"""Bytes of a proof on a line of Solidity."""


def _argument(argument: Argument) -> Any:
    match argument:
        case Address(deployable):
            return {"addressOf": deployable}
        case int(value):
            return hex(value)
        case several:
            return [_argument(a) for a in several]


def deployment(protocol: Protocol, sources: Sources) -> dict[str, Any]:
    """Return what to deploy as data; `addressOf` is the number of a contract deployed before."""
    return {
        "circuitId": "0x" + protocol.circuit_id,
        "form": sources.form,
        "entry": sources.entry,
        "contracts": [
            {
                "file": f"src/{d.file}",
                "contract": d.contract,
                "arguments": [_argument(a) for a in d.arguments],
                "shared": d.shared,
            }
            for d in sources.deployables
        ],
    }


def files(protocol: Protocol, proof: Proof, sources: Sources) -> dict[str, str]:
    """Return the text of every file by its path. Raises `MalformedArtifact` when the proof is not of the circuit's shape."""
    call = calldata(protocol, proof)
    in_folder = {f"src/{name}": text for name, text in sources.files.items()}
    context = {
        "name": sources.entry,
        "circuit_id": protocol.circuit_id,
        "form": sources.form,
        "deployables": sources.deployables,
        "lines": [call[i : i + LINE].hex() for i in range(0, len(call), LINE)],
        "proof_length": protocol.proof_length,
        "instance_count": sum(protocol.instance_rows),
        "solc": SOLC_VERSION,
        "evm": EVM_VERSION,
        "runs": SETTINGS["optimizer"]["runs"],
    }
    return {
        **in_folder,
        "abi.json": interface_abi(),
        "calldata.hex": "0x" + call.hex() + "\n",
        "deployment.json": json.dumps(deployment(protocol, sources), indent=2) + "\n",
        "standard-input.json": json.dumps(standard_input(in_folder), indent=1) + "\n",
        "foundry.toml": render("foundry.toml.j2", context),
        f"test/{sources.entry}.t.sol": render("Verifier.t.sol.j2", context),
        "test/test_verifier.py": render("test_verifier.py.j2", context),
    }


def package(protocol: Protocol, proof: Proof, directory: Path, *, form: Form = "single", name: str = "Verifier") -> Sources:
    """Write everything about a circuit's verifier into a new folder, whole or not at all, and return its sources.

    Raises `UsageError` when the folder exists and is not empty, `MalformedArtifact` when the proof is not of the circuit's shape,
    `EnvironmentFault` when the disk refuses.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} exists already", hint="name a new folder, or remove this one", code="exists")
    sources = generate(protocol, form, name=name)
    texts = files(protocol, proof, sources)
    with disk_errors(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        with temporary(f".{directory.name}.", directory.parent, folder=True) as new:
            for path, text in texts.items():
                (new / path).parent.mkdir(exist_ok=True)
                (new / path).write_text(text, encoding="utf-8")
            new.chmod(0o755)
            new.replace(directory)
        fsync_dir(directory.parent)
    return sources
