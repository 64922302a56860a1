"""A label that rounding decides is no difference between two models; a label that is wrong is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from tests.model.rewrite.ml import FLOAT, INT64, Trees, ml_proto
from zkml.errors import InternalFault
from zkml.model import check_rewritten, from_proto, make_samples, normalise
from zkml.model.rewrite.ties import undecided
from zkml.model.run import Runner


def shares(trees: int) -> Any:
    """Return a forest of stumps of which every other one says yes: on any sample half of the votes."""
    forest = Trees(0, trees, 1, 2)
    attributes = forest.nodes() | forest.weights("class", [0], positive=True)
    attributes["class_weights"] = [float(np.float32(tree % 2 / trees)) for tree, _ in forest.leaves]
    outputs = [("label", INT64, [1]), ("y", FLOAT, [1, 2])]
    return ml_proto("TreeEnsembleClassifier", 2, outputs, classlabels_int64s=[0, 1], **attributes)


@pytest.mark.parametrize("trees", [6, 10, 50])
def test_half_of_the_votes_is_no_difference(trees: int) -> None:
    given = from_proto(shares(trees))
    normal = normalise(given)
    values = Runner(normal, [n.input[0] for n in normal.proto.graph.node if n.op_type == "Greater"]).run({"x": np.ones((1, 2))})
    assert undecided(normal, values)
    assert check_rewritten(given, normal, make_samples({"x": np.ones((1, 2))}, normal)) in (
        (),
        ("no made sample runs in the given model, so its rewriting was not compared with it",),
    )


def test_another_label_where_nothing_is_near_is_a_difference() -> None:
    forest = Trees(1, 5, 2, 2)
    attributes = forest.nodes() | forest.weights("class", [0, 1, 2])
    outputs = [("label", INT64, [1]), ("y", FLOAT, [1, 3])]
    given = from_proto(ml_proto("TreeEnsembleClassifier", 2, outputs, classlabels_int64s=[4, 5, 6], **attributes))
    normal = normalise(given)
    for tensor in normal.proto.graph.initializer:
        if "labels" in tensor.name:
            tensor.CopyFrom(numpy_helper.from_array(np.array([5, 6, 4]), tensor.name))
    with pytest.raises(InternalFault, match="computes something else"):
        check_rewritten(given, normal)
