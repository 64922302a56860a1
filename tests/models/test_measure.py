"""The measurements beside the models are what EZKL gives, and its failures become errors that name the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from models import measure
from models.entry import ROOT, names
from models.graph import Graph, to_bytes
from zkml.errors import CircuitError

pytestmark = pytest.mark.ezkl


def check(name: str, scale: int) -> None:
    shipped = json.loads((ROOT / name / "ezkl.json").read_text())["measurements"]
    assert measure.in_ezkl(name, scale) == next(m for m in shipped if m["scale"] == scale)


@pytest.mark.parametrize("name", ["linear_regression", "kmeans", "mlp"])
def test_small_models_measure_as_shipped(name: str) -> None:
    check(name, 7)


@pytest.mark.slow
@pytest.mark.parametrize("scale", measure.SCALES)
@pytest.mark.parametrize("name", names())
def test_every_model_measures_as_shipped(name: str, scale: int) -> None:
    check(name, scale)


def test_a_model_that_ezkl_refuses_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph("modulo")
    x = graph.input("x", [1, 2])
    half = graph.constant("half", [0.5])
    model = graph.finish(graph.node("Mod", x, half, out="y", fmod=1), [1, 2], TensorProto.FLOAT)
    (tmp_path / "modulo").mkdir()
    (tmp_path / "modulo" / "model.onnx").write_bytes(to_bytes(model))
    np.savez(tmp_path / "modulo" / "samples.npz", x=np.zeros((1, 2), np.float32))
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    with pytest.raises(CircuitError, match="modulo"):
        measure.in_ezkl("modulo", 7)
