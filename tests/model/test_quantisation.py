"""The steps of a quantised model say at which scales calibration begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zkml.model import from_proto, normalise
from zkml.model.quantisation import bits, quantisation_scales
from zkml.settings.calibrate import calibrate


def quantised(step: float, weight_steps: list[float], *, constant: bool = True) -> onnx.ModelProto:
    """Return a dense layer of 8 inputs, both operands quantised to int8."""
    rng = np.random.default_rng(0)
    weights: dict[str, np.ndarray] = {
        "s": np.asarray(step, dtype=np.float32),
        "z": np.asarray(0, dtype=np.int8),
        "w": rng.integers(-127, 128, size=(8, len(weight_steps))).astype(np.int8),
        "t": np.asarray(weight_steps, dtype=np.float32),
        "u": np.zeros(len(weight_steps), dtype=np.int8),
        "b": np.asarray([3] * len(weight_steps), dtype=np.int32),
        "bs": np.asarray([step * t for t in weight_steps], dtype=np.float32),
        "bz": np.zeros(len(weight_steps), dtype=np.int32),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "t", "u"], ["e"], axis=1),
        helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["c"], axis=0),
        helper.make_node("Gemm", ["d", "e", "c"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])]
    if not constant:
        del weights["s"]
        inputs.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, []))
    graph = helper.make_graph(
        nodes,
        "g",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(weight_steps)])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("step", "expected"), [(1.0, 0), (0.5, 1), (0.03, 6), (2.0**-7, 7), (300.0, 0), (1e-9, 16)])
def test_a_step_needs_the_bits_that_are_as_fine(step: float, expected: int) -> None:
    assert bits(step) == expected


def test_the_scales_are_those_of_inputs_and_weights_and_not_of_a_bias() -> None:
    assert quantisation_scales(from_proto(quantised(0.03, [0.01, 0.01, 0.002]))) == (6, 7)


def test_a_model_without_constant_steps_says_nothing() -> None:
    assert quantisation_scales(from_proto(quantised(0.03, [0.01], constant=False))) is None
    proto = quantised(0.03, [0.01])
    plain = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", proto.graph.input, proto.graph.output)
    assert quantisation_scales(from_proto(helper.make_model(plain, opset_imports=proto.opset_import, ir_version=8))) is None


@pytest.mark.ezkl
def test_the_search_begins_where_the_model_says(tmp_path: Path) -> None:
    """Its first trial is at the model's own scales, and it ends no worse than from the usual ones."""
    given = from_proto(quantised(2.0**-4, [2.0**-5] * 3))
    start = quantisation_scales(given)
    assert start == (4, 5)
    path = tmp_path / "model.onnx"
    path.write_bytes(normalise(given).to_bytes())
    samples = {"x": np.random.default_rng(1).normal(size=(16, 1, 8)).astype(np.float32)}
    said: list[str] = []
    seeded = calibrate(path, samples, metric="max_abs", tolerance=0.5, search_seconds=30, start=start, report=said.append)
    usual = calibrate(path, samples, metric="max_abs", tolerance=0.5, search_seconds=30)
    assert next(text for text in said if text.startswith("scales")).startswith("scales 4, 5,")
    cost = [min(t.seconds for t in c.fidelity.tried if t.meets and t.seconds is not None) for c in (seeded, usual)]
    assert cost[0] <= 1.1 * cost[1]
