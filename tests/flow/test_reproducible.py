"""The same model, settings and SRS give the same bytes; `rebuild` finds whatever was exchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import helper

import zkml
from tests.flow import models
from tests.flow.conftest import SAMPLE, SMALL, Command, Proved
from zkml.bundle import KINDS, Bundle
from zkml.circuit.compile import compile_model
from zkml.errors import CircuitError, MismatchedArtifacts
from zkml.ezkl import Worker
from zkml.keys.rebuild import rebuild
from zkml.keys.srs import Srs, generate_unsafe

SAME = ("model", "settings", "circuit", "vk", "pk", "protocol")


def digests(bundle: Bundle) -> dict[str, str]:
    return {name: bundle.records[name].sha256 for name in SAME}


@pytest.mark.parametrize("threads", [2, 5])
def test_another_folder_and_other_threads_give_the_same_bytes(
    threads: int, proved: Proved, srs: Srs, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    with Worker() as worker:
        assert worker.threads == threads
    folder = tmp_path / f"another place {threads}"
    model = models.linear(folder / "renamed.onnx")
    bundle = zkml.compile(model, run_args=SMALL).bundle
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True)
    assert digests(bundle) == digests(proved.bundle)
    assert keys.circuit_id == proved.circuit_id


def test_lookups_that_ezkl_orders_at_random_come_out_in_one_order(tmp_path: Path, home: Path) -> None:
    nodes = [helper.make_node(op, ["x"], [op]) for op in ("Sigmoid", "Tanh", "Erf", "Sin")]
    nodes.append(helper.make_node("Sum", ["Sigmoid", "Tanh", "Erf", "Sin"], ["y"]))
    seen = set()
    for i in range(4):
        model = models.save(tmp_path / f"{i}.onnx", nodes, {"x": [1, 3]}, [1, 3], {})
        bundle = zkml.compile(model, run_args=SMALL).bundle
        seen.add((bundle.records["settings"].sha256, bundle.records["circuit"].sha256))
    assert len(seen) == 1


def test_a_table_of_more_than_16_columns_is_refused(tmp_path: Path, home: Path) -> None:
    model = models.unary(tmp_path / "m.onnx", "Sigmoid")
    with pytest.raises(CircuitError) as error:
        zkml.compile(model, run_args=SMALL.with_(logrows=8, lookup_range=(-2000, 2000)))
    assert error.value.code == "table-too-wide"
    assert error.value.details["smallest_logrows"] == 9
    assert not (tmp_path / "m.zkml").exists()
    zkml.compile(model, run_args=SMALL.with_(logrows=9, lookup_range=(-2000, 2000)))


def test_a_stranger_checks_that_the_key_is_the_model(proved: Proved, srs: Srs, stranger: Path, run: Command) -> None:
    verdict = run("verify", proved.bundle.folder, "--unsafe-srs")
    assert verdict.exit_code == 7
    assert f"zkml audit {proved.bundle.folder} --rebuild" in verdict.stderr
    audited = run(
        "audit", proved.bundle.folder, "--rebuild", "--model", proved.model, "--srs", srs.path, "--unsafe-srs", "--json"
    )
    assert audited.exit_code == 0, audited.stderr
    assert json.loads(audited.stdout)["rebuilt"]["circuit_id"] == proved.circuit_id
    assert run("verify", proved.bundle.folder, "--unsafe-srs").exit_code == 0


def rerecorded(bundle: Bundle, name: str, data: bytes) -> Bundle:
    """Return the bundle with one artefact exchanged and every digest in the manifest made to agree."""
    with bundle.change() as change:
        old = bundle.records[name]
        outside = {k: v for k, v in old.made_from.items() if not bundle.has(k)}
        change.write(name, data, made_from=outside, **old.facts)
        for kind in KINDS:
            if kind.name != name and bundle.has(kind.name):
                record = bundle.records[kind.name]
                outside = {k: v for k, v in record.made_from.items() if not bundle.has(k)}
                change.write(kind.name, bundle.path(kind.name).read_bytes(), made_from=outside, **record.facts)
    return Bundle.open(bundle.folder)


def exchanged_model(bundle: Bundle, folder: Path) -> Bundle:
    """Another weight in the model that the bundle shows."""
    other = zkml.compile(models.linear(folder / "other.onnx", nudge=0.02), run_args=SMALL).bundle
    return rerecorded(bundle, "model", other.path("model").read_bytes())


def edited_settings(bundle: Bundle, folder: Path) -> Bundle:
    settings = json.loads(bundle.path("settings").read_text())
    settings["total_assignments"] += 1
    return rerecorded(bundle, "settings", json.dumps(settings, separators=(",", ":")).encode())


def another_key(bundle: Bundle, folder: Path) -> Bundle:
    vk = bytearray(bundle.path("vk").read_bytes())
    vk[7 + 2 * 64 : 7 + 3 * 64], vk[7 + 3 * 64 : 7 + 4 * 64] = vk[7 + 3 * 64 : 7 + 4 * 64], vk[7 + 2 * 64 : 7 + 3 * 64]
    return rerecorded(bundle, "vk", bytes(vk))


@pytest.mark.parametrize(
    ("exchange", "file"),
    [(exchanged_model, "circuit.ezkl"), (edited_settings, "settings.json"), (another_key, "vk.key")],
)
def test_rebuild_finds(
    exchange: Callable[[Bundle, Path], Bundle], file: str, copy: Bundle, tmp_path: Path, srs: Srs, home: Path
) -> None:
    bundle = exchange(copy, tmp_path)
    assert bundle.verify() == []
    with pytest.raises(MismatchedArtifacts) as error:
        rebuild(bundle, srs, allow_unsafe_srs=True)
    assert error.value.code == "not-reproduced"
    assert error.value.details["file"] == file


def test_rebuild_finds_that_the_model_is_another(proved: Proved, tmp_path: Path, srs: Srs, home: Path) -> None:
    other = models.linear(tmp_path / "other.onnx", seed=99)
    with pytest.raises(MismatchedArtifacts) as error:
        rebuild(proved.bundle, srs, model=other, allow_unsafe_srs=True)
    assert error.value.details["file"] == "model.onnx"


def test_rebuild_needs_the_ceremony_of_the_key(proved: Proved, tmp_path: Path, home: Path) -> None:
    other = generate_unsafe(tmp_path / "other.srs", 8)
    with pytest.raises(MismatchedArtifacts) as error:
        rebuild(proved.bundle, other, allow_unsafe_srs=True)
    assert error.value.code == "srs-mismatch"


def test_a_fixed_input_is_rebuilt_with_the_witness_it_came_from(tmp_path: Path, srs: Srs, home: Path) -> None:
    bundle = zkml.compile(models.linear(tmp_path / "f.onnx"), run_args=SMALL.with_(input_visibility="fixed")).bundle
    zkml.make_witness(bundle, SAMPLE)
    keys = zkml.setup(bundle, srs, allow_unsafe_srs=True)
    assert rebuild(bundle, srs, allow_unsafe_srs=True).circuit_id == keys.circuit_id


def test_a_failed_compile_leaves_no_folder_and_no_change(proved: Proved, tmp_path: Path, home: Path) -> None:
    model = models.linear(tmp_path / "m.onnx")
    bad: dict[str, Any] = {"run_args": SMALL.with_(logrows=5, decomp_base=1024)}
    with pytest.raises(CircuitError):
        compile_model(model, out=tmp_path / "deep" / "er" / "m.zkml", **bad)
    assert not (tmp_path / "deep").exists()
    folder = tmp_path / "kept.zkml"
    shutil.copytree(proved.bundle.folder, folder)
    with pytest.raises(CircuitError):
        compile_model(model, out=folder, **bad)
    assert digests(Bundle.open(folder)) == digests(proved.bundle)
