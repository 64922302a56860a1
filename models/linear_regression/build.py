"""Least squares on the diabetes table: one matrix product."""

from __future__ import annotations

from sklearn.linear_model import LinearRegression

from models import data
from models.entry import Built, Tensor
from models.graph import Graph


def build() -> Built:
    """Return the fitted model and its test set."""
    split = data.diabetes()
    fitted = LinearRegression().fit(split.x_train, split.y_train)
    graph = Graph("linear_regression")
    x = graph.input("features", [1, 10])
    weight = graph.constant("weight", fitted.coef_.reshape(10, 1))
    bias = graph.constant("bias", [fitted.intercept_])
    return Built(
        model=graph.finish(graph.node("Gemm", x, weight, bias, out="progression"), [1, 1]),
        task="regression",
        description="ordinary least squares: disease progression from ten measurements",
        data=split,
        inputs={"features": split.x_test},
        expected_key="target",
        metric="r2",
        input_notes={"features": Tensor("age, sex, body mass, blood pressure, six blood values", "[-1, 1]")},
        output_notes={"progression": Tensor("disease progression after one year / 100", "about 0 to 4")},
        samples=300,
        tools=("numpy", "onnx", "scikit-learn"),
    )
