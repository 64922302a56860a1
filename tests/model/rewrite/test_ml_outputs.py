"""Maps and text among the outputs become tensors of numbers, and it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.model.rewrite.ml import FLOAT, INT64, STRING, ml_proto
from zkml.model import from_proto, normalise
from zkml.model.run import Runner


def classifier(labels: dict[str, Any]) -> onnx.ModelProto:
    """Return a classifier of three classes followed by a `ZipMap`, as scikit-learn's exporter writes it."""
    kind = STRING if "classlabels_strings" in labels else INT64
    proto = ml_proto(
        "LinearClassifier",
        2,
        [("label", kind, [1]), ("scores", FLOAT, [1, 3])],
        version=1,
        coefficients=[1.0, 0.0, 0.0, 1.0, -1.0, -1.0],
        intercepts=[0.0, 0.0, 0.1],
        **labels,
    )
    names = {("classlabels_int64s" if k == "classlabels_ints" else k): v for k, v in labels.items()}
    proto.graph.node.append(helper.make_node("ZipMap", ["scores"], ["map"], name="zip", domain="ai.onnx.ml", **names))
    proto.graph.output[1].CopyFrom(onnx.ValueInfoProto(name="map"))
    key = TensorProto.STRING if kind == STRING else TensorProto.INT64
    entry = helper.make_map_type_proto(key, helper.make_tensor_type_proto(FLOAT, []))
    proto.graph.output[1].type.CopyFrom(helper.make_sequence_type_proto(entry))
    return proto


def test_a_map_becomes_the_tensor_it_was_made_of() -> None:
    model = from_proto(classifier({"classlabels_ints": [4, 5, 6]}))
    assert "output 'map' is given as a tensor, not as a map; its columns are 4, 5, 6" in model.notes
    got = Runner(normalise(model)).run({"x": np.array([[1.0, 0.5]])})
    np.testing.assert_allclose(got["map"], [[1.0, 0.5, -1.4]], atol=1e-6)
    assert got["label"].tolist() == [4]


def test_labels_that_are_text_become_indices() -> None:
    model = from_proto(classifier({"classlabels_strings": ["ant", "bee", "cow"]}))
    assert "output 'label' is the index of a class, not its name; the classes are 'ant', 'bee', 'cow'" in model.notes
    assert Runner(normalise(model)).run({"x": np.array([[0.0, 2.0]])})["label"].tolist() == [1]
    assert [(t.name, t.dtype) for t in model.outputs] == [("label", "int64"), ("map", "float")]
