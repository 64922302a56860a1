"""The data sets of the zoo: those that ship with scikit-learn, put on a stated grid of binary fractions.

A feature on the grid 1/2^s is represented without error at every fixed-point scale of s bits or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import datasets
from sklearn.model_selection import train_test_split

Floats = npt.NDArray[np.float32]
SEED = 20240607
TABLE_GRID = 64
IMAGE_GRID = 128


@dataclass(frozen=True)
class Split:
    """A data set cut into training and test rows: `x_*` on the grid 1/`grid`, `y_*` labels or targets."""

    x_train: Floats
    y_train: npt.NDArray[Any]
    x_test: Floats
    y_test: npt.NDArray[Any]
    grid: int
    source: str
    licence: str
    process: str
    classes: tuple[str, ...] = ()


def diabetes() -> Split:
    """Return the diabetes table, 10 features in [-1, 1]; the target is the progression score over 100."""
    bunch = datasets.load_diabetes(scaled=False)
    return _table(
        bunch.data,
        (bunch.target / 100).astype(np.float32),
        stratify=None,
        source="diabetes data of Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression (2004), "
        "as shipped with scikit-learn",
        licence="distributed with scikit-learn (BSD-3-Clause)",
        note="; target = disease progression / 100",
    )


def breast_cancer() -> Split:
    """Return the Wisconsin breast cancer table, 30 features in [-1, 1]; label 1 is benign."""
    bunch = datasets.load_breast_cancer()
    return _table(
        bunch.data,
        bunch.target.astype(np.int64),
        stratify=bunch.target,
        source="Breast Cancer Wisconsin (Diagnostic), UCI, as shipped with scikit-learn",
        licence="CC BY 4.0",
        classes=("malignant", "benign"),
    )


def digits(side: int = 8) -> Split:
    """Return the 8x8 handwritten digits as (n, side, side) images in [0, 1], enlarged unless `side` is 8."""
    bunch = datasets.load_digits()
    pixels = bunch.images.astype(np.int64)
    process = "pixel / 16"
    grid = 16
    images = pixels / grid
    if side != 8:
        grid = IMAGE_GRID
        images = _enlarge(pixels, side) / grid
        process = (
            f"8x8 enlarged to {side}x{side} by bilinear interpolation (pixel centres aligned, edges kept), "
            f"in exact rational arithmetic, then rounded half up to multiples of 1/{grid}"
        )
    x = images.astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        x, bunch.target.astype(np.int64), test_size=0.2, random_state=SEED, stratify=bunch.target
    )
    return Split(
        x_train,
        y_train,
        x_test,
        y_test,
        grid=grid,
        source="Optical Recognition of Handwritten Digits (test part), UCI, as shipped with scikit-learn",
        licence="CC BY 4.0",
        process=f"{process}; stratified split, one fifth for the test, seed {SEED}",
        classes=tuple("0123456789"),
    )


def _table(
    raw: npt.NDArray[np.float64],
    y: npt.NDArray[Any],
    *,
    stratify: npt.NDArray[Any] | None,
    source: str,
    licence: str,
    note: str = "",
    classes: tuple[str, ...] = (),
) -> Split:
    raw_train, raw_test, y_train, y_test = train_test_split(raw, y, test_size=0.25, random_state=SEED, stratify=stratify)
    low, high = raw_train.min(axis=0), raw_train.max(axis=0)

    def scale(rows: npt.NDArray[np.float64]) -> Floats:
        unit = np.clip(2 * (rows - low) / (high - low) - 1, -1, 1)
        grid: Floats = (np.floor(unit * TABLE_GRID + 0.5) / TABLE_GRID).astype(np.float32)
        return grid

    return Split(
        scale(raw_train),
        y_train,
        scale(raw_test),
        y_test,
        grid=TABLE_GRID,
        source=source,
        licence=licence,
        process=f"each feature mapped from its range in the training rows to [-1, 1], clipped, rounded to "
        f"multiples of 1/{TABLE_GRID}{note}; a quarter of the rows for the test, seed {SEED}",
        classes=classes,
    )


def _enlarge(pixels: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Return images (n, 8, 8) of 0…16 as (n, side, side) of 0…IMAGE_GRID; all arithmetic is in integers."""
    old = pixels.shape[-1]
    weights = [[Fraction(0)] * old for _ in range(side)]
    for i in range(side):
        centre = Fraction(2 * i + 1, 2) * old / side - Fraction(1, 2)
        below = centre.numerator // centre.denominator
        part = centre - below
        weights[i][min(max(below, 0), old - 1)] += 1 - part
        weights[i][min(max(below + 1, 0), old - 1)] += part
    unit = int(np.lcm.reduce([w.denominator for row in weights for w in row]))
    matrix = np.array([[int(w * unit) for w in row] for row in weights], dtype=np.int64)
    total = matrix @ pixels @ matrix.T * IMAGE_GRID
    divisor = unit * unit * 16
    enlarged: npt.NDArray[np.int64] = (2 * total + divisor) // (2 * divisor)
    return enlarged
