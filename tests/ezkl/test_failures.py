"""Every rule for EZKL's messages, provoked with the wheel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ezkl.cases import RUN_ARGS, Made, compile_circuit, node, prove_linear, save, save_input, save_linear
from zkml.errors import ZkmlError
from zkml.ezkl import Limits, Worker
from zkml.ezkl.failures import RULES

pytestmark = pytest.mark.ezkl
SEEN: set[str] = set()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(limits=Limits(max_seconds=120)) as worker:
        yield worker


@pytest.fixture(scope="module")
def made(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    made = prove_linear(worker, folder)
    made.junk.write_bytes(b"junk" * 50)
    return made


def fail(worker: Worker, call: str, code: str, kind: str, message: str, **arguments: Any) -> ZkmlError:
    with pytest.raises(ZkmlError, match=message) as e:
        worker.call(call, **arguments)
    assert (e.value.code, type(e.value).__name__) == (code, kind), e.value.details
    assert e.value.hint
    assert e.value.message[0].islower() or e.value.message.startswith(("EZKL", "2^"))
    SEEN.add(code)
    return e.value


def lay_out(worker: Worker, model: Path, code: str, message: str, named: str | None = None, **changes: Any) -> None:
    error = fail(
        worker,
        "gen_settings",
        code,
        "CircuitError" if code == "k-too-small" else "ModelError",
        message,
        model=model,
        output=model.with_suffix(".settings"),
        py_run_args=RUN_ARGS.as_ezkl() | changes,
    )
    assert error.node == named


def test_a_model_that_ezkl_does_not_take_says_why(worker: Worker, tmp_path: Path) -> None:
    two = {"n": np.array([1, 2])}
    image, kernel = [1, 1, 4, 4], {"w": np.ones((1, 1, 2, 2), np.float32)}
    wide = {"w": np.ones((4, 2), np.float32)}
    path = tmp_path / "m.onnx"
    relu = node("Relu", "x", "a", "r")
    lay_out(worker, save(path, [relu, node("Tile", "a n", "y", "t")], [1, 3], weights=two), "unsupported-operator", "Tile")
    lay_out(worker, save(path, [relu, node("Det", "a", "y", "d")], [1, 3, 3]), "unsupported-operator", "node d: .* Det", "d")
    lay_out(worker, save(path, [node("Conv", "x w", "y", "c")], image, weights=kernel), "missing-attribute", "stride")
    lay_out(worker, save(path, [node("MatMul", "x w", "y", "p")], [1, 3], weights=wide), "translation", "node p: .*MatMul", "p")
    lay_out(worker, save(path, [relu], ["n", 3]), "dynamic-shape", "dimension")
    lay_out(worker, save(path, [node("Softmax", "x", "y", "s")], [1, 300]), "k-too-small", "rows", logrows=6)
    for data in (b"hello", b""):
        path.write_bytes(data)
        lay_out(worker, path, "not-onnx", "not a valid ONNX model")
    fail(
        worker,
        "gen_settings",
        "missing",
        "EnvironmentFault",
        r"no file or folder .*absent",
        model=tmp_path / "absent",
        output=tmp_path / "s",
        py_run_args={},
    )


def test_an_input_that_does_not_fit_says_why(worker: Worker, made: Made, tmp_path: Path) -> None:
    def witness(data: Path, code: str, kind: str, message: str) -> None:
        fail(worker, "gen_witness", code, kind, message, data=data, model=made.circuit, output=tmp_path / "w")

    data = tmp_path / "input"
    witness(save_input(data, [1e6, 2, 3]), "value-too-large", "WitnessError", "16000000 does not fit 4 digits of base 16")
    witness(save_input(data, [1, 2]), "input-shape", "SampleError", r"2 elements, the circuit takes shape \[1, 3\]")
    for text in ("hello", '{"input_data": [["a"]]}', '{"input_data": [[NaN, 1, 2]]}', '{"input_data": [[[1, 2, 3]]]}'):
        data.write_text(text)
        witness(data, "input-file", "SampleError", "lists of numbers")
    witness(tmp_path / "absent", "missing", "EnvironmentFault", "no file or folder")


def test_a_file_that_is_not_what_it_should_be_says_which(worker: Worker, made: Made, tmp_path: Path) -> None:
    cut, mutated, other = tmp_path / "cut", tmp_path / "mutated", tmp_path / "other"
    circuit = made.circuit.read_bytes()
    cut.write_bytes(circuit[: len(circuit) // 2])
    for path in (made.junk, cut):
        fail(
            worker,
            "gen_witness",
            "circuit-file",
            "MalformedArtifact",
            "compiled circuit",
            data=made.input,
            model=path,
            output=tmp_path / "w",
        )
    setup: dict[str, Any] = {"model": made.circuit, "vk_path": tmp_path / "vk", "pk_path": tmp_path / "pk", "srs_path": made.srs}
    for path in (made.junk, tmp_path / "absent"):
        fail(worker, "setup", "srs", "SrsError", "SRS cannot be read", **setup | {"srs_path": path})
    worker.call("gen_srs", srs_path=tmp_path / "srs4", logrows=4)
    fail(worker, "setup", "k-too-small", "CircuitError", r"2\^4 rows", **setup | {"srs_path": tmp_path / "srs4"})
    prove: dict[str, Any] = {"witness": made.witness, "model": made.circuit, "pk_path": made.pk, "proof_path": tmp_path / "p"}
    prove["srs_path"] = made.srs
    for path in (made.junk, made.vk, tmp_path / "absent"):
        fail(worker, "prove", "keys", "MalformedArtifact", "pk file", **prove | {"pk_path": path})
    fail(worker, "prove", "witness-file", "MalformedArtifact", "witness file", **prove | {"witness": made.junk})
    srs = bytearray(made.srs.read_bytes())
    srs[4 + 64 * 5 + 3] ^= 1
    mutated.write_bytes(srs)
    fail(worker, "prove", "srs", "SrsError", "not on the curve", **prove | {"srs_path": mutated})
    fail(
        worker,
        "compile_circuit",
        "settings-file",
        "MalformedArtifact",
        "settings file",
        model=made.model,
        compiled_circuit=other,
        settings_path=made.junk,
    )


def test_a_full_disk_is_seen_wherever_ezkl_sees_it(worker: Worker, made: Made, tmp_path: Path) -> None:
    full = Path("/dev/full")
    setup: dict[str, Any] = {"model": made.circuit, "vk_path": tmp_path / "vk", "pk_path": full, "srs_path": made.srs}
    fail(worker, "setup", "disk", "EnvironmentFault", "full", **setup)
    prove: dict[str, Any] = {
        "witness": made.witness,
        "model": made.circuit,
        "pk_path": made.pk,
        "proof_path": full,
        "srs_path": made.srs,
    }
    fail(worker, "prove", "disk", "EnvironmentFault", "full", **prove)


def test_a_witness_that_does_not_satisfy_says_so(worker: Worker, made: Made, tmp_path: Path) -> None:
    witness = json.loads(made.witness.read_text())
    witness["outputs"][0][0] = "07" + "00" * 31
    (tmp_path / "w").write_text(json.dumps(witness))
    fail(worker, "mock", "constraint", "WitnessError", "does not satisfy", witness=tmp_path / "w", model=made.circuit)
    sigmoid = save(tmp_path / "m.onnx", [node("Sigmoid", "x", "y", "s")], [1, 3])
    compile_circuit(worker, sigmoid, tmp_path, RUN_ARGS.with_(lookup_range=(-16, 16)))
    data = save_input(tmp_path / "input", [100, 2, 3])
    worker.call("gen_witness", data=data, model=tmp_path / "circuit", output=tmp_path / "w")
    fail(worker, "mock", "out-of-table", "WitnessError", "its table", witness=tmp_path / "w", model=tmp_path / "circuit")


def test_a_proof_is_rejected_or_malformed(worker: Worker, made: Made, tmp_path: Path) -> None:
    files: dict[str, Any] = {"settings_path": made.settings, "vk_path": made.vk, "srs_path": made.srs}
    assert worker.call("verify", proof_path=made.proof, **files).value is True
    proof = json.loads(made.proof.read_text())
    changed = tmp_path / "proof"

    def verify(code: str, kind: str, message: str, **changes: Any) -> None:
        changed.write_text(json.dumps({**proof, "hex_proof": None, **changes}))
        fail(worker, "verify", code, kind, message, proof_path=changed, **files)

    data = proof["proof"]
    verify("rejected", "ProofRejected", "rejects", instances=[["07" + "00" * 31, *proof["instances"][0][1:]]])
    verify("rejected", "ProofRejected", "rejects", proof=[*data[:-5], data[-5] ^ 1, *data[-4:]])
    verify("proof-file", "MalformedArtifact", "does not parse", proof=data[:100])
    fail(worker, "verify", "proof-file", "MalformedArtifact", "does not parse", proof_path=made.junk, **files)
    junk = files | {"vk_path": made.junk}
    fail(worker, "verify", "keys", "MalformedArtifact", "vk file", proof_path=made.proof, **junk)


def test_our_own_mistakes_are_our_fault(worker: Worker, tmp_path: Path) -> None:
    fail(worker, "no_such_call", "call", "InternalFault", "wrong call")
    fail(worker, "gen_settings", "call", "InternalFault", "wrong call", nonsense=1)
    arguments = {"model": save_linear(tmp_path / "m"), "output": tmp_path / "s"}
    fail(worker, "gen_settings", "call", "InternalFault", "nonsense", **arguments, py_run_args={"nonsense": 1})


def test_no_rule_is_a_guess() -> None:
    """Runs last in this file: each rule's code was provoked above."""
    assert {rule.code for rule in RULES} <= SEEN
