"""Elementwise preparation of ai.onnx.ml: `Scaler`, `Normalizer`, `Binarizer`, `Imputer`."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.ml_classes import spare_bits
from zkml.model.rewrite.ml_forest import choice
from zkml.model.rewrite.ml_linear import NUMBERS
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

FINER = 4
"""How many bits finer than the input's grid a threshold is rounded, as in `ml_trees`."""


def scaler(site: Site) -> list[str] | None:
    x, shape = site.input(0), site.shape(site.input(0))
    offset, scale = (np.asarray(site.attribute(name, []), dtype=np.float32) for name in ("offset", "scale"))
    if shape is None or site.dtype(x) not in NUMBERS or offset.size != scale.size or offset.size not in (1, shape[-1]):
        return None
    if not np.isfinite([*offset, *scale]).all():
        return None
    value = x if site.dtype(x) == "float" else site.cast(x, "float")
    if offset.any():
        value = site.sub(value, site.const(offset, "offset"))
    if (scale == 1).all():
        return [site.op_("Identity", value)]
    # A power of two moves the fixed point and costs nothing: so a scale of 1/1000 keeps its digits beside one of 1.
    bits = spare_bits(np.abs(scale[scale != 0]).min(initial=1))
    value = site.mul(value, site.const(scale * np.float32(2.0**bits), "scale"))
    return [site.div(value, site.const(np.asarray(2.0**bits, np.float32), "unit"))] if bits else [value]


def normalizer(site: Site) -> list[str] | None:
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None or len(shape) != 2 or site.dtype(x) not in NUMBERS:
        return None
    value = x if site.dtype(x) == "float" else site.cast(x, "float")
    match choice(site, "norm", ("MAX", "L1", "L2"), "MAX"):
        case "MAX":
            norm = site.reduce("ReduceMax", value, [1])
        case "L1":
            norm = site.reduce("ReduceL1", value, [1])
        case "L2":
            norm = site.reduce("ReduceL2", value, [1])
        case _:
            return None
    # A row of zeros stays as it is: it is divided by 1.
    zero = site.op_("Equal", norm, site.const(np.zeros((1, 1), np.float32), "zero"))
    return [site.div(value, site.where(zero, site.const(np.ones((1, 1), np.float32), "one"), norm))]


def binarizer(site: Site) -> list[str] | None:
    x, threshold = site.input(0), float(site.attribute("threshold", 0.0))
    if site.shape(x) is None or site.dtype(x) not in NUMBERS or not np.isfinite(threshold):
        return None
    real = site.numpy_type(x)
    fine = x
    finer = FINER if real.kind == "f" and abs(threshold) < 1e30 else 0
    for _ in range(finer):
        fine = site.add(fine, fine)
    if real.kind == "i" and threshold != int(threshold):
        return None
    limit = site.const(np.asarray(real.type(threshold) * real.type(1 << finer)), "threshold")
    return [site.cast(site.op_("Greater", fine, limit), site.dtype(x))]


def imputer(site: Site) -> list[str] | None:
    """Samples hold no NaN (they are refused before), so that only a number that stands for a missing value is replaced."""
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None or site.dtype(x) not in NUMBERS:
        return None
    whole = site.dtype(x) in ("int32", "int64")
    given = site.attribute("imputed_value_int64s" if whole else "imputed_value_floats", [])
    missing = site.attribute("replaced_value_int64" if whole else "replaced_value_float", 0 if whole else 0.0)
    if len(given) not in (1, shape[-1]):
        return None
    if isinstance(missing, float) and np.isnan(missing):
        return [site.op_("Identity", x)]
    values = np.asarray(given, dtype=site.numpy_type(x))
    if not np.isfinite([*values.tolist(), missing]).all():
        return None
    row = np.broadcast_to(values, (shape[-1],)).reshape((1,) * (len(shape) - 1) + (shape[-1],))
    return [
        site.where(site.op_("Equal", x, site.like(missing, x, "missing")), site.const(np.ascontiguousarray(row), "imputed"), x)
    ]


RULES = (
    Rule("scaler", frozenset({"Scaler"}), "the definition: (x − offset)·scale", scaler, "ai.onnx.ml"),
    Rule("normalizer", frozenset({"Normalizer"}), "the definition: each row divided by its norm", normalizer, "ai.onnx.ml"),
    Rule("binarizer", frozenset({"Binarizer"}), "the definition: 1 above the threshold, else 0", binarizer, "ai.onnx.ml"),
    Rule("imputer", frozenset({"Imputer"}), "NaN is never in a sample; a number is compared and replaced", imputer, "ai.onnx.ml"),
)
