"""A circuit of another function is stopped and its first node named; one of the same function is let through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zkml.circuit.compile import compile_model
from zkml.circuit.drift import check_drift, within
from zkml.errors import ModelError
from zkml.ezkl import Worker
from zkml.model import Model, from_proto, make_samples, normalise
from zkml.model.nearby import moved
from zkml.model.run import Runner
from zkml.settings import RunArgs

pytestmark = pytest.mark.ezkl


def image_model(*, pads: list[int]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="see", strides=[1, 1]),
        helper.make_node("MaxPool", ["c"], ["p"], name="pool", kernel_shape=[3, 3], pads=pads, strides=[1, 1]),
        helper.make_node("Neg", ["p"], ["y"], name="turn"),
    ]
    rng = np.random.default_rng(0)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6, 6])],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(rng.normal(size=(1, 1, 2, 2)).astype(np.float32), "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(proto)


def model_of(*, pads: list[int], rewrite: bool) -> Model:
    return normalise(from_proto(image_model(pads=pads)), rewrite=rewrite)


def test_a_wrong_circuit_is_stopped_at_its_first_wrong_node() -> None:
    with Worker() as worker, pytest.raises(ModelError) as e:
        check_drift(model_of(pads=[1, 1, 1, 1], rewrite=False), RunArgs(), None, worker)
    assert e.value.code == "drift"
    assert e.value.node == "pool"
    assert e.value.exit_code == 3


def test_the_rewritten_circuit_is_let_through() -> None:
    with Worker() as worker:
        drift = check_drift(model_of(pads=[1, 1, 1, 1], rewrite=True), RunArgs(), None, worker)
    assert drift.inputs == 5
    assert drift.max_abs < 0.02


def test_a_tie_that_a_small_change_turns_over_is_explained() -> None:
    graph = helper.make_graph(
        [helper.make_node("ArgMax", ["x"], ["y"], name="pick", axis=1, keepdims=0)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = normalise(from_proto(proto))
    floats = Runner(model)
    tie = {"x": np.zeros((1, 4), dtype=np.float32)}
    clear = {"x": np.asarray([[0, 1, 0, 0]], dtype=np.float32)}
    assert moved(floats, tie, "y", floats.run(tie)["y"], 12).max() > 0
    assert moved(floats, clear, "y", floats.run(clear)["y"], 12).max() == 0


def test_made_inputs_stay_within_the_samples() -> None:
    model = model_of(pads=[0, 0, 0, 0], rewrite=True)
    samples = make_samples({"x": np.random.default_rng(1).uniform(2, 5, size=(3, 1, 1, 6, 6))}, model)
    made = dict(within(model, samples))
    assert set(made) == {"random", "negative", "zero", "ties", "border"}
    for sample in made.values():
        assert sample["x"].min() >= samples.arrays["x"].min() - 1e-6
        assert sample["x"].max() <= samples.arrays["x"].max() + 1e-6


def test_compile_stops_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(image_model(pads=[1, 1, 1, 1]), path)
    out = tmp_path / "m.zkml"
    # Without our rules the wrong operator would be found by comparing alone.
    monkeypatch.setattr("zkml.circuit.compile.confirmed_support", lambda *_, **__: ((), None))
    with pytest.raises(ModelError) as e:
        compile_model(path, run_args=RunArgs(), rewrite=False, out=out)
    assert e.value.code == "drift"
    assert not out.exists()
