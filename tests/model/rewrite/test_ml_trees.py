"""Tree ensembles become comparisons and products that compute the same, thresholds met exactly included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from tests.model.rewrite.ml import ALL, FLOAT, INT64, LEQ, LT, Trees, left_alone, ml_proto, same_on_a_grid
from zkml.errors import ModelError
from zkml.model import from_proto, normalise

WIDTH = 5


@pytest.mark.parametrize("modes", [LEQ, LT, ALL], ids=["leq", "lt", "all"])
@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("base", [[], [0.7]])
def test_regression_is_the_same(modes: Sequence[str], aggregate: str, base: list[float]) -> None:
    trees = Trees(1, 4, 4, WIDTH, modes)
    given: dict[str, Any] = {"base_values": base} if base else {}
    proto = ml_proto(
        "TreeEnsembleRegressor",
        WIDTH,
        [("y", FLOAT, [1, 1])],
        n_targets=1,
        aggregate_function=aggregate,
        **trees.nodes(),
        **trees.weights("target", [0]),
        **given,
    )
    same_on_a_grid(proto, "trees-regressor")


@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"])
def test_three_classes_are_the_same(transform: str) -> None:
    trees = Trees(2, 5, 3, WIDTH, ALL)
    proto = ml_proto(
        "TreeEnsembleClassifier",
        WIDTH,
        [("label", INT64, [1]), ("y", FLOAT, [1, 3])],
        classlabels_int64s=[5, 7, 9],
        post_transform=transform,
        **trees.nodes(),
        **trees.weights("class", [0, 1, 2]),
    )
    same_on_a_grid(proto, "trees-classifier")


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC"])
@pytest.mark.parametrize("base", [[], [0.3], [-0.3]])
def test_two_classes_with_one_score_are_completed_as_onnxruntime_does(positive: bool, transform: str, base: list[float]) -> None:
    trees = Trees(3, 5, 3, WIDTH)
    given: dict[str, Any] = {"base_values": base} if base else {}
    proto = ml_proto(
        "TreeEnsembleClassifier",
        WIDTH,
        [("label", INT64, [1]), ("y", FLOAT, [1, 2])],
        classlabels_int64s=[0, 1],
        post_transform=transform,
        **trees.nodes(),
        **trees.weights("class", [0], positive=positive),
        **given,
    )
    same_on_a_grid(proto, "trees-classifier")


def test_the_ensemble_of_opset_5_is_the_same() -> None:
    """Modes `<=`, `<`, `>=`, `>`, `=`, `≠` and membership; the last tree is a leaf written as a node with one leaf twice."""
    rng = np.random.default_rng(4)
    nodes = 8
    attributes: dict[str, Any] = {
        "tree_roots": [0, 1, 2, 3, 4, 5, 6, 7],
        "n_targets": 2,
        "nodes_featureids": [0, 1, 2, 0, 1, 2, 1, 0],
        "nodes_truenodeids": [0, 2, 4, 6, 8, 10, 12, 14],
        "nodes_falsenodeids": [1, 3, 5, 7, 9, 11, 13, 14],
        "nodes_trueleafs": [1] * nodes,
        "nodes_falseleafs": [1] * nodes,
        "leaf_targetids": [i // 2 % 2 for i in range(15)],
    }
    tensors: dict[str, np.ndarray] = {
        "nodes_modes": np.array([0, 1, 2, 3, 4, 5, 6, 0], np.uint8),
        "nodes_splits": np.array([0.25, -0.5, 0.0, 1.0, 0.5, -0.25, 0.0, 0.0], np.float32),
        "leaf_weights": rng.normal(size=15).astype(np.float32),
        "membership_values": np.array([1.0, 2.0, 3.0, np.nan], np.float32),
    }
    proto = ml_proto(
        "TreeEnsemble",
        3,
        [("y", FLOAT, [1, 2])],
        version=5,
        **attributes,
        **{name: numpy_helper.from_array(value) for name, value in tensors.items()},
    )
    same_on_a_grid(proto, "trees-regressor", samples=60)


def test_questions_that_trees_share_are_asked_once() -> None:
    trees = Trees(5, 1, 3, WIDTH)
    rows, leaves = list(trees.rows), list(trees.leaves)
    trees.rows = [(t, *row[1:]) for t in range(10) for row in rows]
    trees.leaves = [(t, node) for t in range(10) for _, node in leaves]
    proto = ml_proto(
        "TreeEnsembleRegressor",
        WIDTH,
        [("y", FLOAT, [1, 1])],
        n_targets=1,
        **trees.nodes(),
        **trees.weights("target", [0]),
    )
    normal = same_on_a_grid(proto, "trees-regressor")
    compared = [n for n in normal.proto.graph.node if n.op_type == "LessOrEqual"]
    asked = {(row[2], row[3]) for row in rows if row[4] != "LEAF"}
    assert sorted(normal.shapes[n.output[0]].shape[1] for n in compared) == [1, len(asked)]


@pytest.mark.parametrize(
    "change",
    [{"post_transform": "PROBIT"}, {"classlabels_int64s": [0]}, {"base_values": [0.1, 0.2]}],
    ids=["probit", "one class", "base of another length"],
)
def test_what_has_no_agreed_meaning_is_left_alone(change: dict[str, Any]) -> None:
    trees = Trees(6, 3, 2, WIDTH)
    attributes = {"classlabels_int64s": [0, 1, 2], **trees.nodes(), **trees.weights("class", [0, 1, 2]), **change}
    outputs = [("label", INT64, [1]), ("y", FLOAT, [1, 3])]
    left_alone(ml_proto("TreeEnsembleClassifier", WIDTH, outputs, **attributes))


def test_two_classes_with_two_scores_are_left_alone_because_onnxruntime_gives_another_label() -> None:
    trees = Trees(7, 3, 2, WIDTH)
    attributes = {"classlabels_int64s": [3, 8], **trees.nodes(), **trees.weights("class", [0, 1])}
    left_alone(ml_proto("TreeEnsembleClassifier", WIDTH, [("label", INT64, [1]), ("y", FLOAT, [1, 2])], **attributes))


@pytest.mark.parametrize(
    ("name", "index", "value", "says"),
    [
        ("nodes_truenodeids", 0, 99, "has no node 99"),
        ("nodes_nodeids", 1, 0, "two nodes of a tree have one number"),
        ("nodes_featureids", 0, 7, "a feature that its input of 5 does not have"),
        ("nodes_truenodeids", 0, 0, "below no root"),
        ("nodes_modes", 0, "BRANCH_SOMEHOW", "branches by"),
        ("target_nodeids", 0, 0, "is no leaf"),
    ],
)
def test_a_forest_that_is_none_is_named(name: str, index: int, value: Any, says: str) -> None:
    trees = Trees(8, 1, 2, WIDTH)
    attributes = {**trees.nodes(), **trees.weights("target", [0])}
    attributes[name][index] = value
    proto = ml_proto("TreeEnsembleRegressor", WIDTH, [("y", FLOAT, [1, 1])], n_targets=1, **attributes)
    with pytest.raises(ModelError, match=says) as e:
        normalise(from_proto(proto))
    assert e.value.node == "it"


def test_a_model_of_ai_onnx_ml_alone_is_rewritten() -> None:
    trees = Trees(9, 3, 2, WIDTH)
    proto = ml_proto(
        "TreeEnsembleRegressor", WIDTH, [("y", FLOAT, [1, 1])], n_targets=1, **trees.nodes(), **trees.weights("target", [0])
    )
    del proto.opset_import[:]
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    same_on_a_grid(proto, "trees-regressor")
