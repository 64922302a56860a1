"""How far small changes of the inputs move a model's outputs: what a fixed-point number's last digits can explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.errors import ModelError
from zkml.model.run import Runner

UNITS = 2
TURNS = 3
"""TURNS random changes are tried, of up to UNITS units each."""


def finite(floats: Runner, sample: Mapping[str, npt.NDArray[Any]]) -> dict[str, np.ndarray] | None:
    """Return the model's outputs in floats, None when it cannot run or an output is not finite."""
    try:
        values = floats.run(sample)
    except ModelError:
        return None
    return values if all(np.isfinite(v.astype(np.float64)).all() for v in values.values()) else None


def moved(floats: Runner, sample: Mapping[str, npt.NDArray[Any]], name: str, want: np.ndarray, scale: int) -> np.ndarray:
    """Return how far changes of the inputs by a few units of 2^-`scale` move an output, infinitely where they make it not
    finite. All elements get the largest: one that a change turns over (a tie, a threshold) may turn others over in a circuit."""
    rng = np.random.default_rng(scale)
    furthest = 0.0
    for _ in range(TURNS):
        near = {
            k: (v + rng.uniform(-UNITS, UNITS, size=v.shape) / 2**scale).astype(v.dtype) if v.dtype.kind == "f" else v
            for k, v in sample.items()
        }
        values = finite(floats, near)
        if values is None:
            return np.full(want.shape, np.inf)
        furthest = max(furthest, float(np.abs(values[name].astype(np.float64) - want).max(initial=0.0)))
    return np.full(want.shape, furthest)
