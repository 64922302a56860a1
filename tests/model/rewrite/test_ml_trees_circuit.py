"""Thresholds in the circuit fall where ONNX puts them, for inputs on the circuit's own grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model.rewrite.ml import FLOAT, LEQ, LT, ml_proto
from zkml.ezkl import Worker
from zkml.model import from_proto, make_samples, normalise
from zkml.model.run import run_float
from zkml.model.samples import write_ezkl_json
from zkml.settings import RunArgs

pytestmark = pytest.mark.ezkl

SCALE = 4
R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
TREES = 40


@pytest.mark.parametrize("modes", [LEQ, LT], ids=["leq", "lt"])
def test_every_threshold_is_decided_as_onnx_decides_it(modes: tuple[str], tmp_path: Path) -> None:
    """Forty stumps, whose thresholds are on the grid of 1/16, half-way between its points, and on the grid of 1/256 that they
    are rounded to, of both signs; inputs are points of the grid around them."""
    rng = np.random.default_rng(0)
    thresholds = np.concatenate(
        [rng.integers(-20, 20, 14) / 16, rng.integers(-40, 40, 13) / 32, rng.integers(-300, 300, 13) / 256]
    )
    attributes: dict[str, Any] = {
        "nodes_treeids": [t for t in range(TREES) for _ in range(3)],
        "nodes_nodeids": [0, 1, 2] * TREES,
        "nodes_featureids": [t for t in range(TREES) for _ in range(3)],
        "nodes_values": [v for t in thresholds for v in (float(t), 0.0, 0.0)],
        "nodes_modes": [modes[0], "LEAF", "LEAF"] * TREES,
        "nodes_truenodeids": [1, 0, 0] * TREES,
        "nodes_falsenodeids": [2, 0, 0] * TREES,
        "target_treeids": [t for t in range(TREES) for _ in range(2)],
        "target_nodeids": [1, 2] * TREES,
        "target_ids": [t for t in range(TREES) for _ in range(2)],
        "target_weights": [1.0, 0.0] * TREES,
    }
    proto = ml_proto("TreeEnsembleRegressor", TREES, [("y", FLOAT, [1, TREES])], n_targets=TREES, **attributes)
    model = normalise(from_proto(proto))
    points = [np.floor(thresholds * 16) / 16 + step / 16 for step in (-1, 0, 1)]
    samples = make_samples({"x": np.asarray(points, dtype=np.float32)}, model)
    expected = run_float(model, samples)["y"].reshape(len(points), TREES)
    args = RunArgs(input_scale=SCALE, param_scale=SCALE, logrows=14)
    (tmp_path / "model.onnx").write_bytes(model.to_bytes())
    names = {"model": tmp_path / "model.onnx", "settings_path": tmp_path / "settings.json"}
    with Worker() as worker:
        worker.call("gen_settings", stage="test", model=names["model"], output=names["settings_path"], py_run_args=args.as_ezkl())
        worker.call("compile_circuit", stage="test", compiled_circuit=tmp_path / "circuit", **names)
        for sample, wanted in zip(samples, expected, strict=True):
            write_ezkl_json(tmp_path / "input.json", sample, model)
            worker.call(
                "gen_witness",
                stage="test",
                data=tmp_path / "input.json",
                model=tmp_path / "circuit",
                output=tmp_path / "witness.json",
            )
            felts = json.loads((tmp_path / "witness.json").read_bytes())["outputs"][0]
            got = np.asarray([int.from_bytes(bytes.fromhex(f), "little") for f in felts]) / 2**SCALE
            np.testing.assert_array_equal(got, wanted)
