"""Einsums that EZKL counts more than once are split into those of two operands, and the circuit has the model's value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import zkml
from tests.model.rewrite.one import one, rewritten, untouched
from zkml import RunArgs
from zkml.errors import CircuitError
from zkml.model import Model, from_proto, normalise, support
from zkml.model.einsum import miscounted

LENGTHS = {"i": 2, "j": 3, "k": 4, "u": 1}
MISCOUNTED = [
    *("ij,ij,ij->i", "ij,ij,j->i", "j,j,j->", "ij,jk,jl->ikl", "ijk,ijk,ijk->i"),
    *("ij,ij,ij,ij,ij->i", "ij,ji,ij", "ij,ij,ij,k->ik"),
]
RIGHT = ["ij,ij->i", "ij,ij,ij->ij", "ij,jk,kl->il", "ij,ij,ik,ik->i", "iu,iu,iu->i", "ij,ij,i->i"]


def shape(term: str) -> list[int]:
    return [LENGTHS.get(axis, 2) for axis in term]


def einsum(equation: str) -> Model:
    """Return a model of one einsum whose first operand is the input and whose others are constants."""
    first, *others = equation.split("->", maxsplit=1)[0].split(",")
    rng = np.random.default_rng(7)
    weights = {f"w{i}": rng.integers(1, 5, shape(term)).astype(np.float32) for i, term in enumerate(others)}
    return one("Einsum", shape(first), weights, equation=equation)


@pytest.mark.parametrize("equation", MISCOUNTED)
def test_what_ezkl_counts_more_than_once_is_split_into_pairs(equation: str) -> None:
    normal = rewritten(einsum(equation), "einsum")
    made = [node for node in normal.proto.graph.node if node.op_type == "Einsum"]
    assert all(len(node.input) == 2 for node in made)
    assert support(normal) == ()


@pytest.mark.parametrize("equation", RIGHT)
def test_what_ezkl_counts_once_stays(equation: str) -> None:
    assert support(untouched(einsum(equation))) == ()


@pytest.mark.parametrize("equation", ["i...,i...,i...->", "ii,i,i->", "i,i,i,i->", "", "ij,ij,ij->i", "->", ",,"])
def test_an_equation_that_does_not_fit_its_operands_names_no_axis(equation: str) -> None:
    assert miscounted(equation, [(2,), (2,), (2,)]) == ""


def test_without_rewrites_the_node_is_named_with_the_remedy() -> None:
    (found,) = support(normalise(einsum("ij,ij,ij->i"), rewrite=False))
    assert (found.node, found.op, found.kind) == ("it", "Einsum", "wrong")
    assert "two operands" in found.remedy


def three_inputs(folder: Path) -> Path:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "abc"]
    node = helper.make_node("Einsum", list("abc"), ["y"], name="it", equation="ij,ij,ij->i")
    graph = helper.make_graph([node], "g", value, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    path = folder / "three.onnx"
    onnx.save(from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)).proto, str(path))
    return path


SAMPLE = {name: np.array([[1, 2, 3], [0.5, 1, 2]], dtype=np.float32) for name in "abc"}


@pytest.mark.parametrize("engine", ["rust", "ezkl"])
def test_both_engines_have_the_models_value_in_the_circuit(tmp_path: Path, engine: str) -> None:
    bundle = zkml.compile(three_inputs(tmp_path), run_args=RunArgs(logrows=10)).bundle
    made = zkml.make_witness(bundle, SAMPLE, engine=engine)
    assert np.allclose(made.rescaled[0], [36, 9.125], atol=0.1)


def test_a_circuit_that_counts_a_sum_more_than_once_gets_no_witness_unless_ezkl_is_asked(tmp_path: Path) -> None:
    bundle = zkml.compile(three_inputs(tmp_path), run_args=RunArgs(logrows=10), rewrite=False, allow_wrong=True).bundle
    for engine in ("rust", "auto"):
        with pytest.raises(CircuitError) as error:
            zkml.make_witness(bundle, SAMPLE, engine=engine)
        assert error.value.code == "miscounted-sum"
        assert "axis j of 3 operands" in error.value.message
        assert "two operands" in (error.value.hint or "")
    wrong = zkml.make_witness(bundle, SAMPLE, engine="ezkl")
    assert np.allclose(wrong.rescaled[0], [108, 27.375], atol=0.5)
