"""Linear models and support vector machines become matrix products that compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.model.rewrite.ml import FLOAT, INT64, left_alone, ml_proto, same_on_a_grid

WIDTH = 4


def drawn(*shape: int) -> list[float]:
    return [float(v) for v in np.random.default_rng(sum(shape)).normal(size=shape).reshape(-1)]


@pytest.mark.parametrize(
    ("rows", "transform"),
    [(1, "NONE"), (1, "LOGISTIC"), *[(n, t) for n in (2, 3) for t in ("NONE", "LOGISTIC", "SOFTMAX")]],
)
def test_a_linear_classifier_is_the_same(rows: int, transform: str) -> None:
    labels = [3, 8, 4][: max(rows, 2)]
    proto = ml_proto(
        "LinearClassifier",
        WIDTH,
        [("label", INT64, [1]), ("y", FLOAT, [1, len(labels)])],
        version=1,
        coefficients=drawn(rows, WIDTH),
        intercepts=drawn(rows),
        classlabels_ints=labels,
        post_transform=transform,
    )
    same_on_a_grid(proto, "linear-classifier")


@pytest.mark.parametrize(("targets", "transform"), [(1, "NONE"), (3, "NONE"), (3, "SOFTMAX"), (3, "LOGISTIC")])
def test_a_linear_regressor_is_the_same(targets: int, transform: str) -> None:
    proto = ml_proto(
        "LinearRegressor",
        WIDTH,
        [("y", FLOAT, [1, targets])],
        version=1,
        coefficients=drawn(targets, WIDTH),
        intercepts=drawn(targets),
        targets=targets,
        post_transform=transform,
    )
    same_on_a_grid(proto, "linear-regressor")


@pytest.mark.parametrize("transform", ["PROBIT", "SOFTMAX_ZERO"])
def test_transformations_that_a_circuit_does_not_have_are_left_alone(transform: str) -> None:
    attributes: dict[str, Any] = {
        "coefficients": drawn(3, WIDTH),
        "intercepts": drawn(3),
        "targets": 3,
        "post_transform": transform,
    }
    left_alone(ml_proto("LinearRegressor", WIDTH, [("y", FLOAT, [1, 3])], version=1, **attributes))


def test_a_transformation_of_one_target_is_left_alone_because_onnxruntime_forgets_it() -> None:
    attributes: dict[str, Any] = {"coefficients": drawn(WIDTH), "intercepts": [0.5], "targets": 1, "post_transform": "LOGISTIC"}
    left_alone(ml_proto("LinearRegressor", WIDTH, [("y", FLOAT, [1, 1])], version=1, **attributes))


KERNELS = ["LINEAR", "RBF", "POLY", "SIGMOID"]


def machine(classes: int, kernel: str, transform: str) -> dict[str, Any]:
    sizes = [2, 1, 3, 2][:classes]
    count, pairs = sum(sizes), classes * (classes - 1) // 2
    return {
        "coefficients": drawn(classes - 1, count),
        "rho": drawn(pairs),
        "classlabels_ints": [3, 8, 11, 2][:classes],
        "vectors_per_class": sizes,
        "support_vectors": drawn(count, WIDTH),
        "kernel_type": kernel,
        "kernel_params": [0.5, 0.1, 3.0],
        "post_transform": transform,
    }


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("classes", "transform"), [(2, "NONE"), (2, "LOGISTIC"), (3, "NONE"), (4, "SOFTMAX")])
def test_a_support_vector_classifier_is_the_same(kernel: str, classes: int, transform: str) -> None:
    pairs = max(classes * (classes - 1) // 2, 2)
    proto = ml_proto(
        "SVMClassifier",
        WIDTH,
        [("label", INT64, [1]), ("y", FLOAT, [1, pairs])],
        version=1,
        **machine(classes, kernel, transform),
    )
    same_on_a_grid(proto, "svm-classifier")


def test_probabilities_of_a_support_vector_classifier_are_left_alone() -> None:
    attributes = machine(2, "RBF", "NONE") | {"prob_a": [-1.5], "prob_b": [0.25]}
    left_alone(ml_proto("SVMClassifier", WIDTH, [("label", INT64, [1]), ("y", FLOAT, [1, 2])], version=1, **attributes))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("one_class", [0, 1])
def test_a_support_vector_regressor_is_the_same(kernel: str, one_class: int) -> None:
    proto = ml_proto(
        "SVMRegressor",
        WIDTH,
        [("y", FLOAT, [1, 1])],
        version=1,
        coefficients=drawn(5),
        rho=[0.3],
        n_supports=5,
        support_vectors=drawn(5, WIDTH),
        kernel_type=kernel,
        kernel_params=[0.5, 0.1, 2.0],
        one_class=one_class,
    )
    same_on_a_grid(proto, "svm-regressor")
