"""Metrics, digests and files of attestations, by hand-made values."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from zkml.attestation.dataset import as_labels, digest_of, labels_digest, quantised, read_arrays, read_labels
from zkml.attestation.metrics import decimal_of, metric_of, score_of
from zkml.errors import SampleError, UsageError


def test_of_equal_outputs_the_lower_class_comes_first() -> None:
    assert metric_of("top1").predicted([3, 7, 7, -1]) == 1
    assert metric_of("top3").predicted([3, 7, 7, 3]) == [1, 2, 0]


def test_points_are_exact() -> None:
    assert metric_of("top1").points(1, 1, 4) == 1
    assert metric_of("top2").points([2, 0], 1, 4) == 0
    assert metric_of("mse").points([3, -4], [0.25, -0.5], 2) == Fraction(1, 2) * (Fraction(1, 4) + Fraction(1, 4))
    assert metric_of("mae").points([3], [0.1], 1) == Fraction(3, 2) - Fraction(0.1)


def test_scores_are_fractions_with_twelve_digits() -> None:
    assert score_of(Fraction(353, 360)) == {"numerator": "353", "denominator": "360", "decimal": "0.980555555556"}
    assert decimal_of(Fraction(1, 10**30)) == "0." + "0" * 29 + "1"


@pytest.mark.parametrize("name", ["top0", "top101", "top", "accuracy", "TOP1", "top1 "])
def test_unknown_metrics_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no metric"):
        metric_of(name)


def test_numbers_are_rounded_half_away_from_zero() -> None:
    halves = np.array([0.5, -0.5, 0.25, 0.4999999999999999, -1.5])
    assert quantised(halves, 0) == [1, -1, 0, 0, -2]
    assert quantised(halves, 1) == [1, -1, 1, 1, -3]
    assert quantised(np.array([True, False]), 7) == [1, 0]
    assert quantised(np.array([2.0**70]), 3) == [2**73]
    for bad in (np.nan, np.inf, 1e308):
        with pytest.raises(SampleError):
            quantised(np.array([bad]), 20)


def test_digests_depend_on_number_and_order() -> None:
    one, two = b"1" * 32, b"2" * 32
    assert len({digest_of(x) for x in ([one], [two], [one, two], [two, one], [one, one])}) == 5
    assert len({labels_digest(x) for x in ([1], [[1.0]], [1, 2], [[1.0, 2.0]], [[1.0], [2.0]])}) == 5


def test_labels_are_classes_or_finite_numbers(tmp_path: Path) -> None:
    top1, mse = metric_of("top1"), metric_of("mse")
    assert as_labels(np.array([[2], [0]]), top1) == [2, 0]
    assert as_labels(np.array([[2], [0]]), mse) == [[2.0], [0.0]]
    for array, metric in (([1.0, 2.0], top1), ([-1], top1), ([[1, 2]], top1), ([np.nan], mse), (3, mse), (["a"], mse)):
        with pytest.raises(SampleError):
            as_labels(np.array(array), metric)
    np.savez(tmp_path / "a.npz", x=np.zeros(2), label=np.array([3, 1]))
    np.save(tmp_path / "b.npy", np.array([3, 1]))
    (tmp_path / "c.json").write_text("[3, 1]")
    assert [read_labels(tmp_path / n, top1) for n in ("a.npz", "b.npy", "c.json")] == [[3, 1]] * 3
    (tmp_path / "d.json").write_text("[3, [1]]")
    np.savez(tmp_path / "e.npz", x=np.zeros(2), y=np.zeros(2))
    np.save(tmp_path / "f.npy", np.array([{}]), allow_pickle=True)
    for name in ("d.json", "e.npz", "f.npy", "none.npy", "x.csv"):
        with pytest.raises(SampleError):
            read_labels(tmp_path / name, top1)


def test_data_sets_are_read_from_every_format(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez(tmp_path / "a.npz", x=x)
    np.save(tmp_path / "b.npy", x)
    (tmp_path / "c.jsonl").write_text("".join(json.dumps({"x": row}) + "\n" for row in x.tolist()))
    for name in ("a.npz", "b.npy", "c.jsonl"):
        assert np.array_equal(read_arrays(tmp_path / name, ["x"])["x"], x)
