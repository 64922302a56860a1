"""Features picked, joined and encoded: `ArrayFeatureExtractor`, `FeatureVectorizer`, `LabelEncoder`, `OneHotEncoder`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.model.rewrite.ml_forest import tensor_of
from zkml.model.rewrite.ml_linear import NUMBERS
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_KEYS = 1 << 12


def array_feature_extractor(site: Site) -> list[str] | None:
    """Columns of the last axis; a vector counts as one row."""
    x, shape, indices = site.input(0), site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or not shape or site.dtype(x) not in (*NUMBERS, "bool"):
        return None
    if len(shape) == 1:
        x = site.reshape(x, [1, *shape])
    axis = max(len(shape) - 1, 1)
    if indices is None:
        picked = site.op_("Gather", x, site.reshape(site.input(1), [-1]), axis=axis)
        return [picked]
    if ((indices < 0) | (indices >= shape[-1])).any():
        return None
    return [site.gather(x, indices.reshape(-1), axis)]


def feature_vectorizer(site: Site) -> list[str] | None:
    """All inputs as floats, side by side."""
    parts = []
    for i, _ in enumerate(site.node.input):
        x, shape = site.input(i), site.shape(site.input(i))
        if shape is None or len(shape) not in (1, 2) or site.dtype(x) not in NUMBERS:
            return None
        value = x if site.dtype(x) == "float" else site.cast(x, "float")
        parts.append(site.reshape(value, [shape[0], 1]) if len(shape) == 1 else value)
    widths = [s[1] if len(s) == 2 else 1 for s in (site.shape(n) or () for n in site.node.input)]
    if site.attribute("inputdimensions", widths) != widths:
        return None
    return [site.op_("Identity", parts[0]) if len(parts) == 1 else site.concat(parts, 1)]


def spread(site: Site, x: str, shape: tuple[int, ...]) -> str:
    """Return x with a new last axis of 1, for one comparison with each of many keys."""
    return site.reshape(x, [*shape, 1])


def label_encoder(site: Site) -> list[str] | None:
    """Numbers for numbers: the default plus, where a key is met, what its value has over the default."""
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None or site.dtype(x) not in ("float", "double", "int32", "int64"):
        return None
    keys, values = (_numbers(site, what) for what in ("keys", "values"))
    if keys is None or values is None or keys.size != values.size or not 0 < keys.size <= MAX_KEYS:
        return None
    if len(np.unique(keys)) != keys.size or not np.isfinite(np.asarray([*keys, *values], dtype=np.float64)).all():
        return None
    default = tensor_of(site, "default_tensor").reshape(-1)
    if not default.size:
        default = np.asarray(
            [site.attribute("default_int64", -1) if values.dtype.kind == "i" else site.attribute("default_float", -0.0)]
        )
    if default.dtype.kind not in "if" or not np.isfinite(default).all():
        return None
    real = np.int64 if values.dtype.kind == "i" else np.float32
    met = site.op_("Equal", spread(site, x, shape), site.like(keys, x, "keys"))
    over = site.where(met, site.const((values - default[0]).astype(real), "over"), site.const(np.zeros((1,), real), "zero"))
    total = site.reduce("ReduceSum", over, [len(shape)], keepdims=False)
    return [site.add(total, site.const(default[:1].astype(real).reshape(()), "default"))]


def _numbers(site: Site, what: str) -> npt.NDArray[Any] | None:
    """Return the keys or values of a `LabelEncoder`; None when they are text or not there."""
    tensor = tensor_of(site, f"{what}_tensor").reshape(-1)
    if tensor.size:
        return tensor if tensor.dtype.kind in "if" else None
    whole, real = site.attribute(f"{what}_int64s", []), site.attribute(f"{what}_floats", [])
    if whole:
        return np.asarray(whole, dtype=np.int64)
    return np.asarray(real, dtype=np.float32) if real else None


def one_hot_encoder(site: Site) -> list[str] | None:
    """A comparison with every category, for whole numbers; an unknown one gives zeros."""
    x, shape = site.input(0), site.shape(site.input(0))
    categories = np.asarray(site.attribute("cats_int64s", []), dtype=np.int64)
    if shape is None or site.dtype(x) not in ("int32", "int64") or not 0 < categories.size <= MAX_KEYS:
        return None
    if site.attribute("zeros", 1) == 0:
        return None  # onnxruntime stops at an unknown category then, and a circuit cannot
    met = site.op_("Equal", spread(site, x, shape), site.like(categories, x, "categories"))
    return [site.where(met, site.const(np.ones((1,), np.float32), "one"), site.const(np.zeros((1,), np.float32), "zero"))]


RULES = (
    Rule(
        "array-feature-extractor",
        frozenset({"ArrayFeatureExtractor"}),
        "a gather along the last axis",
        array_feature_extractor,
        "ai.onnx.ml",
    ),
    Rule("feature-vectorizer", frozenset({"FeatureVectorizer"}), "a concatenation", feature_vectorizer, "ai.onnx.ml"),
    Rule(
        "label-encoder", frozenset({"LabelEncoder"}), "keys are distinct, so that at most one is met", label_encoder, "ai.onnx.ml"
    ),
    Rule(
        "one-hot-encoder",
        frozenset({"OneHotEncoder"}),
        "the definition: 1 where the category is met",
        one_hot_encoder,
        "ai.onnx.ml",
    ),
)
