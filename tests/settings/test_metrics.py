"""Metrics against values worked out by hand, and the bar they are held to."""

from __future__ import annotations

import numpy as np
import pytest

from zkml.errors import UsageError
from zkml.settings.metrics import choose_metric, evaluate, make_bar, project

FLOATS = [np.array([[0.0, 1.0], [2.0, 1.0], [0.5, 0.4], [-1.0, 3.0]])]


def test_auc_counts_ordered_pairs_and_half_of_ties() -> None:
    scores = [np.array([[0.1], [0.4], [0.4], [0.8]])]
    assert evaluate("auc", scores, scores, np.array([0, 0, 1, 1])) == pytest.approx(3.5 / 4)


def test_agreement_compares_the_largest_and_forgives_float_ties() -> None:
    got = [np.array([[0.0, 1.0], [1.0, 2.0], [0.5, 0.4], [0.0, 3.0]])]
    assert evaluate("agreement", FLOATS, got, None) == 0.75
    tied = [np.array([[1.0, 1.0]])]
    assert evaluate("agreement", tied, [np.array([[0.0, 1.0]])], None) == 1.0


def test_errors_take_the_worst_output() -> None:
    want = [np.zeros((2, 1)), np.zeros((2, 2))]
    got = [np.array([[1.0], [0.0]]), np.array([[0.0, 0.0], [0.0, -2.0]])]
    assert evaluate("max_abs", want, got, None) == 2.0
    assert evaluate("mae", want, got, None) == 0.5
    assert evaluate("rmse", want, got, None) == pytest.approx(1.0)


def test_cosine_is_that_of_the_worst_sample() -> None:
    want = [np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])]
    got = [np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 0.0]])]
    assert evaluate("cosine", want, got, None) == pytest.approx(np.sqrt(0.5))


def test_auto_takes_top1_auc_agreement_or_the_largest_error() -> None:
    many = [np.tile(FLOATS[0], (5, 1))]
    assert choose_metric(many, np.zeros(20, dtype=np.int64)) == "top1"
    assert choose_metric(many, None) == "agreement"
    assert choose_metric(FLOATS, None) == "max_abs"
    assert choose_metric([many[0][:, :1]], np.arange(20) % 2) == "auc"
    assert choose_metric([many[0][:, :1]], None) == "max_abs"


def test_the_default_bar_of_an_error_is_a_share_of_the_range() -> None:
    bar = make_bar("max_abs", None, FLOATS, None)
    assert bar.limit == pytest.approx(0.02 * 4.0)
    assert bar.met(0.08) and not bar.met(0.081) and not bar.met(float("nan"))


def test_the_bar_of_top1_hangs_below_the_float_models_own_value() -> None:
    bar = make_bar("top1", 0.1, FLOATS, np.array([1, 0, 0, 0]))
    assert bar.reference == 0.75
    assert bar.limit == pytest.approx(0.65)
    assert bar.loss(0.7) == pytest.approx(0.05)


def test_projection_tells_apart_what_a_few_samples_cannot() -> None:
    want = [np.stack([np.linspace(-1, 1, 200), np.zeros(200)], axis=1)]
    small = [np.array([[0.01, 0.0], [-0.01, 0.0]])]
    large = [np.array([[0.4, 0.0], [-0.4, 0.0]])]
    assert project("agreement", want, small, None) > 0.98
    assert 0.7 < project("agreement", want, large, None) < 0.9


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="needs labels"):
        make_bar("auc", None, FLOATS, None)
    with pytest.raises(UsageError, match="3 labels for 4"):
        make_bar("top1", None, FLOATS, np.array([0, 1, 1]))
    with pytest.raises(UsageError, match="0 and 1"):
        make_bar("auc", None, FLOATS, np.array([1, 1, 1, 1]))
