"""What calibration must reach on real models, beside EZKL's own calibration. Minutes, so only in the long run of tests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benches.calibrate import main
from zkml.settings.calibrate import calibrate

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ZKML_SHARED") or ROOT.parent / "shared")
MLP = SHARED / "ezkl_models" / "1l_mlp"
ZOO = ("linear_regression", "logistic_regression", "mlp")


@pytest.mark.slow
@pytest.mark.skipif(not MLP.is_dir(), reason="the example models are not here")
def test_the_small_perceptron_proves_ten_times_faster_at_an_error_no_larger() -> None:
    data = ["--data", str(MLP / "input.json"), "--runs", "3", "--json"]
    result = CliRunner().invoke(main, [str(MLP / "network.onnx"), *data], catch_exceptions=False)
    found = json.loads(result.stdout)
    theirs, ours = found["contenders"]
    assert theirs["verified"] and ours["verified"]
    assert not ours["freivalds"]
    assert ours["max_abs"] <= theirs["max_abs"]
    assert found["speedup"] >= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_zoo_models_keep_their_bar_and_held_out_samples_fit(name: str) -> None:
    folder = ROOT / "models" / name
    with np.load(folder / "samples.npz") as archive:
        arrays = {k: archive[k] for k in archive.files}
    labels = next((arrays.pop(k) for k in ("label", "target") if k in arrays), None)
    found = calibrate(folder / "model.onnx", arrays, labels=labels)
    report = found.fidelity
    gap = report.metric_float - report.metric_integer
    assert (gap if report.bar["higher_is_better"] else -gap) <= report.bar["tolerance"] + 1e-9
    assert report.held_out > 0
    assert report.held_out_fit == report.held_out
    assert "mock" in report.validated


@pytest.mark.slow
def test_lenet_keeps_its_accuracy_with_at_most_2_to_the_17_rows() -> None:
    folder = ROOT / "models" / "lenet5"
    with np.load(folder / "samples.npz") as archive:
        arrays = {k: archive[k] for k in archive.files}
    labels = arrays.pop("label")
    found = calibrate(folder / "model.onnx", arrays, labels=labels)
    assert found.run_args.logrows <= 17
    assert found.fidelity.metric_integer >= found.fidelity.metric_float - 0.01
    assert len(found.fidelity.nodes) > 5
