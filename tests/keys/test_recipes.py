"""Circuits of every recipe satisfy their constraints, and EZKL accepts the Rust engine's proofs of them."""

from __future__ import annotations

import json
from pathlib import Path

import ezkl
import pytest

from zkml._core import check, graph, keys, prover
from zkml.proof.rust import proof_json
from zkml.protocol.encoding import canonical_bytes
from zkml.protocol.ezkl import protocol_from_ezkl
from zkml.protocol.points import points_from_srs

KEYS = Path(__file__).parents[1] / "graph" / "keys"
NAMES = sorted(folder.parent.name for folder in KEYS.glob("*/witness.json"))


def test_there_are_circuits_of_every_kind() -> None:
    assert len(NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_ezkl_accepts_the_proof(name: str, tmp_path: Path) -> None:
    folder = KEYS / name
    settings = json.loads((folder / "settings.json").read_bytes())
    srs = KEYS / "srs" / f"k{settings['run_args']['logrows']}.srs"
    vk, witness = (folder / "vk.key").read_bytes(), (folder / "witness.json").read_bytes()
    circuit = graph.decode((folder / "c.ezkl").read_bytes())
    columns = keys.KeyColumns(circuit, witness=witness)
    assert columns.verification_key(srs) == vk
    protocol = canonical_bytes(protocol_from_ezkl(settings, vk, points_from_srs(srs.read_bytes())))
    assert check.check_witness(circuit, witness, protocol) == (0, [])
    columns.write_proving_key(tmp_path / "prover.key", protocol)
    proof, instances, _ = prover.Prover(protocol, tmp_path / "prover.key", srs).prove(circuit, witness)
    (tmp_path / "proof.json").write_bytes(proof_json(circuit, proof, instances))
    made, theirs = str(tmp_path / "proof.json"), str(folder / "vk.key")
    assert ezkl.verify(made, str(folder / "settings.json"), theirs, str(srs), reduced_srs=False)
