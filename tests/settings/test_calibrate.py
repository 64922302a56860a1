"""Calibration finds sound, cheap settings that keep the accuracy, and says why when there are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.settings.tiny import inputs, perceptron
from zkml.errors import InfeasibleError, SampleError, UsageError
from zkml.estimate import Budget
from zkml.ezkl import Worker
from zkml.settings import RunArgs, sorted_settings
from zkml.settings.calibrate import calibrate
from zkml.settings.fidelity import Fidelity
from zkml.settings.float_model import FloatModel


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as started:
        yield started


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perceptron(tmp_path_factory.mktemp("model") / "model.onnx")


def test_the_run_arguments_alone_give_the_settings_again(model: Path, worker: Worker, tmp_path: Path) -> None:
    found = calibrate(model, inputs(20), worker=worker)
    path = tmp_path / "settings.json"
    worker.call("gen_settings", model=model, output=path, py_run_args=found.run_args.as_ezkl())
    assert sorted_settings(json.loads(path.read_text())) == found.settings
    assert found.settings["einsum_params"]["total_einsum_col_size"] == 0
    assert found.fidelity.validated == ("witness", "mock", "proof")
    assert found.fidelity.held_out == found.fidelity.held_out_fit == 4


def test_a_small_perceptron_needs_few_rows_and_meets_the_bar(model: Path, worker: Worker) -> None:
    found = calibrate(model, inputs(20), metric="max_abs", tolerance=0.05, worker=worker)
    assert found.run_args.logrows <= 9
    assert found.run_args.disable_freivalds
    assert found.fidelity.metric_integer <= 0.05
    assert found.fidelity.outputs[0].max_abs == found.fidelity.metric_integer


def test_a_stricter_bar_gives_a_smaller_error(model: Path, worker: Worker) -> None:
    data = inputs(8)
    loose = calibrate(model, data, metric="max_abs", tolerance=0.3, worker=worker)
    strict = calibrate(model, data, metric="max_abs", tolerance=0.002, worker=worker)
    assert strict.fidelity.metric_integer <= 0.002
    assert strict.fidelity.layout["estimated_seconds"] >= loose.fidelity.layout["estimated_seconds"]


def test_labels_make_top1_the_metric_and_the_float_value_the_reference(model: Path, worker: Worker) -> None:
    data = inputs(20)
    floats = FloatModel.load(model)
    labels = floats.run(floats.split(data))[0].reshape(20, -1).argmax(axis=1)
    labels[0] = (labels[0] + 1) % 3
    found = calibrate(model, data, labels=labels, worker=worker)
    assert found.fidelity.bar["metric"] == "top1"
    assert found.fidelity.metric_float == pytest.approx(0.95)
    assert found.fidelity.metric_integer >= 0.94


def test_lookups_get_a_table_with_room_for_unseen_inputs(tmp_path: Path, worker: Worker) -> None:
    model = perceptron(tmp_path / "model.onnx", sigmoid=True)
    found = calibrate(model, inputs(12), metric="max_abs", tolerance=0.1, margin=3.0, worker=worker)
    low, high = found.run_args.lookup_range
    floats = FloatModel.load(model)
    seen = np.abs(np.array([s["x"] for s in floats.split(inputs(12))])).max()
    assert found.settings["required_lookups"]
    assert high - low > 2 * seen * 2**found.run_args.input_scale
    assert found.fidelity.held_out_fit == found.fidelity.held_out > 0


def test_values_within_the_margin_fit_and_far_beyond_it_do_not(model: Path, worker: Worker, tmp_path: Path) -> None:
    from zkml.errors import WitnessError

    data = inputs(12)
    found = calibrate(model, data, metric="max_abs", tolerance=0.05, margin=2.0, worker=worker)
    settings, circuit = tmp_path / "settings.json", tmp_path / "circuit.ezkl"
    settings.write_text(json.dumps({k: v for k, v in found.settings.items() if k != "timestamp"}))
    worker.call("compile_circuit", model=model, compiled_circuit=circuit, settings_path=settings)

    def fits(factor: float) -> bool:
        path = tmp_path / "input.json"
        path.write_text(json.dumps({"input_data": [(data["x"][0] * factor).reshape(-1).tolist()]}))
        try:
            worker.call("gen_witness", data=path, model=circuit, output=tmp_path / "witness.json")
        except WitnessError as e:
            assert e.code == "value-too-large"
            return False
        return True

    assert fits(1.0)
    assert not fits(10_000.0)


def test_one_sample_is_enough_and_the_report_says_that_it_is_few(model: Path, worker: Worker) -> None:
    found = calibrate(model, inputs(1), worker=worker)
    assert found.fidelity.drawn > 0
    assert found.fidelity.held_out == 0
    assert "only 1 samples" in found.fidelity.notes[0]


def test_a_budget_that_is_too_small_names_the_limit_and_what_would_do(model: Path, worker: Worker) -> None:
    with pytest.raises(InfeasibleError, match="--max-ram") as e:
        calibrate(model, inputs(8), worker=worker, budget=Budget(max_ram=1_000_000))
    assert e.value.details["constraint"] == "max_ram"
    assert e.value.details["needed"] > 1_000_000
    assert e.value.exit_code == 4


def test_an_accuracy_out_of_reach_names_the_tolerance_that_is_not(model: Path, worker: Worker) -> None:
    with pytest.raises(InfeasibleError, match="no circuit reaches max_abs") as e:
        calibrate(model, inputs(8), metric="max_abs", tolerance=1e-9, worker=worker, scales=[3, 4])
    needed = e.value.details["needed"]
    found = calibrate(model, inputs(8), metric="max_abs", tolerance=needed * 1.01, worker=worker, scales=[3, 4])
    assert found.fidelity.metric_integer <= needed * 1.01


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"margin": 0.5}, UsageError),
        ({"metric": "top1"}, UsageError),
        ({"metric": "vibes"}, UsageError),
        ({"tolerance": -1.0}, UsageError),
        ({"run_args": RunArgs(disable_freivalds=False)}, UsageError),
    ],
)
def test_contradictory_requests_are_refused_before_any_work(
    model: Path, changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        calibrate(model, inputs(4), **changes)  # type: ignore[arg-type]


def test_samples_of_another_shape_are_refused(model: Path) -> None:
    with pytest.raises(SampleError, match="expected"):
        calibrate(model, inputs(4, width=5))


def test_the_report_survives_json(model: Path, worker: Worker) -> None:
    report = calibrate(model, inputs(8), worker=worker).fidelity
    assert Fidelity.from_dict(json.loads(json.dumps(report.as_dict()))) == report
    assert any(t.pareto for t in report.tried)
