"""What a metric is worth when every output may be moved by its rounding slack: the worst that an accepted proof can say.

A circuit's outputs are fixed up to a bound only (`docs/audit.md`). With the bound s of an output in its own unit, a proof may say
anything from g − s to g + s in place of the honest value g. Scales whose slack is as large as what the output should tell apart
keep the metric for an honest prover alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from zkml.settings.metrics import ERRORS, Floats, Labels, evaluate, rows

Range = tuple[float, float]
Slack = tuple[float | None, ...]
"""For each output its bound in its own unit, None where there is none."""

SlackOf = Callable[[Path, Sequence[Range], tuple[int, int] | None], Slack]
"""Returns the slack of a compiled circuit for inputs within the ranges, its lookup tables narrowed to a range if one is given."""


def input_ranges(columns: Sequence[Floats], margin: float) -> tuple[Range, ...]:
    """Return for each input the least and largest value seen, `margin` times as far from zero: what the circuit is sized for."""
    return tuple((margin * min(0.0, float(c.min())), margin * max(0.0, float(c.max()))) for c in columns)


def bounded(slack: Slack) -> bool:
    return all(s is not None and isfinite(s) for s in slack)


def proved(metric: str, want: Sequence[Floats], got: Sequence[Floats], labels: Labels | None, slack: Slack) -> float:
    """Return the least (of errors the largest) value of a metric over all outputs within `slack` of `got`; NaN without a bound.

    For `mae` and `rmse` it is an upper bound: |w − g'| ≤ |w − g| + s, and a norm of sums is at most the sum of norms.
    """
    if not bounded(slack):
        return float("nan")
    reach = [float(s or 0.0) for s in slack]
    if metric in ERRORS:
        return max(evaluate(metric, [w], [g], labels) + s for w, g, s in zip(want, got, reach, strict=True))
    if not any(reach[:1] if metric != "cosine" else reach):
        return evaluate(metric, want, got, labels)
    return _WORST[metric](want, got, labels, reach)


def _top1(_: Sequence[Floats], got: Sequence[Floats], labels: Labels | None, reach: Sequence[float]) -> float:
    """Right where the label's score stays above all others when it falls and they rise."""
    assert labels is not None
    scores = rows(got[0]) + reach[0]
    own = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0] - 2 * reach[0]
    np.put_along_axis(scores, labels[:, None], -np.inf, axis=1)
    return float(np.mean(own > scores.max(axis=1)))


def _agreement(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None, reach: Sequence[float]) -> float:
    """Agreed where no score below the float model's largest can come out on top. One score: where its sign is certain."""
    expected, found = rows(want[0]), rows(got[0])
    if expected.shape[1] == 1:
        certain = np.where(expected > 0, found - reach[0] > 0, found + reach[0] <= 0)
        return float(np.mean(certain))
    good = expected >= expected.max(axis=1, keepdims=True)
    best_good = np.where(good, found, -np.inf).max(axis=1) - reach[0]
    best_bad = np.where(good, -np.inf, found).max(axis=1) + reach[0]
    return float(np.mean(best_good > best_bad))


def _auc(want: Sequence[Floats], got: Sequence[Floats], labels: Labels | None, reach: Sequence[float]) -> float:
    """All scores of class 1 fall, all others rise."""
    assert labels is not None
    moved = rows(got[0]).copy()
    moved[:, -1] += np.where(labels == 1, -reach[0], reach[0])
    return evaluate("auc", want, [moved], labels)


def _cosine(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None, reach: Sequence[float]) -> float:
    """A vector moved by δ at most turns by asin(δ/|g|) at most."""
    worst = 1.0
    for w, g, s in zip(want, got, reach, strict=True):
        for a, b in zip(rows(w), rows(g), strict=True):
            size, far = float(np.linalg.norm(b)), s * float(np.sqrt(b.size))
            if far >= size:
                worst = min(worst, -1.0 if far > size else 0.0) if far > 0 else worst
                continue
            one = evaluate("cosine", [a[None]], [b[None]], None)
            angle = min(np.pi, float(np.arccos(np.clip(one, -1, 1)) + np.arcsin(far / size)))
            worst = min(worst, float(np.cos(angle)))
    return worst


_WORST: dict[str, Callable[[Sequence[Floats], Sequence[Floats], Labels | None, Sequence[float]], float]] = {
    "top1": _top1,
    "agreement": _agreement,
    "auc": _auc,
    "cosine": _cosine,
}
