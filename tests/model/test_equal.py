"""`Equal` is right where its result selects, and wrong where it is read as a number."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from zkml.model import from_proto, normalise, support


def model(tail: list[onnx.NodeProto], output: str, kind: int) -> onnx.ModelProto:
    nodes = [helper.make_node("Equal", ["x", "one"], ["same"], name="compare"), *tail]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info(output, kind, [1, 4])],
        [helper.make_tensor("one", TensorProto.FLOAT, [1, 4], [1.0] * 4)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("tail", "output", "kind"),
    [
        ([helper.make_node("Cast", ["same"], ["y"], name="number", to=TensorProto.FLOAT)], "y", TensorProto.FLOAT),
        ([], "same", TensorProto.BOOL),
    ],
    ids=["cast to a float", "an output"],
)
def test_equal_read_as_a_number_is_refused(tail: list[onnx.NodeProto], output: str, kind: int) -> None:
    found = support(normalise(from_proto(model(tail, output, kind)), rewrite=False))
    assert ("compare", "wrong") in {(u.node, u.kind) for u in found}


def test_equal_read_as_a_number_is_rewritten() -> None:
    cast = helper.make_node("Cast", ["same"], ["y"], name="number", to=TensorProto.FLOAT)
    normal = normalise(from_proto(model([cast], "y", TensorProto.FLOAT)))
    assert not support(normal)
    assert [r.node for r in normal.rewrites] == ["compare"]


def test_equal_that_selects_is_taken() -> None:
    chosen = helper.make_node("Where", ["same", "x", "one"], ["y"], name="choose")
    assert not support(normalise(from_proto(model([chosen], "y", TensorProto.FLOAT))))
