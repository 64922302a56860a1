"""The error along the network: traced at every node, and charged to the node that adds it."""

from __future__ import annotations

from pathlib import Path

import onnx

from tests.settings.tiny import inputs, perceptron
from zkml.ezkl import Worker
from zkml.settings import RunArgs
from zkml.settings.network_error import intermediate_names, node_errors


def test_every_node_has_its_error_and_relu_adds_none(tmp_path: Path) -> None:
    proto = onnx.load(str(perceptron(tmp_path / "model.onnx")))
    assert intermediate_names(proto) == ["h", "a", "scores"]
    with Worker() as worker:
        found = node_errors(proto, RunArgs(input_scale=6, param_scale=6), 1, {"x": inputs(1)["x"][0]}, worker, tmp_path)
    assert [(e.node, e.operator) for e in found] == [("first", "Gemm"), ("activation", "Relu"), ("second", "Gemm")]
    first, relu, second = found
    assert relu.introduced is not None and relu.introduced < 1e-6
    assert first.introduced is not None and first.introduced > 0
    assert all(0 < e.max_abs < 0.2 for e in (first, second))


def test_larger_scales_add_less_error(tmp_path: Path) -> None:
    proto = onnx.load(str(perceptron(tmp_path / "model.onnx")))
    sample = {"x": inputs(1)["x"][0]}
    with Worker() as worker:
        coarse = node_errors(proto, RunArgs(input_scale=4, param_scale=4), 1, sample, worker, tmp_path)
        fine = node_errors(proto, RunArgs(input_scale=10, param_scale=10), 1, sample, worker, tmp_path)
    assert fine[-1].max_abs < coarse[-1].max_abs / 8
