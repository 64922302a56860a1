"""The operator table says what EZKL does; what it would compile wrongly is refused."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zkml.errors import ModelError, ZkmlError
from zkml.ezkl import Worker
from zkml.model import Model, check_support, from_proto, normalise, support
from zkml.model.conformance import LIMITS, MAIN_OPSET, at_opset, constant_variant, load_case, node_tests, own_cases, run_case
from zkml.model.features import Node
from zkml.model.operators import refusal
from zkml.model.wrong import wrong

RUN_SAMPLE_EVERY = 40


def build(*nodes: onnx.NodeProto, shape: tuple[int, ...] = (1, 2, 6, 6), weights: dict[str, np.ndarray] | None = None) -> Model:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(v, k) for k, v in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return normalise(from_proto(onnx.shape_inference.infer_shapes(proto)), rewrite=False)


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files("zkml.model").joinpath("operators.json").read_bytes())["cases"]
    return found


def node_of(case: dict[str, Any]) -> Node:
    return Node("n", case["op"], case["domain"], case["opset"], case["since"], frozenset(case["features"]))


def test_plain_layers_are_supported() -> None:
    weights = {"w": np.ones((3, 2, 3, 3), dtype=np.float32)}
    model = build(
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        weights=weights,
    )
    assert support(model) == ()


def test_all_unsupported_nodes_are_named_at_once() -> None:
    model = build(
        helper.make_node("Mish", ["x"], ["m"], name="first"),
        helper.make_node("MaxPool", ["m"], ["p"], kernel_shape=[2, 2], pads=[1, 1, 1, 1], name="second"),
        helper.make_node("LRN", ["p"], ["y"], size=3, name="third"),
    )
    found = support(model)
    assert [(u.node, u.op, u.kind) for u in found] == [
        ("first", "Mish", "refused"),
        ("second", "MaxPool", "wrong"),
        ("third", "LRN", "refused"),
    ]
    assert all(u.opset == 18 and u.remedy and u.reason for u in found)
    with pytest.raises(ModelError) as e:
        check_support(model)
    assert e.value.code == "unsupported"
    assert all(name in e.value.message for name in ("first", "second", "third"))


def test_allow_wrong_lets_only_wrong_ones_through() -> None:
    model = build(
        helper.make_node("Mish", ["x"], ["m"], name="first"),
        helper.make_node("MaxPool", ["m"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1], name="second"),
    )
    assert [u.node for u in support(model, allow_wrong=True)] == ["first"]


def test_every_measured_wrong_case_is_refused() -> None:
    missed = [c for c in cases() if c["outcome"] == "wrong" and wrong(node_of(c)) is None]
    assert missed == []


def test_the_table_answers_for_every_measured_case() -> None:
    taken = {(c["op"], c["domain"], c["since"], tuple(c["features"])) for c in cases() if c["outcome"] != "refused"}
    for c in cases():
        expected = (c["op"], c["domain"], c["since"], tuple(c["features"])) in taken
        assert (refusal(node_of(c)) is None) == expected, c


def test_ranks_and_axes_that_were_not_tried_are_no_reason_to_refuse() -> None:
    assert support(build(helper.make_node("Relu", ["x"], ["y"]), shape=(1, 2, 1, 2, 1, 3))) == ()


def run_again(step: int, tmp_path: Path) -> tuple[int, list[str]]:
    """Run every `step`-th case again in EZKL and return how many ran and those whose outcome is not in the table."""
    known: dict[tuple[Any, ...], set[str]] = {}
    for c in cases():
        known.setdefault((c["op"], c["domain"], c["since"], tuple(c["features"])), set()).add(c["outcome"])
    tried = [t for test in [*own_cases(), *node_tests()] for t in (test, constant_variant(test)) if t is not None]
    ran, different = 0, []
    with Worker(limits=LIMITS) as worker:
        for case in tried[::step]:
            there = at_opset(case, MAIN_OPSET)
            result = run_case(worker, tmp_path, there) if there is not None else None
            if result is None:
                continue
            ran += 1
            n = result.node
            outcomes = known.get((n.op, n.domain, n.since, tuple(sorted(n.features))), set())
            if result.outcome not in outcomes:
                different.append(f"{result.case}: {result.outcome}, table {sorted(outcomes)}")
    return ran, different


@pytest.mark.ezkl
def test_a_sample_of_the_table_is_what_ezkl_does(tmp_path: Path) -> None:
    ran, different = run_again(RUN_SAMPLE_EVERY, tmp_path)
    assert ran > 20
    assert different == []


# Shapes that depend on the data whatever of their inputs is constant; ConstantOfShape, whose only input decides the shape; and
# STFT, which ONNX's version converter does not bring to this opset with constants.
SHAPED_BY_DATA = {"Compress", "NonMaxSuppression", "NonZero", "Unique", "ConstantOfShape", "STFT"}


def taken_and_refused() -> tuple[list[str], dict[str, tuple[str, str]]]:
    """Return the cases at the table's opset that our own loader takes, and of those that it refuses the code and the operator."""
    taken: list[str] = []
    refused: dict[str, tuple[str, str]] = {}
    for test in [*own_cases(), *node_tests()]:
        for case in (test, constant_variant(test)):
            there = at_opset(case, MAIN_OPSET) if case is not None else None
            if there is None:
                continue
            try:
                load_case(there)
                taken.append(there.name)
            except ZkmlError as e:
                refused[there.name] = (e.code, there.proto.graph.node[0].op_type)
    return taken, refused


def test_a_case_that_the_loader_refuses_is_taken_with_its_parameters_as_constants() -> None:
    taken, refused = taken_and_refused()
    assert {code for code, _ in refused.values()} <= {"dynamic-shape", "sample-not-finite", "weights-not-finite"}
    shaped = {name: op for name, (code, op) in refused.items() if code == "dynamic-shape"}
    assert {op for name, op in shaped.items() if f"{name}_constants" not in taken} <= SHAPED_BY_DATA


@pytest.mark.ezkl
@pytest.mark.slow
def test_the_whole_table_is_what_ezkl_does(tmp_path: Path) -> None:
    taken, refused = taken_and_refused()
    ran, different = run_again(1, tmp_path)
    assert ran == len(taken)
    assert ran + len(refused) > 1000
    assert different == []
