"""k-means on 8×8 digits: the nearest of ten centres.

‖x − c‖² − ‖x‖² = ‖c‖² − 2 x·c has its least value at the same centre, and needs no square of the input.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto
from sklearn.cluster import KMeans

from models import data, runtime
from models.data import SEED
from models.entry import Built, Tensor
from models.graph import Graph, to_bytes

CLUSTERS = 10


def build() -> Built:
    """Return the fitted centres as a graph, and the test set. Raises `ValueError` when the graph disagrees."""
    split = data.digits()
    x_train, x_test = (x.reshape(len(x), 64) for x in (split.x_train, split.x_test))
    fitted = KMeans(CLUSTERS, n_init=10, random_state=SEED).fit(x_train)
    centres = fitted.cluster_centers_.astype(np.float64)
    graph = Graph("kmeans")
    pixels = graph.input("pixels", [1, 64])
    weight = graph.constant("minus_two_centres", -2 * centres.T)
    norms = graph.constant("norms", np.square(centres).sum(axis=1))
    distance = graph.node("Gemm", pixels, weight, norms, out="distance")
    cluster = graph.node("ArgMin", distance, out="cluster", axis=1, keepdims=0)
    model = graph.finish(cluster, [1], TensorProto.INT64)
    runtime.require_agreement(to_bytes(model), {"pixels": x_test}, fitted.predict(x_test), 0)
    return Built(
        model=model,
        task="clustering",
        description=f"the nearest of {CLUSTERS} centres",
        data=split,
        inputs={"pixels": x_test},
        expected_key="label",
        metric="purity",
        input_notes={"pixels": Tensor("8x8 grey image, row by row", "multiples of 1/16 in [0, 1]")},
        output_notes={"cluster": Tensor("number of the nearest centre, which is not the digit", "0 to 9")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
        notes=(
            "ONNX gives a tie to the lowest number; in fixed point, distances closer than the rounding error tie "
            "or swap, so the cluster of such a point is not determined",
        ),
    )
