"""Linear models of ai.onnx.ml as a matrix product: `LinearClassifier`, `LinearRegressor`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zkml.model.rewrite.ml_classes import TRANSFORMS, classes, label_of_truth, post_transform
from zkml.model.rewrite.ml_forest import choice
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

NUMBERS = ("float", "double", "int32", "int64")


def as_floats(site: Site) -> tuple[str, int] | None:
    """Return the node's input as 32-bit floats, [samples, features], and how many features; None for another rank or type."""
    x = site.input(0)
    shape = site.shape(x)
    if shape is None or len(shape) != 2 or site.dtype(x) not in NUMBERS:
        return None
    return x if site.dtype(x) == "float" else site.cast(x, "float"), shape[1]


def scores_of(site: Site, x: str, weights: npt.NDArray[np.float32], intercepts: npt.NDArray[np.float32]) -> str:
    """Add nodes for X·W + b, W by [features, targets]."""
    product = site.op_("MatMul", x, site.const(weights, "weights"))
    return site.add(product, site.const(intercepts.reshape(1, -1), "intercepts")) if intercepts.any() else product


def linear(site: Site, targets: int | None) -> tuple[str, int] | None:
    """Return the scores of a linear model and their number; None when its lists do not fit together."""
    data = as_floats(site)
    weights = np.asarray(site.attribute("coefficients", []), dtype=np.float32)
    intercepts = np.asarray(site.attribute("intercepts", []), dtype=np.float32)
    if data is None or not weights.size or weights.size % data[1] or not np.isfinite([*weights, *intercepts]).all():
        return None
    count = weights.size // data[1]
    if targets not in (None, count) or intercepts.size not in (0, count):
        return None
    if not intercepts.size:
        intercepts = np.zeros(count, np.float32)
    return scores_of(site, data[0], np.ascontiguousarray(weights.reshape(count, data[1]).T), intercepts), count


def linear_regressor(site: Site) -> list[str] | None:
    """onnxruntime applies no transformation to a single target, the standard asks for it: that has no agreed meaning."""
    found = linear(site, site.attribute("targets", 1))
    transform = choice(site, "post_transform", TRANSFORMS, "NONE")
    if found is None or (found[1] == 1 and transform != "NONE"):
        return None
    value = post_transform(site, found[0], transform)
    return None if value is None else [value]


def linear_classifier(site: Site) -> list[str] | None:
    labels = site.attribute("classlabels_ints", [])
    transform = choice(site, "post_transform", TRANSFORMS, "NONE")
    found = linear(site, None)
    if found is None or site.attribute("classlabels_strings") or len(labels) < 2:
        return None
    scores, count = found
    if count == len(labels):
        return classes(site, scores, labels, transform)
    if count != 1 or len(labels) != 2 or transform not in ("NONE", "LOGISTIC"):
        return None
    # One score for two classes: the label is the second above 0, the first class gets what is left of 1.
    label = label_of_truth(site, site.op_("Greater", scores, site.const(np.zeros((1, 1), np.float32), "zero")), labels)
    value = post_transform(site, scores, transform)
    assert value is not None
    rest = site.sub(site.const(np.ones((1, 1), np.float32), "one"), value)
    return [label if site.is_read(0) else "", site.concat([rest, value], 1)]


RULES = (
    Rule(
        "linear-classifier",
        frozenset({"LinearClassifier"}),
        "the definition: X·W + b, the label of the largest score, and the transformation",
        linear_classifier,
        "ai.onnx.ml",
    ),
    Rule("linear-regressor", frozenset({"LinearRegressor"}), "the definition: X·W + b", linear_regressor, "ai.onnx.ml"),
)
