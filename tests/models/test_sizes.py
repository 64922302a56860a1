"""The zoo has the models, at least as large, that the benchmarks count on."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import onnx
from onnx import numpy_helper

from models.count import multiply_accumulates
from models.entry import ROOT, names


def model(name: str) -> onnx.ModelProto:
    return onnx.load(ROOT / name / "model.onnx")


def constants(name: str) -> dict[str, object]:
    return {t.name: numpy_helper.to_array(t) for t in model(name).graph.initializer}


def test_there_are_a_dozen_models() -> None:
    assert len(names()) >= 12


def test_lenet5_has_its_classical_layers() -> None:
    shapes = [list(t.dims) for t in model("lenet5").graph.initializer if len(t.dims) > 1]
    assert shapes == [[6, 1, 5, 5], [16, 6, 5, 5], [120, 256], [84, 120], [10, 84]]
    for node in model("lenet5").graph.node:
        assert not any(a.name == "pads" and any(a.ints) for a in node.attribute)


def test_the_residual_network_does_a_million_products_and_adds_its_block() -> None:
    loaded = model("resnet_small")
    assert multiply_accumulates(loaded) >= 1_000_000
    assert Counter(n.op_type for n in loaded.graph.node)["Add"] == 1


def test_the_lstm_has_32_cells_over_16_steps() -> None:
    loaded = model("lstm")
    cell = next(n for n in loaded.graph.node if n.op_type == "LSTM")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in cell.attribute}
    assert attributes["hidden_size"] >= 32
    assert attributes.get("direction", b"forward") == b"forward"
    assert loaded.graph.input[0].type.tensor_type.shape.dim[1].dim_value >= 16


def test_attention_is_over_16_tokens_of_64_numbers() -> None:
    loaded = onnx.shape_inference.infer_shapes(model("attention"))
    norm = next(n for n in loaded.graph.node if n.op_type == "LayerNormalization")
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in loaded.graph.value_info}
    assert shapes[norm.output[0]] == [1, 16, 64]
    assert any(n.op_type == "Softmax" for n in loaded.graph.node)


def test_both_ensembles_have_50_trees_of_depth_5() -> None:
    for name in ("random_forest", "xgboost"):
        path = np.asarray(constants(name)["path"])
        assert path.shape[0] >= 50
        # The inner nodes above a leaf are the entries of its column that are not zero.
        depths = np.abs(path).sum(axis=1).max(axis=1)
        assert np.count_nonzero(depths == 5) >= 50, name


def test_fixed_point_follows_the_float_models() -> None:
    for name in names():
        measured = json.loads((ROOT / name / "ezkl.json").read_text())["measurements"]
        fine = next(m for m in measured if m["scale"] == 10)
        assert fine["max_error"] <= 0.02 * max(1.0, fine["max_output"]), name
