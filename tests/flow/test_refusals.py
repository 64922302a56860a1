"""Whatever does not belong together has its own error, code and exit status, and says what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.flow.conftest import SAMPLE, SMALL, Command, Proved
from zkml.bundle import Bundle
from zkml.circuit.registry import audited, registry_path
from zkml.errors import MalformedArtifact, WitnessError
from zkml.files import sha256_file
from zkml.keys.srs import Srs, generate_unsafe
from zkml.verifier.policy import Policy

VERIFIERS = ("rust", "python")


@pytest.fixture(scope="session")
def other(proved: Proved, srs: Srs, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Another model of the same shapes, keyed and proved with the same SRS."""
    model = models.linear(tmp_path_factory.mktemp("other") / "other.onnx", nudge=0.5)
    bundle = zkml.compile(model, run_args=SMALL).bundle
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    zkml.prove(bundle, SAMPLE, srs=srs)
    return bundle


def failed(run: Command, status: int, code: str, *arguments: object, **options: Any) -> dict[str, Any]:
    """Run a command with --json that must fail with this exit status and code; return the error."""
    result = run(*arguments, "--json", **options)
    assert result.exit_code == status, result.stdout + result.stderr
    error: dict[str, Any] = json.loads(result.stdout)
    assert error["code"] == code
    assert error["exit_code"] == status
    assert "zkml: error: " in result.stderr
    assert error["message"] and not error["message"].endswith(".")
    return error


@pytest.mark.parametrize("name", ["settings", "circuit", "vk", "protocol"])
def test_a_file_of_another_circuit_is_found_by_its_digest(name: str, copy: Bundle, other: Bundle, run: Command) -> None:
    shutil.copy(other.path(name), copy.path(name))
    error = failed(run, 3, "changed", "prove", copy.folder)
    assert copy.path(name).name in error["message"]


def test_a_file_of_another_circuit_recorded_as_its_own_is_found_by_lineage(copy: Bundle, other: Bundle, run: Command) -> None:
    manifest = json.loads((copy.folder / "bundle.json").read_text())
    for name in ("pk", "witness"):
        shutil.copy(other.path(name), copy.path(name))
        manifest["artifacts"][name] = other.records[name].as_dict()
    (copy.folder / "bundle.json").write_text(json.dumps(manifest))
    error = failed(run, 3, "stale", "prove", copy.folder)
    assert "another" in error["message"]


def test_a_witness_for_another_circuit_is_refused(copy: Bundle, other: Bundle, srs: Srs, home: Path) -> None:
    shutil.copy(other.path("witness"), copy.path("witness"))
    with pytest.raises(MalformedArtifact) as error:
        zkml.prove(copy, srs=srs)
    assert error.value.code == "changed"


@pytest.mark.parametrize("value", [1e9, -1e9, 3e30])
def test_an_input_beyond_the_digits_is_no_witness(value: float, copy: Bundle, run: Command, home: Path) -> None:
    before = sha256_file(copy.path("witness"))
    error = failed(
        run, 3, "value-too-large", "witness", copy.folder, "--input", "-", stdin=json.dumps({"x": [[value, 0.0, 0.0]]})
    )
    assert "range" in error["message"]
    assert sha256_file(copy.path("witness")) == before


@pytest.mark.parametrize("value", [25.0, -25.0])
def test_an_input_beyond_a_table_is_no_witness_and_does_not_hang(value: float, srs: Srs, tmp_path: Path, home: Path) -> None:
    bundle = zkml.compile(models.unary(tmp_path / "s.onnx", "Sigmoid"), run_args=SMALL).bundle
    with pytest.raises(WitnessError) as error:
        zkml.make_witness(bundle, {"x": np.array([[value, 0.5, -0.5]], dtype=np.float32)})
    assert error.value.code == "out-of-table"
    assert not bundle.has("witness")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"x": [[0.1, 0.2]]}', "sample-shape"),
        ('{"z": [[0.1, 0.2, 0.3]]}', "sample-names"),
        ('{"x": [[0.1, 0.2, "a"]]}', "sample-type"),
        ('{"x": [[0.1, 0.2, NaN]]}', "json"),
        ('{"x": []}', "sample-shape"),
        ('{"input_data": [[0.1]]}', "sample-shape"),
        ("[", "json"),
        ("", "json"),
    ],
)
def test_bad_samples_each_have_their_code(text: str, code: str, proved: Proved, run: Command, home: Path) -> None:
    failed(run, 3, code, "prove", proved.bundle.folder, "--input", "-", stdin=text)


def test_a_sample_that_is_not_there(proved: Proved, run: Command, home: Path) -> None:
    stdin = '{"x": [[0.1, 0.2, 0.3]]}'
    failed(run, 3, "sample-index", "prove", proved.bundle.folder, "--input", "-", "--sample", "1", stdin=stdin)


# ---- SRS


def test_setup_without_an_srs_exits_5(copy: Bundle, run: Command, stranger: Path) -> None:
    error = failed(run, 5, "srs-absent", "setup", copy.folder)
    assert "zkml srs import" in error["hint"]
    failed(run, 5, "srs-absent", "setup", copy.folder, "--srs", "/nowhere.srs")


def test_setup_with_an_unsafe_srs_exits_5_and_makes_nothing(copy: Bundle, srs: Srs, run: Command, home: Path) -> None:
    before = copy.records
    error = failed(run, 5, "srs-unsafe", "setup", copy.folder, "--srs", srs.path)
    assert f"zkml srs trust {srs.digest}" in error["hint"]
    assert Bundle.open(copy.folder).records == before


def test_a_trusted_srs_is_as_good_as_a_ceremony(copy: Bundle, srs: Srs, run: Command, home: Path) -> None:
    assert run("srs", "trust", srs.digest, "--name", "mine").exit_code == 0
    assert run("setup", copy.folder, "--srs", srs.path).exit_code == 0
    assert run("prove", copy.folder, "--srs", srs.path).exit_code == 0
    assert run("verify", copy.folder).exit_code == 0


def test_an_srs_that_is_too_small_exits_5(copy: Bundle, tmp_path: Path, run: Command, home: Path) -> None:
    small = generate_unsafe(tmp_path / "k7.srs", 7)
    failed(run, 5, "srs-too-small", "setup", copy.folder, "--srs", small.path, "--unsafe-srs")


def test_a_trusted_srs_with_other_points_behind_its_digest_makes_no_key(
    copy: Bundle, srs: Srs, tmp_path: Path, run: Command, home: Path
) -> None:
    data = bytearray(srs.path.read_bytes())
    lagrange = 4 + 64 * (1 << srs.k)
    data[lagrange : lagrange + 64], data[lagrange + 64 : lagrange + 128] = (
        data[lagrange + 64 : lagrange + 128],
        data[lagrange : lagrange + 64],
    )
    forged = tmp_path / "forged.srs"
    forged.write_bytes(data)
    assert run("srs", "trust", srs.digest).exit_code == 0
    before = copy.path("vk").read_bytes()
    error = failed(run, 5, "srs-invalid", "setup", copy.folder, "--srs", forged)
    assert error["details"]["part"] == "g_lagrange"
    assert copy.path("vk").read_bytes() == before


def test_proving_with_another_ceremony_exits_3(copy: Bundle, tmp_path: Path, run: Command, home: Path) -> None:
    foreign = generate_unsafe(tmp_path / "foreign.srs", 8)
    error = failed(run, 3, "srs-mismatch", "prove", copy.folder, "--srs", foreign.path)
    assert foreign.digest in error["message"]


def test_a_larger_srs_of_the_same_ceremony_will_do(proved: Proved, tmp_path: Path, run: Command, home: Path) -> None:
    large = generate_unsafe(tmp_path / "k9.srs", 9)
    bundle = zkml.compile(proved.model, run_args=SMALL, out=tmp_path / "large.zkml").bundle
    zkml.setup(bundle, large, allow_unsafe_srs=True)
    zkml.prove(bundle, SAMPLE, srs=large)
    assert zkml.check(bundle, policy=Policy(allow_unsafe_srs=True)).accepted


def test_a_file_that_is_no_srs(copy: Bundle, tmp_path: Path, run: Command, home: Path) -> None:
    junk = tmp_path / "junk.srs"
    junk.write_bytes(b"not an srs")
    result = run("setup", copy.folder, "--srs", junk, "--unsafe-srs")
    assert result.exit_code in (3, 5)
    assert "zkml: error: " in result.stderr


# ---- engines, order of commands, recipes


def test_a_gpu_that_is_not_there_exits_5(proved: Proved, run: Command, home: Path) -> None:
    failed(run, 5, "no-gpu", "prove", proved.bundle.folder, "--device", "gpu")


def test_commands_out_of_order_name_the_one_that_is_missing(proved: Proved, tmp_path: Path, run: Command, home: Path) -> None:
    bundle = zkml.compile(proved.model, run_args=SMALL, out=tmp_path / "fresh.zkml").bundle
    for arguments in (["prove", bundle.folder], ["verify", bundle.folder], ["audit", bundle.folder, "--rebuild"]):
        assert "zkml setup" in failed(run, 5, "not-made-yet", *arguments)["hint"]
    failed(run, 2, "no-bundle", "setup", tmp_path)


def test_compile_needs_samples_or_a_recipe(proved: Proved, tmp_path: Path, run: Command) -> None:
    failed(run, 2, "no-samples", "compile", proved.model, "--out", tmp_path / "n.zkml")
    assert not (tmp_path / "n.zkml").exists()


@pytest.mark.parametrize(
    ("recipe", "status", "code"),
    [
        ("[]", 2, "recipe"),
        ("{}", 2, "recipe"),
        ("{", 3, "json"),
        ('{"run_args": {"logrows": 9}}', 2, "recipe"),
        ('{"run_args": [1]}', 2, "recipe"),
        ('{"run_args": {"logrows": "many"}}', 2, "recipe"),
        ({"logrows": "many"}, 2, "run-args"),
        ({"logrows": 99}, 2, "run-args"),
        ({"logrows": True}, 2, "run-args"),
        ({"lookup_range": [3]}, 2, "run-args"),
        ({"lookup_range": [5, -5]}, 2, "run-args"),
        ({"input_visibility": "open"}, 2, "visibility"),
        ({"input_visibility": "hashed/private/x"}, 2, "visibility"),
        ({"disable_freivalds": "yes"}, 2, "run-args"),
        ({"wheels": 4}, 2, "recipe"),
    ],
    ids=str,
)
def test_nonsense_in_a_recipe(
    recipe: str | dict[str, Any], status: int, code: str, proved: Proved, tmp_path: Path, run: Command
) -> None:
    text = recipe if isinstance(recipe, str) else json.dumps({"run_args": SMALL.as_ezkl() | recipe})
    (tmp_path / "r.json").write_text(text)
    failed(run, status, code, "compile", proved.model, "--recipe", tmp_path / "r.json", "--out", tmp_path / "n.zkml")
    assert not (tmp_path / "n.zkml").exists()


# ---- verdicts


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_proof_of_another_circuit_is_rejected(verifier: str, proved: Proved, other: Bundle, run: Command, home: Path) -> None:
    result = run("verify", proved.bundle.folder, other.path("proof"), "--unsafe-srs", "--verifier", verifier, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["outcome"] == "rejected"


def edited(proof: Path, target: Path, change: str) -> Path:
    """Write the proof with one change."""
    value = json.loads(proof.read_text())
    match change:
        case "value":
            value["instances"][0][0] = (1).to_bytes(32, "little").hex()
        case "evaluation":
            value["proof"][-129] ^= 1  # the last byte before W and W′: the lowest of the last evaluation
        case "trailing":
            value["proof"].append(0)
        case "short":
            value["proof"].pop()
        case "felt":
            value["instances"][0][0] = "ff" * 32
        case "count":
            value["instances"][0].append("00" * 32)
        case "text":
            target.write_text(proof.read_text()[:-5])
            return target
    value["hex_proof"] = None
    target.write_text(json.dumps(value))
    return target


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize(
    ("change", "status"),
    [("value", 1), ("evaluation", 1), ("trailing", 3), ("short", 3), ("felt", 3), ("count", 3), ("text", 3)],
)
def test_an_edited_proof_is_rejected_or_malformed(
    change: str, status: int, verifier: str, proved: Proved, tmp_path: Path, run: Command, home: Path
) -> None:
    proof = edited(proved.bundle.path("proof"), tmp_path / "edited.json", change)
    result = run("verify", proved.bundle.folder, proof, "--unsafe-srs", "--verifier", verifier, "--json")
    assert result.exit_code == status, result.stdout
    assert json.loads(result.stdout)["outcome"] == ("rejected" if status == 1 else "malformed")


def test_an_unsafe_srs_is_refused_with_the_command_that_trusts_it(proved: Proved, srs: Srs, run: Command, home: Path) -> None:
    result = run("verify", proved.bundle.folder)
    assert result.exit_code == 7
    assert f"zkml srs trust {srs.digest}" in result.stderr


def test_digests_are_never_cut_in_a_pipe(proved: Proved, run: Command, home: Path) -> None:
    assert proved.circuit_id in run("verify", proved.bundle.folder, "--unsafe-srs").stdout
    shown = run("bundle", "show", proved.bundle.folder).stdout
    assert all(record.sha256 in shown for record in proved.bundle.records.values())


def test_a_strangers_circuit_is_unaudited_whatever_its_protocol_says(
    proved: Proved, tmp_path: Path, run: Command, stranger: Path
) -> None:
    protocol = tmp_path / "protocol.json"
    shutil.copy(proved.bundle.path("protocol"), protocol)
    assert json.loads(protocol.read_text())["audit"]["refused"] is False
    result = run("verify", proved.bundle.path("proof"), "--protocol", protocol, "--unsafe-srs", "--json")
    assert result.exit_code == 7
    assert json.loads(result.stdout)["policy"] == "unaudited"
    allowed = run("verify", proved.bundle.path("proof"), "--protocol", protocol, "--unsafe-srs", "--allow-unaudited")
    assert allowed.exit_code == 0


def test_an_edited_audit_is_not_believed(tmp_path: Path, srs: Srs, run: Command, home: Path) -> None:
    args = SMALL.with_(logrows=8, input_visibility="polycommit")
    bundle = zkml.compile(models.linear(tmp_path / "m.onnx"), run_args=args, allow_findings=frozenset({"inputs-unranged"})).bundle
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True)
    zkml.prove(bundle, SAMPLE, srs=srs)
    clean = {"kind": "zkml.audit", "version": 1, "refused": False, "findings": [], "slack": []}
    with bundle.change() as change:
        protocol = json.loads(bundle.path("protocol").read_text()) | {"audit": clean}
        record = bundle.records["protocol"]
        text = json.dumps(protocol, separators=(",", ":"), sort_keys=True).encode()
        change.write("protocol", text, made_from=record.made_from, **record.facts)
        change.write_json("audit", clean)
    result = run("verify", bundle.folder, "--unsafe-srs", "--json")
    assert result.exit_code == 7, result.stdout
    assert json.loads(result.stdout)["policy"] == "finding:inputs-unranged"
    # Not even keys made from the bundle with the edited audit make it clean.
    registry_path().unlink()
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    report = audited(keys.circuit_id)
    assert report is not None and "inputs-unranged" in report.codes


def test_prove_and_verify_need_no_more_than_they_say(proved: Proved, tmp_path: Path, run: Command, home: Path) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    for name in ("protocol", "proof"):
        shutil.copy(proved.bundle.path(name), folder)
    result = run("verify", folder / "proof.json", "--protocol", folder / "protocol.json", "--unsafe-srs")
    assert result.exit_code == 0, result.stderr


def test_bare_files_go_together(proved: Proved, run: Command, home: Path) -> None:
    failed(run, 2, "bare-files", "verify", proved.bundle.path("proof"), "--vk", proved.bundle.path("vk"))


def test_srs_of_another_ceremony_at_verification_is_rejected(proved: Proved, tmp_path: Path, run: Command, home: Path) -> None:
    foreign = generate_unsafe(tmp_path / "foreign.srs", 4)
    bundle = proved.bundle
    result = run(
        *["verify", bundle.path("proof"), "--settings", bundle.path("settings"), "--vk", bundle.path("vk")],
        *["--srs", foreign.path, "--unsafe-srs", "--allow-unaudited", "--json"],
    )
    assert result.exit_code == 1
