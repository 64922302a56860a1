"""Proofs made in Rust: accepted by EZKL, limits and interruptions end them, wrong keys and witnesses are named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ezkl
import numpy as np
import pytest

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml._core.prover import STAGES
from zkml.bundle import Bundle
from zkml.errors import EnvironmentFault, InfeasibleError, MalformedArtifact, MismatchedArtifacts, SrsError, WitnessError
from zkml.ezkl import Limits
from zkml.keys.srs import Srs, generate_unsafe
from zkml.proof import Prover

K = 8
SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bundle, Srs]]:
    folder = tmp_path_factory.mktemp("rust-prover")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        args = RunArgs(logrows=K, lookup_range=(-100, 100))
        bundle = zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
        zkml.make_witness(bundle, SAMPLE, srs=srs)
        yield bundle, srs


def accepted_by_ezkl(bundle: Bundle, proof: Path, srs: Srs) -> bool:
    settings, vk = bundle.path("settings"), bundle.path("vk")
    try:
        return bool(ezkl.verify(str(proof), str(settings), str(vk), str(srs.path), reduced_srs=False))
    except RuntimeError:
        return False


def test_ezkl_accepts_the_proof_and_no_changed_one(made: tuple[Bundle, Srs], tmp_path: Path) -> None:
    bundle, srs = made
    proved = zkml.prove(bundle, srs=srs, engine="rust", out=tmp_path / "proof.json")
    assert (proved.engine, proved.device, proved.reason) == ("rust", "cpu", None)
    assert proved.verdict.accepted
    assert list(proved.stages) == ["layout", *STAGES]
    assert accepted_by_ezkl(bundle, tmp_path / "proof.json", srs)
    data = json.loads((tmp_path / "proof.json").read_bytes())
    for at in (31, len(data["proof"]) // 2, len(data["proof"]) - 1):
        changed = data | {"proof": [b ^ (i == at) for i, b in enumerate(data["proof"])], "hex_proof": None}
        (tmp_path / "changed.json").write_text(json.dumps(changed))
        assert not accepted_by_ezkl(bundle, tmp_path / "changed.json", srs)
        assert not zkml.check(bundle, tmp_path / "changed.json").accepted


def test_rust_proves_with_the_key_of_ezkl(made: tuple[Bundle, Srs], tmp_path: Path) -> None:
    bundle, srs = made
    copy = Bundle.open(Path(shutil.copytree(bundle.folder, tmp_path / "linear.zkml")))
    zkml.setup(copy, srs, allow_unsafe_srs=True)
    assert not copy.has("prover_key")
    proved = zkml.prove(copy, srs=srs)
    assert proved.engine == "rust"
    assert accepted_by_ezkl(copy, proved.path, srs)


def test_ezkl_asked_for_without_its_key_says_how_to_make_it(made: tuple[Bundle, Srs]) -> None:
    bundle, srs = made
    with pytest.raises(EnvironmentFault) as error:
        zkml.prove(bundle, srs=srs, engine="ezkl")
    assert error.value.hint is not None
    assert "--engine ezkl" in error.value.hint


def test_one_prover_serves_threads_and_its_proofs_differ(made: tuple[Bundle, Srs], tmp_path: Path) -> None:
    bundle, srs = made
    prover = Prover(bundle, srs, threads=2)
    witness = bundle.path("witness").read_bytes()
    with ThreadPoolExecutor(3) as pool:
        proofs = [text for text, _ in pool.map(lambda _: prover.prove(witness), range(3))]
    bodies = [bytes(json.loads(text)["proof"]) for text in proofs]
    assert len(set(bodies)) == len(bodies)
    for text in proofs:
        (tmp_path / "proof.json").write_bytes(text)
        assert accepted_by_ezkl(bundle, tmp_path / "proof.json", srs)


def test_whatever_progress_raises_ends_the_proof(made: tuple[Bundle, Srs]) -> None:
    bundle, srs = made
    prover = Prover(bundle, srs)
    seen: list[str] = []

    def stop(stage: str, done: int, total: int) -> None:
        seen.append(stage)
        if stage == "quotient":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prover.prove(bundle.path("witness").read_bytes(), stop)
    assert seen[-1] == "quotient"
    assert "evaluations" not in seen


@pytest.mark.parametrize(("limits", "code"), [(Limits(max_ram=1), "max-ram"), (Limits(max_seconds=1e-9), "max-time")])
def test_limits_end_a_proof_and_leave_nothing(made: tuple[Bundle, Srs], tmp_path: Path, limits: Limits, code: str) -> None:
    bundle, srs = made
    with pytest.raises(InfeasibleError) as error:
        zkml.prove(bundle, srs=srs, engine="rust", limits=limits, out=tmp_path / "proof.json")
    assert error.value.code == code
    assert not (tmp_path / "proof.json").exists()


def changed_output(witness: dict[str, list[list[str]]]) -> None:
    value = int.from_bytes(bytes.fromhex(witness["outputs"][0][0]), "little")
    witness["outputs"][0][0] = ((value + 1).to_bytes(32, "little")).hex()


def test_a_witness_that_breaks_the_circuit_is_refused_with_the_constraint(made: tuple[Bundle, Srs]) -> None:
    bundle, srs = made
    witness = json.loads(bundle.path("witness").read_bytes())
    changed_output(witness)
    with pytest.raises(WitnessError) as error:
        Prover(bundle, srs).prove(json.dumps(witness).encode())
    assert error.value.code == "unsatisfied"
    assert error.value.details["kind"] == "copy"


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], type[Exception]]] = {
    "cut short": (lambda key: key[:-1], MalformedArtifact),
    "empty": (lambda key: b"", MalformedArtifact),
    "longer": (lambda key: key + b"\0", MalformedArtifact),
    "no key": (lambda key: b"x" * len(key), MalformedArtifact),
    "of a later format": (lambda key: key[:8] + b"\x09" + key[9:], MalformedArtifact),
    "of another circuit": (lambda key: key[:24] + bytes(32) + key[56:], MismatchedArtifacts),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_key_that_is_not_this_circuits_is_refused(made: tuple[Bundle, Srs], tmp_path: Path, damage: str) -> None:
    bundle, srs = made
    change, kind = DAMAGE[damage]
    key = tmp_path / "prover.key"
    key.write_bytes(change(bundle.path("prover_key").read_bytes()))
    with pytest.raises(kind):
        Prover(bundle, srs, key=key)


def test_an_srs_of_another_ceremony_or_too_small_is_refused(made: tuple[Bundle, Srs], tmp_path: Path) -> None:
    bundle, _ = made
    with pytest.raises(MismatchedArtifacts) as error:
        Prover(bundle, generate_unsafe(tmp_path / "other.srs", K))
    assert error.value.code == "srs-mismatch"
    with pytest.raises(SrsError) as small:
        Prover(bundle, generate_unsafe(tmp_path / "small.srs", K - 1))
    assert small.value.code == "srs-too-small"
