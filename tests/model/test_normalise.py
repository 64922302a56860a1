"""Normalising changes how a model is written, not what it computes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zkml.errors import ModelError
from zkml.model import Model, from_proto, load, normalise, random_samples, run_float

SHARED = Path(os.environ.get("ZKML_SHARED") or Path(__file__).parents[3] / "shared")


def model_of(
    nodes: list[onnx.NodeProto],
    shape: list[int | str],
    weights: dict[str, np.ndarray] | None = None,
    kind: int = TensorProto.FLOAT,
) -> Model:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(v, k) for k, v in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return from_proto(onnx.shape_inference.infer_shapes(proto))


def assert_same(model: Model, normal: Model) -> None:
    samples = random_samples(model, 3, seed=1)
    before, after = run_float(model, samples), run_float(normal, samples)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])


def test_default_strides_are_written_out() -> None:
    weights = {"w": np.ones((2, 1, 3, 3), dtype=np.float32)}
    model = model_of([helper.make_node("Conv", ["x", "w"], ["y"])], ["n", 1, 5, 5], weights)
    normal = normalise(model)
    strides = {a.name: list(a.ints) for a in normal.proto.graph.node[0].attribute}["strides"]
    assert strides == [1, 1]
    assert_same(model, normal)


def test_the_empty_third_input_of_pad_is_dropped() -> None:
    weights = {"p": np.asarray([0, 1, 0, 2], dtype=np.int64)}
    model = model_of([helper.make_node("Pad", ["x", "p", ""], ["y"])], [2, 3], weights)
    normal = normalise(model)
    assert len(normal.proto.graph.node[0].input) == 2
    assert_same(model, normal)


def test_constants_and_shapes_are_folded() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Constant", [], ["two"], value_ints=[2]),
        helper.make_node("Constant", [], ["at"], value_int=0),
        helper.make_node("Gather", ["s", "at"], ["rows"]),
        helper.make_node("Constant", [], ["axes"], value_ints=[0]),
        helper.make_node("Unsqueeze", ["rows", "axes"], ["rows1"]),
        helper.make_node("Concat", ["rows1", "two", "two"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    model = model_of(nodes, ["n", 4])
    normal = normalise(model)
    assert [n.op_type for n in normal.proto.graph.node] == ["Reshape"]
    assert normal.outputs[0].shape == (1, 2, 2)
    assert_same(model, normal)


@pytest.mark.parametrize(
    ("op", "indices", "attributes"),
    [
        ("Gather", np.asarray([-1, 0], dtype=np.int64), {"axis": 1}),
        ("GatherElements", np.asarray([[-1, 0], [1, -3]], dtype=np.int64), {"axis": 1}),
        ("GatherND", np.asarray([[-1, -2], [0, 1]], dtype=np.int64), {}),
    ],
)
def test_negative_indices_count_from_the_front(op: str, indices: np.ndarray, attributes: dict[str, Any]) -> None:
    model = model_of([helper.make_node(op, ["x", "i"], ["y"], **attributes)], [2, 3], {"i": indices})
    normal = normalise(model)
    written = {t.name: numpy_helper.to_array(t) for t in normal.proto.graph.initializer}
    assert (written[normal.proto.graph.node[0].input[1]] >= 0).all()
    assert_same(model, normal)


def test_expand_becomes_an_addition() -> None:
    weights = {"s": np.asarray([2, 3, 4], dtype=np.int64)}
    model = model_of([helper.make_node("Expand", ["x", "s"], ["y"])], [3, 1], weights)
    normal = normalise(model)
    assert [n.op_type for n in normal.proto.graph.node] == ["Add"]
    assert_same(model, normal)


def test_random_nodes_are_not_folded() -> None:
    nodes = [helper.make_node("RandomNormal", [], ["r"], shape=[2]), helper.make_node("Add", ["x", "r"], ["y"])]
    normal = normalise(model_of(nodes, [2]))
    assert [n.op_type for n in normal.proto.graph.node] == ["RandomNormal", "Add"]


def test_normalising_twice_changes_nothing() -> None:
    weights = {"w": np.ones((2, 1, 3, 3), dtype=np.float32)}
    once = normalise(model_of([helper.make_node("Conv", ["x", "w"], ["y"])], ["n", 1, 5, 5], weights))
    assert normalise(once).to_bytes() == once.to_bytes()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the conformance models are not here")
@pytest.mark.slow
def test_the_conformance_models_compute_the_same() -> None:
    compared = 0
    for path in sorted((SHARED / "ezkl_models").glob("*/network.onnx")):
        model = load(path)
        samples = random_samples(model, 2, seed=3)
        try:
            before = run_float(model, samples)
        except ModelError:
            continue  # not standard ONNX: onnxruntime refuses it before and after
        after = run_float(normalise(model), samples)
        for name, values in before.items():
            np.testing.assert_array_equal(values, after[name], err_msg=str(path))
        compared += 1
    assert compared > 30
