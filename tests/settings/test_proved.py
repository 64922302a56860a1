"""What a metric is worth at the worst that a proof can say: no outputs within the slack make it worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.settings.tiny import inputs, perceptron
from zkml.circuit.audit import slack_of
from zkml.errors import InfeasibleError, UsageError
from zkml.settings.calibrate import calibrate
from zkml.settings.metrics import METRICS, evaluate, make_bar
from zkml.settings.proved import input_ranges, proved

LOWER_IS_WORSE = {"top1", "agreement", "auc", "cosine"}


def floats(classes: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    want = rng.normal(size=(12, classes))
    labels = np.arange(12) % 2 if classes == 1 else want.argmax(axis=1)
    return [want], [want + rng.normal(0, 0.05, size=want.shape)], labels.astype(np.int64)


@pytest.mark.parametrize(
    ("metric", "classes"), [(m, c) for m in METRICS for c in (1, 4) if (m, c) not in {("top1", 1), ("auc", 4)}]
)
def test_no_outputs_within_the_slack_are_worse(metric: str, classes: int) -> None:
    for seed in range(5):
        want, got, labels = floats(classes, seed)
        rng = np.random.default_rng(seed)
        for slack in (0.02, 0.3):
            bound = proved(metric, want, got, labels, (slack,))
            for _ in range(40):
                moved = got[0] + slack * rng.choice([-1.0, 1.0, rng.uniform(-1, 1)], size=got[0].shape)
                value = evaluate(metric, want, [moved], labels)
                assert value >= bound - 1e-9 if metric in LOWER_IS_WORSE else value <= bound + 1e-9


@pytest.mark.parametrize("metric", METRICS)
def test_without_slack_it_is_the_metric_and_without_a_bound_nothing(metric: str) -> None:
    want, got, labels = floats(1 if metric == "auc" else 3, 1)
    assert proved(metric, want, got, labels, (0.0,)) == evaluate(metric, want, got, labels)
    assert np.isnan(proved(metric, want, got, labels, (None,)))


def test_the_worst_case_is_reached() -> None:
    """Two scores 0.2 apart change places within a slack of 0.1 each, and not within less."""
    want, labels = [np.array([[1.0, 0.8]])], np.array([0])
    assert proved("top1", want, want, labels, (0.09,)) == proved("agreement", want, want, None, (0.09,)) == 1
    assert proved("top1", want, want, labels, (0.11,)) == proved("agreement", want, want, None, (0.11,)) == 0


def test_ranges_hold_the_margin_and_zero() -> None:
    assert input_ranges([np.array([1.0, 3.0]), np.array([-2.0, 4.0])], 2.0) == ((0.0, 6.0), (-4.0, 8.0))


def test_top1_of_a_single_score_is_refused_with_what_would_do() -> None:
    outputs, labels = [np.zeros((4, 1))], np.array([0, 1, 0, 1])
    with pytest.raises(UsageError, match="top1 needs a score for each class") as e:
        make_bar("top1", None, outputs, labels)
    assert e.value.hint is not None and "auc" in e.value.hint
    with pytest.raises(UsageError, match="a label is 5"):
        make_bar("top1", None, [np.zeros((4, 3))], np.array([0, 1, 5, 1]))


@pytest.mark.ezkl
def test_a_bar_that_only_slack_would_break_takes_larger_scales(tmp_path: Path) -> None:
    model, data = perceptron(tmp_path / "model.onnx"), inputs(12)
    tolerance = 0.1
    honest = calibrate(model, data, metric="max_abs", tolerance=tolerance)
    counted = calibrate(model, data, metric="max_abs", tolerance=tolerance, slack_of=slack_of)
    assert honest.fidelity.metric_proved is None and not honest.fidelity.slack_counted
    report = counted.fidelity
    assert report.slack_counted
    assert report.metric_proved is not None and report.metric_integer <= report.metric_proved <= tolerance
    assert report.outputs[0].slack == pytest.approx(report.metric_proved - report.metric_integer)
    assert sum(t.proved is not None for t in report.tried) > 1


@pytest.mark.ezkl
def test_a_bar_out_of_reach_of_the_proof_is_kept_for_an_honest_prover_and_the_report_says_so(tmp_path: Path) -> None:
    model, data = perceptron(tmp_path / "model.onnx"), inputs(12)
    found = calibrate(model, data, metric="max_abs", tolerance=0.02, scales=[7], slack_of=lambda *_: (0.5,))
    assert not found.fidelity.slack_counted
    assert found.fidelity.metric_integer <= 0.02 < (found.fidelity.metric_proved or 0)
    assert any("honest prover" in note for note in found.fidelity.notes)


@pytest.mark.ezkl
def test_a_search_out_of_time_says_so_or_leaves_out_what_it_can(tmp_path: Path) -> None:
    model, data = perceptron(tmp_path / "model.onnx"), inputs(12)
    with pytest.raises(InfeasibleError, match="none of 1 scales tried meets the bar") as e:
        calibrate(model, data, metric="max_abs", tolerance=1e-9, search_seconds=0.01)
    assert e.value.code == "search-time"
    found = calibrate(model, data, metric="max_abs", tolerance=0.5, search_seconds=0.01)
    assert len(found.fidelity.tried) == 1
    assert found.fidelity.validated == ("witness",)
    assert found.fidelity.nodes == ()
    assert any("ran out" in note for note in found.fidelity.notes)
