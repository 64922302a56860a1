"""A model's score with proofs: made from a job, checked from the folder alone; what a dishonest maker could do is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.jobs.conftest import K, Store, Tiny, inputs, opened
from tests.jobs.test_commands import Command
from tests.vectors import read
from zkml import RunArgs
from zkml.attestation import Checked, check, dataset_digest, metric_of
from zkml.attestation.dataset import as_labels, digest_of, labels_digest, stated, tensors
from zkml.attestation.format import read_attestation
from zkml.attestation.metrics import score_of
from zkml.errors import SampleError, UsageError
from zkml.jobs.evaluate import attest, subject_of
from zkml.jobs.manage import close_finished, find
from zkml.protocol import decode, read_proof
from zkml.verifier.policy import Policy

LOOSE = Policy(allow_unsafe_srs=True)
X = np.concatenate([inputs(5), inputs(1)])  # the last is the first again
Y = np.array([0, 1, 1, 0, 1, 1])


def made(store: Store, tiny: Tiny, folder: Path, metric: str = "top1", y: np.ndarray = Y, x: np.ndarray = X) -> Checked:
    chosen = metric_of(metric)
    labels = as_labels(y, chosen)
    subject = subject_of(tiny.bundle, chosen, labels, name="six rows")
    job = store.submit(tiny, x).job
    store.work(job=job)
    close_finished(store.db)
    return attest(store.db, store.artefacts, find(store.db, job), subject, labels, folder)


@pytest.fixture(scope="module")
def original(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("attested")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(tiny.home))
        for store in opened(place, f"sqlite:///{place / 'jobs.db'}"):
            made(store, tiny, place / "attestation")
    return place / "attestation"


@pytest.fixture
def folder(original: Path, store: Store, tmp_path: Path) -> Path:
    """A copy of an attestation, to be changed."""
    return Path(shutil.copytree(original, tmp_path / "attestation"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads((folder / "attestation.json").read_text())
    change(value)
    (folder / "attestation.json").write_text(json.dumps(value))


def claim_again(value: dict[str, Any], folder: Path) -> None:
    """Make the digests, counts and score follow from the items that are left, as a careful cheat does."""
    protocol = decode((folder / "protocol.json").read_bytes())
    chosen, right = [], 0
    for i, item in enumerate(value["items"]):
        item["index"] = i
        proof = folder / "proofs" / item["proof_sha256"][:2] / f"{item['proof_sha256']}.json"
        chosen.append(stated(tensors(protocol, "input"), read_proof(proof.read_bytes()).instances))
        right += item["label"] == item["predicted"]
    value["dataset"]["sha256"] = digest_of(chosen)
    value["labels"]["sha256"] = labels_digest([item["label"] for item in value["items"]])
    value["counts"] = {"items": len(chosen), "duplicates": len(chosen) - len(set(chosen))}
    value["score"] = score_of(Fraction(right, len(chosen)))


def test_a_score_is_that_of_the_proven_outputs(store: Store, tiny: Tiny, folder: Path) -> None:
    checked = check(folder, policy=LOOSE)
    assert checked.verdict.outcome == "accepted", checked.verdict
    a = checked.attestation
    assert a is not None
    right = sum(e.label == e.predicted for e in a.items)
    assert int(a.score["numerator"]) * 6 == right * int(a.score["denominator"])
    assert (len(a.items), a.duplicates, a.name) == (6, 1, "six rows")
    assert any("repeat the input" in note for note in checked.notes)
    assert any("different labels" in note for note in checked.notes)
    assert a.dataset == dataset_digest({"x": X}, a.inputs, decode((folder / "protocol.json").read_bytes()))


def test_both_verifiers_agree(folder: Path) -> None:
    assert check(folder, policy=LOOSE, verifier="python").verdict == check(folder, policy=LOOSE).verdict


def test_the_data_set_and_labels_are_bound_to_files(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=X, label=Y)
    mine = tmp_path / "mine.npz"
    checked = check(folder, policy=LOOSE, dataset=mine, labels=mine)
    assert checked.verdict.accepted
    assert checked.as_dict()["dataset"]["checked"]
    assert checked.as_dict()["labels"]["checked"]
    a = checked.attestation
    assert a is not None
    assert check(folder, policy=LOOSE, dataset=f"sha256:{a.dataset}", labels=f"sha256:{a.labels}").verdict.accepted
    other = X.copy()
    other[3, 0] += 0.5
    np.savez(tmp_path / "other.npz", x=other, label=[0, 1, 1, 0, 0, 1])
    np.savez(tmp_path / "longer.npz", x=np.concatenate([X, X]), label=[*Y, *Y])
    refused = [
        (check(folder, policy=LOOSE, dataset=tmp_path / "other.npz"), "items[3]"),
        (check(folder, policy=LOOSE, labels=tmp_path / "other.npz"), "items[4].label"),
        (check(folder, policy=LOOSE, dataset=tmp_path / "longer.npz"), "counts.items"),
        (check(folder, policy=LOOSE, labels=tmp_path / "longer.npz"), "counts.items"),
        (check(folder, policy=LOOSE, dataset="sha256:" + "0" * 64), "dataset.sha256"),
        (check(folder, policy=LOOSE, labels="sha256:" + "0" * 64), "labels.sha256"),
    ]
    assert [(c.verdict.outcome, c.verdict.where) for c, _ in refused] == [("rejected", where) for _, where in refused]
    with pytest.raises(SampleError):
        check(folder, policy=LOOSE, dataset=tmp_path / "absent.npz")


def test_errors_of_numbers_are_attested(store: Store, tiny: Tiny, tmp_path: Path) -> None:
    y = np.random.default_rng(3).normal(size=(6, 2))
    for metric in ("mse", "mae"):
        assert made(store, tiny, tmp_path / metric, metric, y).verdict.accepted
    assert check(tmp_path / "mse", policy=LOOSE).verdict.accepted
    mse = read_attestation(tmp_path / "mse")
    scale = tensors(decode((tmp_path / "mse" / "protocol.json").read_bytes()), "output")[0].scale or 0
    outputs = np.array([e.predicted for e in mse.items]) / 2.0**scale
    assert float(mse.score["decimal"]) == pytest.approx(((outputs - y) ** 2).mean(), rel=1e-9)
    edit(tmp_path / "mse", lambda v: v["items"][0]["label"].append(1.0))
    assert check(tmp_path / "mse", policy=LOOSE).verdict.where == "items[0].label"


# ---- what a dishonest maker could do


def leave_out(v: dict[str, Any]) -> None:
    del v["items"][2]


def leave_out_and_number(v: dict[str, Any]) -> None:
    del v["items"][2]
    for i, item in enumerate(v["items"]):
        item["index"] = i


def count_too(v: dict[str, Any]) -> None:
    leave_out_and_number(v)
    v["counts"]["items"] = 5


def twice(v: dict[str, Any]) -> None:
    v["items"][2] = v["items"][1] | {"index": 2}


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(v: dict[str, Any]) -> None:
        for key in path[:-1]:
            v = v[key]
        v[path[-1]] = value

    return change


def flip_prediction(v: dict[str, Any]) -> None:
    v["items"][0]["predicted"] = 1 - v["items"][0]["predicted"]


def flip_label(v: dict[str, Any]) -> None:
    v["items"][0]["label"] = 1 - v["items"][0]["label"]


@pytest.mark.parametrize(
    ("change", "outcome", "where"),
    [
        (leave_out, "malformed", "counts.items"),
        (leave_out_and_number, "malformed", "counts.items"),
        (count_too, "rejected", "dataset.sha256"),
        (twice, "rejected", "dataset.sha256"),
        (flip_prediction, "rejected", "items[0].predicted"),
        (flip_label, "rejected", "labels.sha256"),
        (put("items", 1, "index", value=0), "malformed", "items[1].index"),
        (put("items", 0, "index", value=False), "malformed", "items[0].index"),
        (put("items", 0, "label", value=-1), "malformed", "items[0].label"),
        (put("items", 0, "label", value=True), "malformed", "items[0].label"),
        (put("items", 0, "label", value=7), "rejected", "items[0].label"),
        (put("items", 0, "predicted", value=True), "rejected", "items[0].predicted"),
        (put("items", 0, "proof_sha256", value="0" * 64), "malformed", "items[0]"),
        (put("items", 0, "proof_sha256", value="../../../etc/passwd"), "malformed", "items[0].proof_sha256"),
        (put("items", 0, "statement_sha256", value="0" * 64), "rejected", "items[0].statement_sha256"),
        (put("metric", "definition", value="whatever is best"), "malformed", "metric.definition"),
        (put("metric", "name", value="top2"), "malformed", "metric.definition"),
        (put("metric", "output", value="output_7"), "rejected", "metric.output"),
        (put("metric", "output", value="input_0"), "rejected", "metric.output"),
        (put("score", "numerator", value="1"), "rejected", "score"),
        (put("score", "decimal", value="1"), "rejected", "score"),
        (put("score", "decimal", value="NaN"), "malformed", "score.decimal"),
        (put("score", "numerator", value=1), "malformed", "score.numerator"),
        (put("counts", "duplicates", value=0), "rejected", "counts.duplicates"),
        (put("circuit_id", value="0" * 64), "rejected", "protocol.json"),
        (put("protocol_sha256", value="0" * 64), "rejected", "protocol.json"),
        (put("inputs", 0, "scale", value=3), "rejected", "inputs[0]"),
        (put("inputs", 0, "dtype", value="|O"), "malformed", "inputs[0].dtype"),
        (put("inputs", 0, "shape", value=[1 << 40]), "malformed", "inputs[0].shape"),
        (put("dataset", "name", value="\x1b[2J"), "malformed", "dataset.name"),
        (put("version", value=2), "malformed", "version"),
        (put("version", value=True), "malformed", "version"),
        (put("more", value=1), "malformed", "top level"),
        (put("items", value=[]), "malformed", "items"),
    ],
)
def test_changed_claims_are_found(folder: Path, change: Callable[[dict[str, Any]], None], outcome: str, where: str) -> None:
    edit(folder, change)
    verdict = check(folder, policy=LOOSE).verdict
    assert (verdict.outcome, verdict.where) == (outcome, where), verdict


@pytest.mark.parametrize("change", [leave_out, twice, flip_label])
def test_a_careful_cheat_is_found_by_the_owner_of_the_data(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    def cheat(v: dict[str, Any]) -> None:
        change(v)
        claim_again(v, folder)

    edit(folder, cheat)
    assert check(folder, policy=LOOSE).verdict.accepted  # it is true of the items that it lists
    np.savez(tmp_path / "mine.npz", x=X, label=Y)
    bound = check(folder, policy=LOOSE, dataset=tmp_path / "mine.npz", labels=tmp_path / "mine.npz")
    assert bound.verdict.outcome == "rejected"


def test_files_that_are_none_are_malformed(folder: Path) -> None:
    text = (folder / "attestation.json").read_bytes()
    for bad in (b"", b"{", b"[" * 100_000, text.replace(b'"version": 1', b'"version": NaN'), text[:-20], b"\xff" + text, b"null"):
        (folder / "attestation.json").write_bytes(bad)
        assert check(folder, policy=LOOSE).verdict.outcome == "malformed"
    (folder / "attestation.json").unlink()
    with (folder / "attestation.json").open("wb") as f:
        f.truncate(1 << 40)  # a hole: as long as it says, and nothing on the disk
    assert "more than" in str(check(folder, policy=LOOSE).verdict.reason)


def proof_of(folder: Path, index: int) -> Path:
    digest = read_attestation(folder).items[index].proof
    return folder / "proofs" / digest[:2] / f"{digest}.json"


def test_a_changed_or_missing_proof_is_named(folder: Path) -> None:
    path = proof_of(folder, 2)
    text = path.read_bytes()
    path.write_bytes(text + b" ")
    assert check(folder, policy=LOOSE).verdict.where == "items[2].proof_sha256"
    path.unlink()
    assert (check(folder, policy=LOOSE).verdict.outcome, check(folder, policy=LOOSE).verdict.where) == ("malformed", "items[2]")


def test_a_proof_that_does_not_hold_is_named(folder: Path) -> None:
    proof = json.loads(proof_of(folder, 2).read_text())
    del proof["hex_proof"]
    proof["proof"][-40] ^= 1
    text = json.dumps(proof).encode()
    digest = hashlib.sha256(text).hexdigest()
    target = folder / "proofs" / digest[:2] / f"{digest}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(text)
    edit(folder, put("items", 2, "proof_sha256", value=digest))
    verdict = check(folder, policy=LOOSE).verdict
    assert (verdict.outcome in ("rejected", "malformed"), verdict.where) == (True, "items[2]"), verdict
    assert "its proof is" in str(verdict.reason)


def test_another_circuit_is_found(folder: Path) -> None:
    shutil.copy(read.ROOT / "linear" / "protocol.json", folder / "protocol.json")
    assert check(folder, policy=LOOSE).verdict.where == "protocol.json"


def test_the_policy_speaks_last(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check(folder, policy=Policy()).verdict.policy == "unsafe-srs"
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "nobody"))
    assert check(folder, policy=LOOSE).verdict.policy == "unaudited"
    edit(folder, flip_label)
    assert check(folder, policy=Policy()).verdict.outcome == "rejected"


# ---- making them


def test_there_is_no_score_without_every_proof(store: Store, tiny: Tiny, tmp_path: Path) -> None:
    labels = as_labels(Y, metric_of("top1"))
    subject = subject_of(tiny.bundle, metric_of("top1"), labels)
    job = find(store.db, store.submit(tiny, X).job)
    with pytest.raises(SampleError, match="item 0 has no proof"):
        attest(store.db, store.artefacts, job, subject, labels, tmp_path / "out")
    with pytest.raises(SampleError, match="6 inputs and 5 labels"):
        attest(store.db, store.artefacts, job, subject, labels[1:], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_attested_is_said_before_it_is_proved(tiny: Tiny) -> None:
    for metric, labels, output in (("top2", [1], None), ("top1", [2], None), ("mse", [[1.0]], None), ("top1", [1], "input_0")):
        with pytest.raises((UsageError, SampleError)):
            subject_of(tiny.bundle, metric_of(metric), labels, output)


def test_evaluate_and_verify_as_commands(store: Store, tiny: Tiny) -> None:
    command = Command(store, tiny)
    np.savez(store.folder / "data.npz", x=X, label=Y)
    evaluate = ["job", "evaluate", tiny.bundle.folder, "data.npz", "--dataset-name", "six rows", "--out", "out", *command.srs]
    evaluate += ["--ram", "200MB", "--threads", "1", "--json"]
    done = command(*evaluate)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["counts"] == {"items": 6, "duplicates": 1}
    again = command(*evaluate)
    assert (again.returncode, json.loads(again.stdout)) == (0, value), again.stderr
    bound = ["--dataset", "data.npz", "--labels", "data.npz"]
    verified = command("verify", "out", "--unsafe-srs", *bound, "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["score"] == value["score"]
    assert value["score"]["decimal"] in command("verify", "out", "--unsafe-srs").stdout
    assert command("verify", "out").returncode == 7
    edit(store.folder / "out", flip_prediction)
    assert command("verify", "out", "--unsafe-srs").returncode == 1
    (store.folder / "out" / "attestation.json").write_text("{}")
    assert command("verify", "out", "--unsafe-srs").returncode == 3
    assert command(*evaluate).returncode == 2  # what it is no attestation is not replaced
    assert command("verify", tiny.bundle.folder, *bound).returncode == 2


@pytest.mark.ezkl
def test_hashed_inputs_are_attested_without_them(store: Store, tiny: Tiny, tmp_path: Path) -> None:
    args = RunArgs(
        logrows=K, lookup_range=(-10, 10), decomp_base=128, decomp_legs=2, input_scale=2, param_scale=2, num_inner_cols=1
    ).with_(input_visibility="hashed")
    code = "inputs-unranged"
    bundle = zkml.compile(models.linear(tmp_path / "hashed.onnx"), run_args=args, allow_findings=frozenset({code})).bundle
    zkml.setup(bundle, tiny.srs, allow_unsafe_srs=True)
    hashed = Tiny(bundle, tiny.srs, tiny.home)
    made(store, hashed, tmp_path / "attestation", x=X[:2], y=Y[:2])
    np.savez(tmp_path / "mine.npz", x=X[:2])
    np.savez(tmp_path / "other.npz", x=X[:2] + 1)
    allowed = Policy(allow_unsafe_srs=True, allow_findings=frozenset({code}))
    assert check(tmp_path / "attestation", policy=LOOSE).verdict.policy == f"finding:{code}"
    assert check(tmp_path / "attestation", policy=allowed, dataset=tmp_path / "mine.npz").verdict.accepted
    assert check(tmp_path / "attestation", policy=allowed, dataset=tmp_path / "other.npz").verdict.where == "items[0]"
