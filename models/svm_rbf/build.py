"""A support vector machine with a Gaussian kernel on the breast cancer table: matrix products and an exponential.

K(x, s) = exp(−γ‖x − s‖²), and −γ‖x − s‖² = 2γ x·s − γ‖s‖² − γ‖x‖², so that one product serves all support vectors.
"""

from __future__ import annotations

import numpy as np
from sklearn.svm import SVC

from models import data, runtime
from models.entry import Built, Tensor
from models.graph import Graph, to_bytes

GAMMA, COST = 0.25, 4.0


def build() -> Built:
    """Return the fitted machine as a graph, and its test set. Raises `ValueError` when the graph disagrees."""
    split = data.breast_cancer()
    fitted = SVC(C=COST, gamma=GAMMA).fit(split.x_train, split.y_train)
    vectors = fitted.support_vectors_.astype(np.float64)
    graph = Graph("svm_rbf")
    x = graph.input("features", [1, 30])
    weight = graph.constant("twice_gamma_vectors", 2 * GAMMA * vectors.T)
    norms = graph.constant("minus_gamma_norms", -GAMMA * np.square(vectors).sum(axis=1))
    products = graph.node("Gemm", x, weight, norms, out="products")
    squares = graph.node("Mul", x, x, out="squares")
    minus_gamma = graph.constant("minus_gamma", np.full((30, 1), -GAMMA))
    norm = graph.node("MatMul", squares, minus_gamma, out="minus_gamma_norm")
    kernel = graph.node("Exp", graph.node("Add", products, norm, out="exponent"), out="kernel")
    dual = graph.constant("dual", fitted.dual_coef_.reshape(-1, 1))
    decision = graph.node("Gemm", kernel, dual, graph.constant("bias", fitted.intercept_), out="decision")
    model = graph.finish(decision, [1, 1])
    runtime.require_agreement(to_bytes(model), {"features": split.x_test}, fitted.decision_function(split.x_test), 1e-4)
    return Built(
        model=model,
        task="binary classification",
        description=f"support vector machine, Gaussian kernel, {len(vectors)} vectors: is a tumour benign",
        data=split,
        inputs={"features": split.x_test},
        expected_key="label",
        metric="binary_accuracy",
        threshold=0.0,
        input_notes={"features": Tensor("mean, error and worst of ten cell measurements", "multiples of 1/64 in [-1, 1]")},
        output_notes={"decision": Tensor("positive for class 1, benign", "about -5 to 3")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
    )
