"""Support vector machines of ai.onnx.ml: `SVMClassifier`, `SVMRegressor`, with all four kernels.

With the vectors s as the columns of one matrix, x·s is one product for all of them; the Gaussian kernel is
exp(−γ‖x − s‖²) = exp(2γ x·s − γ‖s‖² − γ‖x‖²).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zkml.model.rewrite.ml_classes import TRANSFORMS, label_of_index, label_of_truth, post_transform
from zkml.model.rewrite.ml_forest import choice
from zkml.model.rewrite.ml_linear import as_floats, scores_of
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

Floats = npt.NDArray[np.float64]
MAX_DEGREE = 16
KERNELS = ("LINEAR", "POLY", "RBF", "SIGMOID")


def floats(site: Site, name: str) -> Floats:
    return np.asarray(site.attribute(name, []), dtype=np.float64)


def kernel(site: Site, x: str, vectors: Floats) -> str | None:
    """Return the name of K(x, s) for all vectors, [samples, vectors]; None for parameters that the kernel does not have."""
    kind = choice(site, "kernel_type", KERNELS, "LINEAR")
    gamma, coef0, degree = (*floats(site, "kernel_params"), 0.0, 0.0, 0.0)[:3]
    if not np.isfinite([gamma, coef0, degree]).all() or not np.isfinite(vectors).all():
        return None
    count = len(vectors)
    match kind:
        case "LINEAR":
            return scores_of(site, x, vectors.T.astype(np.float32), np.zeros(count, np.float32))
        case "RBF":
            norms = -gamma * np.square(vectors).sum(axis=1)
            products = scores_of(site, x, (2 * gamma * vectors.T).astype(np.float32), norms.astype(np.float32))
            minus_gamma = site.const(np.full((vectors.shape[1], 1), -gamma, np.float32), "minus_gamma")
            return site.op_("Exp", site.add(products, site.op_("MatMul", site.mul(x, x), minus_gamma)))
        case "POLY" | "SIGMOID":
            inner = scores_of(site, x, (gamma * vectors.T).astype(np.float32), np.full(count, coef0, np.float32))
            if kind == "SIGMOID":
                return site.op_("Tanh", inner)
            if degree != int(degree) or not 1 <= degree <= MAX_DEGREE:
                return None
            return inner if degree == 1 else site.op_("Pow", inner, site.const(np.asarray(degree, np.float32), "degree"))
    return None


def svm_regressor(site: Site) -> list[str] | None:
    data = as_floats(site)
    coefficients, rho, vectors = floats(site, "coefficients"), floats(site, "rho"), floats(site, "support_vectors")
    supports = site.attribute("n_supports", 0)
    if data is None or not np.isfinite([*coefficients, *rho]).all() or not rho.size:
        return None
    x, width = data
    if supports > 0:
        if vectors.size != supports * width or coefficients.size != supports:
            return None
        values = kernel(site, x, vectors.reshape(supports, width))
    else:
        if coefficients.size != width or choice(site, "kernel_type", KERNELS, "LINEAR") != "LINEAR":
            return None
        values = x
    if values is None:
        return None
    score = scores_of(site, values, coefficients.reshape(-1, 1).astype(np.float32), rho[:1].astype(np.float32))
    if site.attribute("one_class", 0):
        above = site.op_("Greater", score, site.const(np.zeros((1, 1), np.float32), "zero"))
        ones = [site.const(np.full((1, 1), v, np.float32), "side") for v in (1, -1)]
        return [site.where(above, *ones)]
    # onnxruntime applies no transformation here, the standard asks for it: that has no agreed meaning.
    return [score] if choice(site, "post_transform", TRANSFORMS, "NONE") == "NONE" else None


def svm_classifier(site: Site) -> list[str] | None:
    """Every pair of classes has a score: above 0 it is a vote for the first of the pair. The label has most votes."""
    data = as_floats(site)
    labels, sizes = site.attribute("classlabels_ints", []), site.attribute("vectors_per_class", [])
    coefficients, rho, vectors = floats(site, "coefficients"), floats(site, "rho"), floats(site, "support_vectors")
    transform = choice(site, "post_transform", TRANSFORMS, "NONE")
    count, supports = len(labels), sum(sizes)
    if data is None or site.attribute("classlabels_strings") or count < 2 or len(sizes) != count or min(sizes) < 0:
        return None
    x, width = data
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    fits = vectors.size == supports * width and coefficients.size == (count - 1) * supports and rho.size == len(pairs)
    if not supports or not fits or not np.isfinite([*coefficients, *rho]).all():
        return None
    values = kernel(site, x, vectors.reshape(supports, width))
    if values is None:
        return None
    starts = np.concatenate([[0], np.cumsum(sizes)])
    dual = coefficients.reshape(count - 1, supports)
    weights = np.zeros((supports, len(pairs)))
    for p, (i, j) in enumerate(pairs):
        weights[starts[i] : starts[i + 1], p] = dual[j - 1, starts[i] : starts[i + 1]]
        weights[starts[j] : starts[j + 1], p] = dual[i, starts[j] : starts[j + 1]]
    scores = scores_of(site, values, weights.astype(np.float32), rho.astype(np.float32))
    if site.attribute("prob_a"):
        return None  # onnxruntime finds the probabilities by an iteration that it stops 0.0025 before the solution
    if count == 2:
        # onnxruntime completes one score to [−s, s], in the order of the standard's second and first class.
        if transform not in ("NONE", "LOGISTIC"):
            return None
        scores = site.concat([site.op_("Neg", scores), scores], 1)
        value = post_transform(site, scores, transform)
        above = site.slice(scores, 1, 1, 2)
    else:
        value, above = post_transform(site, scores, transform), scores
    if value is None:
        return None
    return [_label(site, above, labels, pairs) if site.is_read(0) else "", value]


def _label(site: Site, scores: str, labels: Sequence[int], pairs: Sequence[tuple[int, int]]) -> str:
    """Add nodes for the label with most votes, the first of equal ones."""
    above = site.op_("Greater", scores, site.const(np.zeros((1, 1), np.float32), "zero"))
    if len(labels) == 2:
        return label_of_truth(site, above, [labels[1], labels[0]])
    count = len(labels)
    votes = np.zeros((len(pairs), count), np.float32)
    fixed = np.zeros((1, count), np.float32)
    for p, (i, j) in enumerate(pairs):
        votes[p, i] += 1
        votes[p, j] -= 1
        fixed[0, j] += 1
    # Votes count `count` times, less the class's index: no two classes are equal, and of equal votes the first wins.
    counted = site.op_("MatMul", site.cast(above, "float"), site.const(count * votes, "votes"))
    ranked = site.add(counted, site.const(count * fixed - np.arange(count, dtype=np.float32), "ranks"))
    return label_of_index(site, site.op_("ArgMax", ranked, axis=1, keepdims=0), labels)


RULES = (
    Rule(
        "svm-classifier",
        frozenset({"SVMClassifier"}),
        "the definition: kernel of input and vectors, a score for each pair of classes, votes",
        svm_classifier,
        "ai.onnx.ml",
    ),
    Rule(
        "svm-regressor",
        frozenset({"SVMRegressor"}),
        "the definition: kernel of input and vectors, times the coefficients, plus ρ",
        svm_regressor,
        "ai.onnx.ml",
    ),
)
