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
    # The sum, not the mean: one over the number of trees would lose most of its digits at a small scale.
    model = graph.finish(trees.ensemble(graph, pixels, forest, np.zeros(10), "votes"), [1, 10])
    votes = TREES * fitted.predict_proba(x_test)
    runtime.require_agreement(to_bytes(model), {"pixels": x_test}, votes, 1e-4)
    return Built(
        model=model,
        task="classification, 10 classes",
        description=f"{TREES} trees of depth {DEPTH}: which digit is it",
        data=split,
        inputs={"pixels": x_test},
        expected_key="label",
        metric="accuracy",
        input_notes={"pixels": Tensor("8x8 grey image, row by row", "multiples of 1/16 in [0, 1]")},
        output_notes={"votes": Tensor("sum over the trees of the leaf's class shares", f"0 to {TREES}")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
        notes=("thresholds lie half-way between grid points: comparisons are exact at scales of 5 bits or more",),
    )
