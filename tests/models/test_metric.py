"""The metrics of the cards, on values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.metric import score


def test_accuracy_counts_rows_whose_largest_output_is_at_the_label() -> None:
    assert score("accuracy", np.array([[1, 2], [3, 0], [0, 1]]), np.array([1, 1, 1])) == pytest.approx(2 / 3)


def test_binary_accuracy_compares_with_the_threshold() -> None:
    output = np.array([[0.5], [0.6], [0.2]])
    assert score("binary_accuracy", output, np.array([0, 1, 1]), threshold=0.5) == pytest.approx(2 / 3)


def test_binary_accuracy_without_threshold_is_an_error() -> None:
    with pytest.raises(ValueError, match="threshold"):
        score("binary_accuracy", np.zeros((1, 1)), np.zeros(1))


def test_purity_takes_the_commonest_label_of_each_cluster() -> None:
    assert score("purity", np.array([0, 0, 0, 1]), np.array([5, 5, 7, 7])) == pytest.approx(3 / 4)


def test_r2_of_the_mean_is_zero_and_of_the_truth_one() -> None:
    truth = np.array([1.0, 2.0, 6.0])
    assert score("r2", np.full((3, 1), 3.0), truth) == pytest.approx(0)
    assert score("r2", truth.reshape(3, 1), truth) == pytest.approx(1)


def test_mse_averages_over_all_elements() -> None:
    assert score("mse", np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])) == pytest.approx(2.5)


@pytest.mark.parametrize("name", ["mse", "r2"])
def test_broadcasting_by_accident_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="shape"):
        score(name, np.zeros((2, 3)), np.zeros((2, 1)))


def test_unknown_metric_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown"):
        score("auc", np.zeros((1, 1)), np.zeros((1, 1)))
