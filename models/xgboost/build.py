"""Gradient-boosted trees on the diabetes table: 60 trees of depth 5 as tensor operations."""

from __future__ import annotations

import numpy as np
from xgboost import XGBRegressor

from models import data, runtime, trees
from models.data import SEED
from models.entry import Built, Tensor
from models.graph import Graph, to_bytes

TREES, DEPTH = 60, 5


def build() -> Built:
    """Return the fitted ensemble as a graph, and its test set. Raises `ValueError` when the graph disagrees."""
    split = data.diabetes()
    fitted = XGBRegressor(
        n_estimators=TREES,
        max_depth=DEPTH,
        learning_rate=0.06,
        subsample=0.7,
        colsample_bytree=0.6,
        min_child_weight=3,
        tree_method="exact",
        random_state=SEED,
        n_jobs=1,
    )
    fitted.fit(split.x_train, split.y_train)
    boosted, base = trees.from_xgboost(fitted.get_booster(), split.grid)
    graph = Graph("xgboost")
    features = graph.input("features", [1, 10])
    model = graph.finish(
        trees.ensemble(graph, features, boosted, np.array([base]), "progression"),
        [1, 1],
    )
    runtime.require_agreement(to_bytes(model), {"features": split.x_test}, fitted.predict(split.x_test), 1e-5)
    return Built(
        model=model,
        task="regression",
        description=f"{TREES} boosted trees of depth {DEPTH}: disease progression from ten measurements",
        data=split,
        inputs={"features": split.x_test},
        expected_key="target",
        metric="r2",
        input_notes={"features": Tensor("age, sex, body mass, blood pressure, six blood values", "multiples of 1/64 in [-1, 1]")},
        output_notes={"progression": Tensor("disease progression after one year / 100", "about 0 to 4")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn", "xgboost"),
        notes=("thresholds lie half-way between grid points: comparisons are exact at scales of 7 bits or more",),
    )
