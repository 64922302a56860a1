"""What is left of ai.onnx.ml is refused by node, with what to do."""

from __future__ import annotations

import pytest

from tests.model.rewrite.ml import FLOAT, INT64, STRING, Trees, ml_proto
from tests.model.rewrite.test_ml_linear import machine
from zkml.errors import ModelError
from zkml.model import from_proto, normalise
from zkml.model.operators import check_support


def test_probabilities_of_support_vectors_are_refused_with_the_remedy() -> None:
    attributes = machine(2, "RBF", "NONE") | {"prob_a": [-1.5], "prob_b": [0.25]}
    proto = ml_proto("SVMClassifier", 4, [("label", INT64, [1]), ("y", FLOAT, [1, 2])], version=1, **attributes)
    with pytest.raises(ModelError, match="it \\(SVMClassifier\\)") as e:
        check_support(normalise(from_proto(proto)))
    assert e.value.code == "unsupported"
    assert e.value.node == "it"
    assert "probability=False" in (e.value.hint or "")


def test_trees_with_probit_are_refused_with_the_reason() -> None:
    trees = Trees(6, 3, 2, 5)
    attributes = trees.nodes() | trees.weights("class", [0, 1, 2])
    outputs = [("label", INT64, [1]), ("y", FLOAT, [1, 3])]
    proto = ml_proto("TreeEnsembleClassifier", 5, outputs, post_transform="PROBIT", classlabels_int64s=[0, 1, 2], **attributes)
    with pytest.raises(ModelError, match="PROBIT"):
        check_support(normalise(from_proto(proto)))


def test_text_is_refused_with_the_reason() -> None:
    outputs = [("y", STRING, [1, 3])]
    proto = ml_proto("LabelEncoder", 3, outputs, version=2, keys_floats=[0.0, 1.0], values_strings=["a", "b"])
    with pytest.raises(ModelError, match="text"):
        check_support(normalise(from_proto(proto)))
