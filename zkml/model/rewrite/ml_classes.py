"""From scores to what classifiers of ai.onnx.ml give: a label, and scores after their transformation."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import numpy as np

from zkml.model.rewrite.site import Site

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
MAX_BITS = 8
NEGLIGIBLE = 30.0
"""e^-30 is below 2^-43: nothing at any scale in use."""


def spare_bits(size: float) -> int:
    """Return by how many bits a constant lies below a half, at most `MAX_BITS`: by so many it can be multiplied, and its product
    divided, to be held more finely."""
    return 0 if size == 0 or size >= 0.5 else min(MAX_BITS, int(-log2(size)))


def post_transform(site: Site, scores: str, transform: str | None, floor: float | None = None) -> str | None:
    """Return the transformed scores; None for a transformation that a circuit does not have.

    `SOFTMAX_ZERO` gives scores that are exactly 0 no share: they are put so far below `floor`, which no score is less than, that
    their exponential is 0 in fixed point.
    """
    match transform:
        case "NONE":
            return scores
        case "LOGISTIC":
            return site.op_("Sigmoid", scores)
        case "SOFTMAX":
            return site.op_("Softmax", scores, axis=1)
        case "SOFTMAX_ZERO" if floor is not None:
            zero = site.op_("Equal", scores, site.const(np.zeros((1, 1), np.float32), "zero"))
            low = site.const(np.full((1, 1), floor - NEGLIGIBLE, np.float32), "low")
            return site.op_("Softmax", site.where(zero, low, scores), axis=1)
    return None


def label_of_index(site: Site, index: str, labels: Sequence[int]) -> str:
    """Return the label of a class by its index; the index itself where the labels are 0, 1, 2, …"""
    if list(labels) == list(range(len(labels))):
        return index
    return site.op_("Gather", site.ints(labels, "labels"), index, axis=0)


def label_of_truth(site: Site, truth: str, labels: Sequence[int]) -> str:
    """Return the second label where `truth`, [samples, 1], holds and the first where it does not."""
    flat = site.squeeze(truth, [1])
    if list(labels) == [0, 1]:
        return site.cast(flat, "int64")
    return site.where(
        flat, site.const(np.asarray(labels[1], np.int64), "label"), site.const(np.asarray(labels[0], np.int64), "label")
    )


def classes(
    site: Site, scores: str, labels: Sequence[int], transform: str | None, floor: float | None = None
) -> list[str] | None:
    """Return the label of the largest score, the first of equal ones, and the transformed scores."""
    value = post_transform(site, scores, transform, floor)
    if value is None:
        return None
    if not site.is_read(0):
        return ["", value]
    return [label_of_index(site, site.op_("ArgMax", scores, axis=1, keepdims=0), labels), value]


def two_classes(site: Site, score: str, labels: Sequence[int], transform: str | None, *, share: bool) -> list[str] | None:
    """Return label and scores of two classes of which one has a score, [samples, 1], as onnxruntime completes them.

    A `share` is the second class's part of 1: the label is the second above a half. Otherwise the score is a logit: the label is
    the second above 0, and the first class has the opposite. `LOGISTIC` takes either for a logit, `SOFTMAX` is not applied.
    """
    if transform not in ("NONE", "LOGISTIC", "SOFTMAX"):
        return None
    real = site.numpy_type(site.input(0)) if site.dtype(site.input(0)) == "double" else np.dtype(np.float32)
    label = ""
    if site.is_read(0):
        above = site.op_("Greater", score, site.const(np.full((1, 1), 0.5 if share else 0.0, real), "half" if share else "zero"))
        label = label_of_truth(site, above, labels)
    if share and transform != "LOGISTIC":
        return [label, site.concat([site.sub(site.const(np.ones((1, 1), real), "one"), score), score], 1)]
    both = site.concat([site.op_("Neg", score), score], 1)
    return [label, site.op_("Sigmoid", both) if transform == "LOGISTIC" else both]
