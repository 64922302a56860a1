"""Recurrences, normalisations, masked attention, quantised layers, branches and loops compute the same after rewriting."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.model.rewrite.one import of, one, rewritten, untouched
from zkml.errors import ModelError
from zkml.model import check_rewritten, from_proto, normalise, support

RNG = np.random.default_rng(5)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrence(op: str, direction: str, *, bias: bool = True) -> dict[str, np.ndarray]:
    ways, gates, hidden = 2 if direction == "bidirectional" else 1, GATES[op], 3
    found = {
        "w": RNG.normal(size=(ways, gates * hidden, 2)).astype(np.float32),
        "r": RNG.normal(size=(ways, gates * hidden, hidden)).astype(np.float32),
    }
    return found | ({"b": RNG.normal(size=(ways, 2 * gates * hidden)).astype(np.float32)} if bias else {})


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_recurrences_in_other_directions(op: str, direction: str) -> None:
    outputs = 3 if op == "LSTM" else 2
    model = one(op, [4, 2, 2], recurrence(op, direction), outputs=outputs, direction=direction, hidden_size=3)
    assert support(rewritten(model, "recurrent")) == ()


def test_a_gru_that_resets_after_the_product() -> None:
    model = one("GRU", [4, 1, 2], recurrence("GRU", "reverse"), direction="reverse", hidden_size=3, linear_before_reset=1)
    rewritten(model, "recurrent")


def test_an_lstm_with_peepholes_and_a_state() -> None:
    weights = recurrence("LSTM", "forward") | {
        "h": RNG.normal(size=(1, 2, 3)).astype(np.float32),
        "c": RNG.normal(size=(1, 2, 3)).astype(np.float32),
        "p": RNG.normal(size=(1, 9)).astype(np.float32),
    }
    rewritten(one("LSTM", [4, 2, 2], weights, inputs=["x", "w", "r", "b", "", "h", "c", "p"], hidden_size=3), "recurrent")


def test_a_plain_forward_lstm_is_left_to_ezkl() -> None:
    untouched(one("LSTM", [4, 1, 2], recurrence("LSTM", "forward"), hidden_size=3))


def test_instances_of_a_batch() -> None:
    constants = {"s": np.asarray([1, 2], dtype=np.float32), "b": np.asarray([0, -1], dtype=np.float32)}
    assert support(rewritten(one("InstanceNormalization", [3, 2, 4, 4], constants), "instance-normalization")) == ()


def test_local_response() -> None:
    rewritten(one("LRN", [1, 5, 3, 3], size=3, alpha=0.1, beta=0.5, bias=1.5), "local-response")


@pytest.mark.parametrize(
    ("op", "opset", "constants", "attributes"),
    [
        ("RMSNormalization", 23, {"s": np.ones(4, dtype=np.float32)}, {}),
        ("GroupNormalization", 21, {"s": np.ones(4, dtype=np.float32), "b": np.zeros(4, dtype=np.float32)}, {"num_groups": 2}),
        ("MeanVarianceNormalization", 13, {}, {}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_function_bodies(op: str, opset: int, constants: dict[str, np.ndarray], attributes: dict[str, Any]) -> None:
    shape = [2, 4, 3, 3] if op != "RMSNormalization" else [2, 3, 4]
    rewritten(one(op, shape, constants, opset=opset, **attributes), "function-body")


def test_attention_with_a_mask_of_minus_infinity() -> None:
    mask: np.ndarray = np.triu(np.full((4, 4), -np.inf, dtype=np.float32), 1)
    nodes = [
        helper.make_node("MatMul", ["x", "k"], ["s"], name="scores"),
        helper.make_node("Add", ["s", "mask"], ["m"], name="hide"),
        helper.make_node("Softmax", ["m"], ["y0"], name="weigh", axis=-1),
    ]
    weights: dict[str, np.ndarray] = {"k": RNG.normal(size=(3, 4)).astype(np.float32), "mask": mask}
    model = of(nodes, [1, 4, 3], weights)
    normal = rewritten(model, "masked-softmax")
    assert support(normal) == ()
    assert not any(np.isinf(onnx.numpy_helper.to_array(t)).any() for t in normal.proto.graph.initializer)


def test_quantised_and_back() -> None:
    constants: dict[str, np.ndarray] = {"s": np.asarray(0.05, dtype=np.float32), "z": np.asarray(3, dtype=np.uint8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="down"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y0"], name="up"),
    ]
    normal = rewritten(of(nodes, [3, 4], constants), "quantize")
    assert support(normal) == ()
    assert not any(n.op_type == "Cast" for n in normal.proto.graph.node)


def test_a_weight_quantised_by_channel_is_folded() -> None:
    constants: dict[str, np.ndarray] = {
        "q": RNG.integers(-100, 100, size=(3, 2)).astype(np.int8),
        "s": np.asarray([0.01, 0.02], dtype=np.float32),
        "z": np.zeros(2, dtype=np.int8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], name="weights", axis=1),
        helper.make_node("MatMul", ["x", "w"], ["y0"], name="layer"),
    ]
    normal = normalise(of(nodes, [4, 3], constants))
    assert [n.op_type for n in normal.proto.graph.node] == ["MatMul"]


def test_halves_and_doubles_are_computed_as_floats() -> None:
    for kind in (TensorProto.FLOAT16, TensorProto.DOUBLE):
        model = one("Relu", [2, 3], kind=kind)
        normal = normalise(model)
        assert {t.dtype for t in [*normal.inputs, *normal.outputs]} == {"float"}
        assert any("computed as float" in n for n in normal.notes)
        assert check_rewritten(model, normal) == ()


def branch_model(condition: str) -> onnx.ModelProto:
    def branch(op: str) -> onnx.GraphProto:
        value = helper.make_tensor_value_info("b", TensorProto.FLOAT, [2, 3])
        return helper.make_graph([helper.make_node(op, ["x"], ["b"], name=f"inner-{op}")], op, [], [value])

    nodes = [
        helper.make_node("ReduceMax", ["x"], ["top"], name="top", keepdims=0),
        helper.make_node("Greater", ["top", "zero"], ["positive"], name="ask"),
        helper.make_node("If", [condition], ["y"], name="choose", then_branch=branch("Neg"), else_branch=branch("Relu")),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]), helper.make_tensor("sure", TensorProto.BOOL, [], [True])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("condition", "rule"), [("sure", "branch"), ("positive", "both-branches")])
def test_branches(condition: str, rule: str) -> None:
    normal = rewritten(from_proto(branch_model(condition)), rule)
    assert not any(n.op_type == "If" for n in normal.proto.graph.node)


def loop_model(rounds: int, *, stops: bool) -> onnx.ModelProto:
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["state", "half"], ["next"], name="halve"),
            helper.make_node("ReduceMax", ["next"], ["m"], name="most", keepdims=0),
            helper.make_node("Greater", ["m", "one"], ["more"], name="more")
            if stops
            else helper.make_node("Identity", ["go"], ["more"], name="on"),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [3]),
        ],
        [
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("m", TensorProto.FLOAT, []),
        ],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "start", "x"], ["y", "tops"], name="again", body=body)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("tops", TensorProto.FLOAT, [rounds]),
        ],
        [
            helper.make_tensor("n", TensorProto.INT64, [], [rounds]),
            helper.make_tensor("start", TensorProto.BOOL, [], [True]),
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_loop_of_constant_length_is_written_out() -> None:
    normal = rewritten(from_proto(loop_model(3, stops=False)), "unrolled-loop")
    assert sum(n.op_type == "Mul" for n in normal.proto.graph.node) == 3


def test_a_loop_that_may_stop_is_left_and_refused() -> None:
    with pytest.raises(ModelError) as e:
        from_proto(loop_model(3, stops=True))
    assert (e.value.code, e.value.node) == ("dynamic-shape", "again")
