"""Operators of ai.onnx.ml that are left after rewriting: why, and what to do about it."""

from __future__ import annotations

ML = "ai.onnx.ml"

TEXT = (
    "it reads or makes text, and a circuit computes with numbers",
    "encode text as numbers outside, and export the model from there on",
)
TREES = (
    "it applies PROBIT, or gives two classes two scores, or weighs a class at some leaves of a tree only: what onnxruntime"
    " computes then is not what the standard says, or no circuit has it",
    "export without post_transform, without the label, or with a weight for every class at every leaf",
)
LINEAR = (
    "it applies PROBIT or SOFTMAX_ZERO, or a transformation to a single score, which onnxruntime and the standard understand"
    " differently, or its lists do not fit its input",
    "export without post_transform, and apply it outside",
)
VECTORS = (
    "it gives probabilities (onnxruntime finds them by an iteration that it stops early), or its lists do not fit its input",
    "train with probability=False, or export the decision scores (skl2onnx: options={'raw_scores': True})",
)
SHAPES = (
    "its lists do not fit its input, or its kind of number has no such form",
    "compute this part outside, and give its result as the input",
)
REFUSED = {
    "TreeEnsembleClassifier": TREES,
    "TreeEnsembleRegressor": TREES,
    "TreeEnsemble": TREES,
    "LinearClassifier": LINEAR,
    "LinearRegressor": LINEAR,
    "SVMClassifier": VECTORS,
    "SVMRegressor": VECTORS,
    "LabelEncoder": TEXT,
    "CategoryMapper": TEXT,
    "CastMap": TEXT,
    "DictVectorizer": TEXT,
    "ZipMap": TEXT,
}
"""Operator to (why, what to do)."""


def why_left(op: str) -> tuple[str, str]:
    """Return why an operator of ai.onnx.ml was not rewritten, and what to do about it."""
    return REFUSED.get(op, SHAPES)
