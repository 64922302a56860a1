"""Make the vectors again: `python -m tests.vectors.make`. See README.md; EZKL checks every proof before it is kept."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx

from tests.vectors.models import Recipe, recipes
from tests.vectors.mutate import against_other_circuits, mutations
from tests.vectors.simulate import simulations
from zkml.ezkl.worker import Worker
from zkml.protocol import Proof, Protocol, canonical_bytes, points_from_srs, read_proof
from zkml.protocol.ezkl import protocol_from_ezkl, vka_digest
from zkml.protocol.proof import proof_to_data

ROOT = Path(__file__).parent / "verify"
SEED = 2026
KEPT = ("settings.json", "vk.key")


def ezkl_circuit(worker: Worker, recipe: Recipe, folder: Path) -> tuple[Protocol, Proof]:
    """Return the Protocol and a proof of one recipe, made by EZKL in `folder`.

    Raises `RuntimeError` when EZKL does not accept its proof, or digests its key otherwise than we do.
    """
    paths = {name: folder / name for name in ("settings.json", "c.ezkl", "srs", "vk.key", "pk.key", "w.json", "proof.json")}
    model, data = folder / "network.onnx", folder / "input.json"
    onnx.save(recipe.model, str(model))
    data.write_text(json.dumps({"input_data": recipe.inputs}))
    defaults: dict[str, Any] = {
        "input_visibility": "public",
        "output_visibility": "public",
        "param_visibility": "fixed",
        "disable_freivalds": True,
        "decomp_base": 128,
        "decomp_legs": 4,
    }
    arguments = defaults | recipe.run_args
    k = arguments["logrows"]
    worker.call("gen_settings", model=model, output=paths["settings.json"], py_run_args=arguments)
    worker.call("compile_circuit", model=model, compiled_circuit=paths["c.ezkl"], settings_path=paths["settings.json"])
    worker.call("gen_srs", srs_path=paths["srs"], logrows=k)
    worker.call(
        "setup",
        model=paths["c.ezkl"],
        vk_path=paths["vk.key"],
        pk_path=paths["pk.key"],
        srs_path=paths["srs"],
        disable_selector_compression=not recipe.compress_selectors,
    )
    witness: dict[str, Any] = {"vk_path": paths["vk.key"], "srs_path": paths["srs"]} if recipe.commits else {}
    worker.call("gen_witness", data=data, model=paths["c.ezkl"], output=paths["w.json"], **witness)
    worker.call(
        "prove",
        witness=paths["w.json"],
        model=paths["c.ezkl"],
        pk_path=paths["pk.key"],
        proof_path=paths["proof.json"],
        srs_path=paths["srs"],
    )
    if recipe.commits:
        worker.call("swap_proof_commitments", proof_path=paths["proof.json"], witness_path=paths["w.json"])
    verified = worker.call(
        "verify",
        proof_path=paths["proof.json"],
        settings_path=paths["settings.json"],
        vk_path=paths["vk.key"],
        srs_path=paths["srs"],
    )
    if verified.value is not True:
        raise RuntimeError("EZKL does not accept its own proof")
    vka = folder / "vka.bin"
    worker.call(
        "create_evm_vka",
        vk_path=paths["vk.key"],
        settings_path=paths["settings.json"],
        vka_path=vka,
        srs_path=paths["srs"],
        decimals=18,
    )
    settings = json.loads(paths["settings.json"].read_bytes())
    points = points_from_srs(paths["srs"].read_bytes())
    protocol = protocol_from_ezkl(settings, paths["vk.key"].read_bytes(), points)
    if protocol.transcript_digest != vka_digest(vka.read_bytes()):
        raise RuntimeError("the transcript digest is not EZKL's")
    return protocol, read_proof(paths["proof.json"].read_bytes())


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def write(kind: str, protocol: Protocol, proof: Proof, edits: list[dict[str, Any]]) -> None:
    folder = ROOT / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "protocol.json").write_bytes(canonical_bytes(protocol))
    wire = {key: value for key, value in proof_to_data(proof).items() if key != "hex_proof"}
    (folder / "proof.json").write_text(compact(wire))
    lines = ",\n".join("  " + json.dumps(m) for m in edits)
    (folder / "mutations.json").write_text('{"mutations": [\n' + lines + "\n]}\n")


def main() -> None:
    """Make every kind in memory, then replace the folder."""
    made: dict[str, tuple[Protocol, Proof]] = {}
    kept: dict[str, list[bytes]] = {}
    with Worker() as worker, tempfile.TemporaryDirectory() as scratch:
        for kind, recipe in recipes().items():
            folder = Path(scratch) / kind
            folder.mkdir()
            made[kind] = ezkl_circuit(worker, recipe, folder)
            kept[kind] = [(folder / name).read_bytes() for name in KEPT]
            print(f"{kind}: k {made[kind][0].k}, proof of {made[kind][0].proof_length} bytes", file=sys.stderr)
    made |= simulations(random.Random(SEED))
    shapes = {kind: (protocol.instance_rows, protocol.proof_length) for kind, (protocol, _) in made.items()}
    shutil.rmtree(ROOT, ignore_errors=True)
    for kind, (protocol, proof) in made.items():
        rng = random.Random(f"{SEED} {kind}")
        edits = mutations(protocol, proof.instances, proof.proof, rng) + against_other_circuits(kind, shapes)
        write(kind, protocol, proof, edits)
        for name, data in zip(KEPT, kept.get(kind, ()), strict=kind in kept):
            (ROOT / kind / name).write_bytes(data)


if __name__ == "__main__":
    main()
