"""Samples as calibration uses them: some size the circuit, some only test it, and some are drawn where there are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from zkml.settings.float_model import draw

FEW_SAMPLES = 8
"""With fewer samples, inputs are drawn around them to cover more of the range."""
DRAWN = 8
HELD_OUT_STEP = 5


@dataclass(frozen=True)
class Data:
    """Samples as calibration uses them: `fit` size the circuit (drawn inputs last), `held_out` only test it."""

    given: list[dict[str, npt.NDArray[Any]]]
    drawn: list[dict[str, npt.NDArray[Any]]]
    held_out: frozenset[int]

    @property
    def fit(self) -> list[dict[str, npt.NDArray[Any]]]:
        return [s for i, s in enumerate(self.given) if i not in self.held_out] + self.drawn


def split(given: list[dict[str, npt.NDArray[Any]]]) -> Data:
    """Return the samples split: every fifth is held out; below `FEW_SAMPLES` none is, and inputs are drawn."""
    if len(given) < FEW_SAMPLES:
        return Data(given, draw(given, DRAWN), frozenset())
    return Data(given, [], frozenset(range(HELD_OUT_STEP - 1, len(given), HELD_OUT_STEP)))
