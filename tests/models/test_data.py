"""The data sets lie on their grids, and enlarging digits is what its process says."""

from __future__ import annotations

import numpy as np
import pytest

from models import data


@pytest.mark.parametrize("make", [data.diabetes, data.breast_cancer, data.digits, lambda: data.digits(16)])
def test_features_lie_on_the_grid_within_one(make: object) -> None:
    split = make()  # type: ignore[operator]
    for x in (split.x_train, split.x_test):
        assert x.dtype == np.float32
        assert np.abs(x).max() <= 1
        assert np.array_equal(x * split.grid, np.round(x * split.grid))


def test_split_is_the_same_every_time() -> None:
    assert np.array_equal(data.diabetes().x_test, data.diabetes().x_test)


def test_enlarged_digits_are_the_bilinear_ones() -> None:
    small, large = data.digits(8), data.digits(16)
    image = small.x_test[0].astype(np.float64)
    at = np.clip((np.arange(16) + 0.5) / 2 - 0.5, 0, 7)
    rows = np.array([[np.interp(x, np.arange(8), row) for x in at] for row in image])
    both = np.array([[np.interp(y, np.arange(8), column) for y in at] for column in rows.T]).T
    assert np.abs(large.x_test[0] - both).max() <= 0.5 / data.IMAGE_GRID + 1e-9
    assert np.array_equal(small.y_test, large.y_test)
