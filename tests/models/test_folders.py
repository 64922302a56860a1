"""Every folder of the zoo is complete, valid, small, and does what its card says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from models import count, metric, runtime
from models.entry import CARD_FORMAT, ROOT, names
from models.graph import OPSET

NAMES = names()
FILES = {"__init__.py", "build.py", "card.json", "ezkl.json", "model.onnx", "samples.npz"}
OTHER_PLACES = re.compile(rb"(/root/|/home/|/work/|/tmp/|/usr/|/Users/|site-packages|https?://|localhost)")
ZOO_BYTES = 6 << 20


def card(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / name / "card.json").read_text())
    return content


def model(name: str) -> onnx.ModelProto:
    return onnx.load(ROOT / name / "model.onnx")


def samples(name: str) -> dict[str, Any]:
    with np.load(ROOT / name / "samples.npz") as archive:
        return {key: archive[key] for key in archive.files}


def test_zoo_is_small() -> None:
    total = sum(f.stat().st_size for f in ROOT.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    assert total < ZOO_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_folder_has_all_parts_and_nothing_else(name: str) -> None:
    assert {p.name for p in (ROOT / name).iterdir() if p.name != "__pycache__"} == FILES


@pytest.mark.parametrize("name", NAMES)
def test_model_passes_the_checker_with_fixed_shapes(name: str) -> None:
    loaded = model(name)
    onnx.checker.check_model(loaded, full_check=True)
    assert [(o.domain, o.version) for o in loaded.opset_import] == [("", OPSET)]
    for value in (*loaded.graph.input, *loaded.graph.output):
        assert all(d.dim_value > 0 for d in value.type.tensor_type.shape.dim)


@pytest.mark.parametrize("name", NAMES)
def test_card_describes_the_model(name: str) -> None:
    facts, loaded = card(name), model(name)
    assert facts["format"] == CARD_FORMAT
    assert facts["name"] == name
    assert facts["opset"] == OPSET
    assert facts["model_sha256"] == hashlib.sha256((ROOT / name / "model.onnx").read_bytes()).hexdigest()
    assert facts["parameters"] == count.parameters(loaded)
    assert facts["multiply_accumulates"] == count.multiply_accumulates(loaded)
    for described, values in (("inputs", loaded.graph.input), ("outputs", loaded.graph.output)):
        assert [d["name"] for d in facts[described]] == [v.name for v in values]
        for line, value in zip(facts[described], values, strict=True):
            assert line["shape"] == [d.dim_value for d in value.type.tensor_type.shape.dim]
    assert facts["data"]["source"]
    assert facts["data"]["licence"]


@pytest.mark.parametrize("name", NAMES)
def test_samples_fit_the_inputs_and_lie_on_a_binary_grid(name: str) -> None:
    facts, shipped = card(name), samples(name)
    rows = facts["metric"]["shipped"]["samples"]
    assert 64 <= rows <= 300
    for line in facts["inputs"]:
        x = shipped.pop(line["name"])
        assert x.dtype == np.float32
        assert x.shape == (rows, *line["shape"][1:])
        assert np.abs(x).max() <= 1
        assert np.array_equal(x * 128, np.round(x * 128))
    expected = facts["metric"]["against"]
    if expected in {"label", "target"}:
        assert len(shipped.pop(expected)) == rows
    assert not shipped


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_reproduces_the_quality_on_the_card(name: str) -> None:
    facts, shipped = card(name), samples(name)
    measure = facts["metric"]
    inputs = {line["name"]: shipped[line["name"]] for line in facts["inputs"]}
    output = runtime.predict((ROOT / name / "model.onnx").read_bytes(), inputs)
    assert output.shape == (len(output), *facts["outputs"][0]["shape"][1:])
    assert np.isfinite(output).all()
    value = metric.score(measure["name"], output, shipped[measure["against"]], threshold=measure["threshold"])
    assert value == pytest.approx(measure["shipped"]["value"], abs=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_files_name_no_other_place(name: str) -> None:
    for path in (ROOT / name).iterdir():
        if path.is_file():
            assert not OTHER_PLACES.search(path.read_bytes()), path


@pytest.mark.parametrize("name", NAMES)
def test_measurements_are_of_a_circuit_that_fits(name: str) -> None:
    measured = json.loads((ROOT / name / "ezkl.json").read_text())["measurements"]
    assert [m["scale"] for m in measured] == [7, 10]
    for m in measured:
        assert m["num_rows"] < 1_200_000
        assert m["total_assignments"] >= m["num_rows"]


def test_page_is_the_one_that_the_cards_give() -> None:
    from models.table import PAGE, page

    assert Path(PAGE).read_text() == page()
