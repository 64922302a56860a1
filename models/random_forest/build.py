"""A random forest on 8×8 digits: 50 trees of depth 5 as tensor operations."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from models import data, runtime, trees
from models.data import SEED
from models.entry import Built, Tensor
from models.graph import Graph, to_bytes

TREES, DEPTH = 50, 5


def build() -> Built:
    """Return the fitted forest as a graph, and its test set. Raises `ValueError` when the graph disagrees."""
    split = data.digits()
    x_train, x_test = (x.reshape(len(x), 64) for x in (split.x_train, split.x_test))
    fitted = RandomForestClassifier(TREES, max_depth=DEPTH, random_state=SEED, n_jobs=1)
    fitted.fit(x_train, split.y_train)
    forest = [trees.from_sklearn(tree, split.grid) for tree in fitted.estimators_]
    graph = Graph("random_forest")
    pixels = graph.input("pixels", [1, 64])
    total = trees.ensemble(graph, pixels, forest, np.zeros(10), "votes")
    scale = graph.constant("one_over_trees", 1 / TREES)
    model = graph.finish(graph.node("Mul", total, scale, out="probability"), [1, 10])
    runtime.require_agreement(to_bytes(model), {"pixels": x_test}, fitted.predict_proba(x_test), 1e-5)
    return Built(
        model=model,
        task="classification, 10 classes",
        description=f"{TREES} trees of depth {DEPTH}: which digit is it",
        data=split,
        inputs={"pixels": x_test},
        expected_key="label",
        metric="accuracy",
        input_notes={"pixels": Tensor("8x8 grey image, row by row", "multiples of 1/16 in [0, 1]")},
        output_notes={"probability": Tensor("mean over trees of the leaf's class shares", "0 to 1")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
        notes=("thresholds lie half-way between grid points: comparisons are exact at scales of 5 bits or more",),
    )
