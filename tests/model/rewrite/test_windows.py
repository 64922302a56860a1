"""Pooling of any padding, dilation and rounding, and convolutions of any kind, compute the same after rewriting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.model.rewrite.one import one, rewritten, untouched
from zkml.model import support

RNG = np.random.default_rng(3)

POOLS: list[dict[str, Any]] = [
    {"pads": [1, 1, 1, 1]},
    {"pads": [0, 1, 2, 0], "strides": [2, 2]},
    {"dilations": [2, 2]},
    {"dilations": [2, 1], "pads": [1, 0, 1, 1], "strides": [1, 2]},
    {"ceil_mode": 1, "strides": [2, 2]},
    {"ceil_mode": 1, "strides": [3, 3], "pads": [1, 1, 1, 1]},
    {"auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
]


@pytest.mark.parametrize("attributes", POOLS, ids=str)
def test_max_pool(attributes: dict[str, Any]) -> None:
    model = rewritten(one("MaxPool", [1, 2, 7, 6], kernel_shape=[3, 3], **attributes), "max-pool")
    assert support(model) == ()


def test_a_max_pool_whose_indices_are_read_is_left_and_refused() -> None:
    model = untouched(one("MaxPool", [1, 1, 4, 4], outputs=2, kernel_shape=[2, 2], pads=[1, 1, 1, 1]))
    assert [u.op for u in support(model)] == ["MaxPool"]


def test_a_plain_max_pool_is_left_to_ezkl() -> None:
    untouched(one("MaxPool", [1, 1, 4, 4], kernel_shape=[2, 2], strides=[2, 2]))


@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("attributes", [p for p in POOLS if "dilations" not in p], ids=str)
def test_average_pool(attributes: dict[str, Any], counted: int) -> None:
    model = one("AveragePool", [1, 2, 7, 6], kernel_shape=[3, 3], count_include_pad=counted, **attributes)
    assert support(rewritten(model, "average-pool")) == ()


@pytest.mark.parametrize("p", [1, 2])
def test_lp_pools(p: int) -> None:
    rewritten(one("LpPool", [1, 2, 6, 6], opset=18, kernel_shape=[2, 2], p=p, pads=[1, 0, 1, 0]), "lp-pool")
    rewritten(one("GlobalLpPool", [2, 3, 4, 4], p=p), "global-lp-pool")


def test_a_norm_of_higher_order_is_left_and_refused() -> None:
    assert support(untouched(one("LpPool", [1, 2, 6, 6], opset=18, kernel_shape=[2, 2], p=3)))


def test_dilated_convolution() -> None:
    kernel = RNG.normal(size=(4, 2, 3, 2)).astype(np.float32)
    for group in (1, 2):
        model = one("Conv", [1, 2 * group, 9, 8], {"w": kernel}, dilations=[2, 3], pads=[1, 2, 1, 0], group=group, strides=[2, 1])
        rewritten(model, "dilated-conv")


def test_a_dilated_convolution_with_a_kernel_that_varies_is_left() -> None:
    model = one("Conv", [1, 1, 6, 6], inputs=["x", "x"], dilations=[1, 1])
    untouched(model)


@pytest.mark.parametrize(
    "attributes",
    [
        {"group": 2},
        {"strides": [2, 3], "output_padding": [1, 2]},
        {"dilations": [2, 1], "pads": [1, 0, 2, 1]},
        {"strides": [2, 2], "pads": [3, 2, 2, 3]},
        {"strides": [3, 2], "output_shape": [12, 10]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
    ],
    ids=str,
)
def test_transposed_convolution(attributes: dict[str, Any]) -> None:
    kernel = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
    bias = RNG.normal(size=3 * attributes.get("group", 1)).astype(np.float32)
    rewritten(one("ConvTranspose", [1, 4, 4, 5], {"w": kernel, "b": bias}, **attributes), "transposed-conv")


@pytest.mark.parametrize(
    ("sizes", "attributes"),
    [
        ([1, 1, 8, 10], {"mode": "linear"}),
        ([1, 1, 3, 2], {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        ([1, 1, 8, 8], {"mode": "cubic"}),
        ([1, 1, 9, 7], {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    ],
    ids=str,
)
def test_resize(sizes: list[int], attributes: dict[str, Any]) -> None:
    constants = {"sizes": np.asarray(sizes, dtype=np.int64)}
    rewritten(one("Resize", [1, 1, 4, 5], constants, inputs=["x", "", "", "sizes"], **attributes), "affine")


def test_a_grid_of_constants_is_a_matrix() -> None:
    grid = RNG.uniform(-1.2, 1.2, size=(1, 3, 4, 2)).astype(np.float32)
    rewritten(one("GridSample", [1, 2, 4, 4], {"grid": grid}), "affine")


def test_a_matrix_that_would_be_too_large_is_refused() -> None:
    grid = RNG.uniform(-1, 1, size=(1, 64, 64, 2)).astype(np.float32)
    assert support(untouched(one("GridSample", [1, 1, 64, 64], {"grid": grid})))
