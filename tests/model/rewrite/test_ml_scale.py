"""Preparation of features becomes elementwise arithmetic that computes the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from tests.model.rewrite.ml import FLOAT, INT64, STRING, left_alone, ml_proto, same_on_a_grid

WIDTH = 3


@pytest.mark.parametrize(
    ("op", "rule", "attributes"),
    [
        ("Scaler", "scaler", {"offset": [1.0, 2.0, 3.0], "scale": [0.5, 2.0, 3.0]}),
        ("Scaler", "scaler", {"offset": [1.0], "scale": [0.5]}),
        ("Normalizer", "normalizer", {"norm": "L1"}),
        ("Normalizer", "normalizer", {"norm": "L2"}),
        ("Normalizer", "normalizer", {"norm": "MAX"}),
        ("Binarizer", "binarizer", {"threshold": 0.25}),
        ("Imputer", "imputer", {"imputed_value_floats": [1.0, 2.0, 3.0], "replaced_value_float": 0.25}),
        ("Imputer", "imputer", {"imputed_value_floats": [1.0], "replaced_value_float": float("nan")}),
        ("FeatureVectorizer", "feature-vectorizer", {"inputdimensions": [WIDTH]}),
    ],
)
def test_preparation_is_the_same(op: str, rule: str, attributes: dict[str, Any]) -> None:
    proto = ml_proto(op, WIDTH, [("y", FLOAT, [1, WIDTH])], version=1, **attributes)
    same_on_a_grid(proto, rule, grid=4 if rule != "normalizer" else 1)


def test_encoders_of_numbers_are_the_same() -> None:
    attributes: dict[str, Any] = {"keys_floats": [0.0, 1.0, 0.5], "values_int64s": [5, 9, 3], "default_int64": 2}
    same_on_a_grid(ml_proto("LabelEncoder", WIDTH, [("y", INT64, [1, WIDTH])], version=2, **attributes), "label-encoder")
    attributes = {"keys_int64s": [0, 1, -1], "values_floats": [0.5, 9.0, 3.0], "default_float": 2.0}
    proto = ml_proto("LabelEncoder", WIDTH, [("y", FLOAT, [1, WIDTH])], kind=INT64, version=2, **attributes)
    same_on_a_grid(proto, "label-encoder", grid=1)
    proto = ml_proto("OneHotEncoder", WIDTH, [("y", FLOAT, [1, WIDTH, 3])], kind=INT64, version=1, cats_int64s=[0, 1, -1])
    same_on_a_grid(proto, "one-hot-encoder", grid=1)


def test_columns_are_picked() -> None:
    proto = ml_proto("ArrayFeatureExtractor", WIDTH, [("y", FLOAT, [1, 2])], version=1)
    proto.graph.node[0].input.append("columns")
    proto.graph.initializer.append(numpy_helper.from_array(np.array([[2, 0]]), "columns"))
    same_on_a_grid(proto, "array-feature-extractor")


def test_text_is_left_alone() -> None:
    attributes: dict[str, Any] = {"keys_floats": [0.0, 1.0], "values_strings": ["a", "b"]}
    left_alone(ml_proto("LabelEncoder", WIDTH, [("y", STRING, [1, WIDTH])], version=2, **attributes))
