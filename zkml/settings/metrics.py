"""How well integers stand for floats: the measures that calibration holds against its bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkml.errors import UsageError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

METRICS = ("top1", "agreement", "mae", "max_abs", "rmse", "auc", "cosine")
ERRORS = frozenset({"mae", "max_abs", "rmse"})
LABELLED = frozenset({"top1", "auc"})
MIN_AGREEMENT_SAMPLES = 16
"""With fewer samples, agreeing on all of them says little, so `auto` bounds the error instead."""

DEFAULT_TOLERANCE = {
    "top1": 0.01,
    "auc": 0.005,
    "agreement": 0.01,
    "cosine": 0.001,
    "mae": 0.005,
    "rmse": 0.01,
    "max_abs": 0.02,
}
"""By how much `top1` and `auc` may fall below the float model's, `agreement` and `cosine` below 1; how large an error may be
as a share of the range of the float outputs."""


@dataclass(frozen=True)
class Bar:
    """What a circuit must reach: `value` at least `limit` (`higher` is better), or at most.

    `reference` is the float model's own value of the metric; 1 for agreement and cosine, 0 for errors.
    """

    metric: str
    limit: float
    reference: float
    tolerance: float
    higher: bool

    def met(self, value: float) -> bool:
        return bool(np.isfinite(value)) and (value >= self.limit - 1e-12 if self.higher else value <= self.limit + 1e-12)

    def loss(self, value: float) -> float:
        """Return how far `value` is from the reference: 0 is best."""
        if not np.isfinite(value):
            return float("inf")
        return self.reference - value if self.higher else value - self.reference

    def as_dict(self) -> dict[str, float | str | bool]:
        return {
            "metric": self.metric,
            "limit": self.limit,
            "reference": self.reference,
            "tolerance": self.tolerance,
            "higher_is_better": self.higher,
        }


def choose_metric(outputs: Sequence[Floats], labels: Labels | None) -> str:
    """Return the metric that `auto` stands for.

    One row of scores for each sample with labels: `top1`. One score with labels of two classes: `auc`. Scores without labels and
    at least `MIN_AGREEMENT_SAMPLES` samples: `agreement`. Anything else: `max_abs`.
    """
    scores = outputs[0].reshape(len(outputs[0]), -1)
    vector = sum(d > 1 for d in outputs[0].shape[1:]) == 1
    classes = scores.shape[1] if vector else 1
    if labels is not None and classes > 1 and labels.max(initial=0) < classes:
        return "top1"
    if labels is not None and scores.shape[1] == 1 and set(np.unique(labels)) == {0, 1}:
        return "auc"
    return "agreement" if classes > 1 and len(scores) >= MIN_AGREEMENT_SAMPLES else "max_abs"


def make_bar(metric: str, tolerance: float | None, outputs: Sequence[Floats], labels: Labels | None) -> Bar:
    """Return the bar of a metric over the float model's outputs. Raises `UsageError`: unknown metric, labels missing or unfit."""
    if metric == "auto":
        metric = choose_metric(outputs, labels)
    if metric not in METRICS:
        raise UsageError(f"there is no metric {metric!r}", hint="one of auto, " + ", ".join(METRICS), code="metric")
    if tolerance is not None and not (np.isfinite(tolerance) and tolerance >= 0):
        raise UsageError(f"the tolerance is {tolerance}, it must be 0 or more", code="tolerance")
    if metric in LABELLED:
        check_labels(metric, outputs, labels)
    given = DEFAULT_TOLERANCE[metric] if tolerance is None else tolerance
    if metric in ERRORS:
        if tolerance is None:
            given *= max(float(np.ptp(o)) for o in outputs) or 1.0
        return Bar(metric, given, 0.0, given, higher=False)
    reference = evaluate(metric, outputs, outputs, labels)
    return Bar(metric, reference - given, reference, given, higher=True)


def check_labels(metric: str, outputs: Sequence[Floats], labels: Labels | None) -> None:
    if labels is None:
        raise UsageError(f"the metric {metric} needs labels", hint="add an array of labels to the samples", code="labels")
    if len(labels) != len(outputs[0]):
        raise UsageError(f"{len(labels)} labels for {len(outputs[0])} samples", code="labels")
    if metric == "auc" and set(np.unique(labels)) != {0, 1}:
        raise UsageError("the metric auc needs labels 0 and 1, each at least once", code="labels")
    if metric == "top1":
        scores = rows(outputs[0]).shape[1]
        if scores < 2:
            raise UsageError(
                "the metric top1 needs a score for each class, the model's first output has one element",
                hint="auc takes one score with labels 0 and 1; max_abs bounds the error of any output",
                code="metric",
            )
        if int(labels.max()) >= scores:
            raise UsageError(f"a label is {int(labels.max())}, the model's first output has {scores} scores", code="labels")


def rows(output: Floats) -> Floats:
    return output.reshape(len(output), -1)


def top1(_: Sequence[Floats], got: Sequence[Floats], labels: Labels | None) -> float:
    assert labels is not None
    return float(np.mean(rows(got[0]).argmax(axis=1) == labels))


def agreement(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None) -> float:
    """Share of samples whose largest integer score is at a largest float score. One score: the same sign."""
    expected, found = rows(want[0]), rows(got[0])
    if expected.shape[1] == 1:
        return float(np.mean((expected > 0) == (found > 0)))
    picked = np.take_along_axis(expected, found.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float(np.mean(picked >= expected.max(axis=1)))


def mae(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None) -> float:
    return max(float(np.abs(w - g).mean()) for w, g in zip(want, got, strict=True))


def max_abs(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None) -> float:
    return max(float(np.abs(w - g).max()) for w, g in zip(want, got, strict=True))


def rmse(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None) -> float:
    return max(float(np.sqrt(np.square(w - g).mean())) for w, g in zip(want, got, strict=True))


def auc(_: Sequence[Floats], got: Sequence[Floats], labels: Labels | None) -> float:
    """Area under the ROC curve of the last score: the share of (1, 0) pairs in the right order, ties counting half."""
    assert labels is not None
    score = rows(got[0])[:, -1]
    positive, negative = score[labels == 1], np.sort(score[labels == 0])
    below = np.searchsorted(negative, positive, side="left")
    upto = np.searchsorted(negative, positive, side="right")
    return float((below + upto).sum() / 2 / (len(positive) * len(negative)))


def cosine(want: Sequence[Floats], got: Sequence[Floats], _: Labels | None) -> float:
    """Least cosine between integer and float outputs over all samples; two zero vectors agree."""
    worst = 1.0
    for w, g in zip(want, got, strict=True):
        for a, b in zip(rows(w), rows(g), strict=True):
            size = float(np.linalg.norm(a) * np.linalg.norm(b))
            if size > 0:
                worst = min(worst, float(a @ b) / size)
            elif a.any() or b.any():
                worst = min(worst, 0.0)
    return worst


MEASURES: dict[str, Callable[[Sequence[Floats], Sequence[Floats], Labels | None], float]] = {
    "top1": top1,
    "agreement": agreement,
    "mae": mae,
    "max_abs": max_abs,
    "rmse": rmse,
    "auc": auc,
    "cosine": cosine,
}


def evaluate(metric: str, want: Sequence[Floats], got: Sequence[Floats], labels: Labels | None) -> float:
    """Return a metric of integer outputs `got` against float outputs `want`, lists of arrays with samples first."""
    return MEASURES[metric](want, got, labels)


Measure = Callable[[str, Sequence[Floats], Sequence[Floats], Labels | None], float]


def project(
    metric: str,
    want: Sequence[Floats],
    errors: Sequence[Floats],
    labels: Labels | None,
    *,
    draws: int = 8,
    measure: Measure = evaluate,
) -> float:
    """Return what a metric would be over all samples if their errors were like those seen on a few.

    `errors` holds integer minus float outputs of the few. Each sample's float output gets one of them, drawn at random (by a
    fixed seed); the value is the mean over `draws` such choices. With it a search tells candidates apart on a handful of
    witnesses, where the metric itself would be all or nothing. Metrics of error are taken over the few as they are. `measure` is
    what takes the metric of float and integer outputs.
    """
    if metric in ERRORS:
        return measure(metric, [np.zeros_like(e) for e in errors], errors, None)
    rng = np.random.default_rng(0)
    values = []
    for _ in range(draws):
        picked = rng.integers(0, len(errors[0]), size=len(want[0]))
        values.append(measure(metric, want, [w + e[picked] for w, e in zip(want, errors, strict=True)], labels))
    return float(np.mean(values))
