"""The measures of quality on a model's card, computed from stacked outputs in plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
HIGHER_IS_BETTER = {"accuracy": True, "binary_accuracy": True, "purity": True, "r2": True, "mse": False}


def score(name: str, output: Array, expected: Array, *, threshold: float | None = None) -> float:
    """Return a metric of outputs (n, …) against expected values (n, …).

    `accuracy`: share of rows whose largest output is at the label. `binary_accuracy`: share whose one output
    lies above `threshold` exactly when the label is 1. `purity`: share of rows that carry the commonest label
    of their cluster. `r2`: one minus residual over total sum of squares. `mse`: mean squared error over all
    elements. Raises `ValueError` for another name, a missing threshold, or unequal numbers of rows.
    """
    if len(output) != len(expected) or len(output) == 0:
        raise ValueError(f"{len(output)} outputs for {len(expected)} expected values")
    rows = output.reshape(len(output), -1)
    wanted = expected.reshape(len(expected), -1)
    if name == "accuracy":
        return float(np.mean(rows.argmax(axis=1) == wanted[:, 0]))
    if name == "binary_accuracy":
        if threshold is None:
            raise ValueError("binary_accuracy needs a threshold")
        return float(np.mean((rows[:, 0] > threshold) == (wanted[:, 0] == 1)))
    if name == "purity":
        clusters = [wanted[rows[:, 0] == c, 0] for c in np.unique(rows[:, 0])]
        return float(sum(np.unique(labels, return_counts=True)[1].max() for labels in clusters) / len(rows))
    if rows.shape != wanted.shape:
        raise ValueError(f"outputs of shape {rows.shape} for expected values of shape {wanted.shape}")
    error = np.square(rows.astype(np.float64) - wanted)
    if name == "mse":
        return float(error.mean())
    if name == "r2":
        return float(1 - error.sum() / np.square(wanted - wanted.mean(axis=0)).sum())
    raise ValueError(f"unknown metric {name}")
