"""Logistic regression on the breast cancer table: a matrix product and a sigmoid."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from models import data
from models.entry import Built, Tensor
from models.graph import Graph


def build() -> Built:
    """Return the fitted model and its test set."""
    split = data.breast_cancer()
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(split.x_train, split.y_train)
    graph = Graph("logistic_regression")
    x = graph.input("features", [1, 30])
    weight = graph.constant("weight", fitted.coef_.reshape(30, 1))
    bias = graph.constant("bias", fitted.intercept_)
    logit = graph.node("Gemm", x, weight, bias, out="logit")
    return Built(
        model=graph.finish(graph.node("Sigmoid", logit, out="probability"), [1, 1]),
        task="binary classification",
        description="logistic regression with a squared penalty: is a tumour benign",
        data=split,
        inputs={"features": split.x_test},
        expected_key="label",
        metric="binary_accuracy",
        threshold=0.5,
        input_notes={"features": Tensor("mean, error and worst of ten cell measurements", "[-1, 1]")},
        output_notes={"probability": Tensor("probability of class 1, benign", "0 to 1")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
    )
