"""Roots become tables, which bind them, and compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.model.rewrite.one import of, one, rewritten, untouched
from zkml import RunArgs
from zkml.circuit.compile import compile_model
from zkml.circuit.graph import Graph
from zkml.model import Model, support

RNG = np.random.default_rng(2)
ONES, ZEROS = np.ones(4, dtype=np.float32), np.zeros(4, dtype=np.float32)
ROOTED = {"Sqrt", "ReduceL2", "LayerNormalization", "InstanceNormalization"}


def chain(*ops: str, shape: tuple[int, ...] = (2, 3)) -> Model:
    """Return a model of operators of one input, one after the other."""
    nodes = [
        helper.make_node(op, ["x" if i == 0 else f"v{i - 1}"], [f"v{i}" if i + 1 < len(ops) else "y0"], name=f"n{i}")
        for i, op in enumerate(ops)
    ]
    return of(nodes, shape, {})


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (chain("Abs", "Sqrt"), "root"),
        (one("Pow", [2, 3], {"e": np.asarray(0.5, dtype=np.float32)}), "root"),
        (chain("Exp", "Sqrt", "Reciprocal"), "over-root"),
        (one("ReduceL2", [2, 3], axes=[1]), "euclidean-norm"),
        (one("ReduceL2", [2, 3], {"a": np.asarray([1])}, opset=18, keepdims=0), "euclidean-norm"),
        (one("LpNormalization", [2, 3], axis=1), "over-root"),
        (one("LayerNormalization", [2, 3, 4], {"s": 2 * ONES, "b": ONES}, outputs=3), "layer-normalization"),
        (one("LayerNormalization", [2, 4], {"s": RNG.normal(size=(2, 4)).astype(np.float32)}, axis=0), "layer-normalization"),
        (one("InstanceNormalization", [1, 4, 3], {"s": 2 * ONES, "b": ONES}), "instance-normalization"),
        (one("RMSNormalization", [2, 3, 4], {"s": ONES}, opset=23), "over-root"),
        (one("GroupNormalization", [2, 4, 3], {"s": ONES, "b": ZEROS}, opset=21, num_groups=2), "over-root"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.proto.graph.node[-1].op_type,
)
def test_no_root_is_left(model: Model, rule: str) -> None:
    normal = rewritten(model, rule)
    assert support(normal) == ()
    assert not ROOTED & {n.op_type for n in normal.proto.graph.node}
    assert not any(0.5 in exponents(normal, n) for n in normal.proto.graph.node if n.op_type == "Pow")


def exponents(model: Model, node: Any) -> np.ndarray:
    constants = {t.name: t for t in model.proto.graph.initializer}
    return np.frombuffer(constants[node.input[1]].raw_data, dtype=np.float32)


def test_a_root_times_something_is_not_divided_by() -> None:
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], name="positive"),
        helper.make_node("Sqrt", ["a"], ["r"], name="root"),
        helper.make_node("Div", ["r", "two"], ["y0"], name="half"),
    ]
    normal = rewritten(of(nodes, [2, 3], {"two": np.asarray(2, dtype=np.float32)}), "root")
    assert {r.node: r.rules for r in normal.rewrites} == {"root": ("root",)}


def test_other_exponents_are_tables_already() -> None:
    untouched(one("Pow", [2, 3], {"e": np.asarray(-0.5, dtype=np.float32)}))


@pytest.mark.ezkl
def test_a_layer_normalisation_compiles_under_the_default_policy_and_takes_a_vector_of_zeros(tmp_path: Path) -> None:
    """Nothing is allowed by name here; the samples, the zero vector among them, are compared with onnxruntime."""
    model = one("LayerNormalization", [3, 4], {"s": 2 * ONES, "b": ONES})
    path = tmp_path / "norm.onnx"
    path.write_bytes(model.to_bytes())
    samples = RNG.normal(size=(3, 3, 4)).astype(np.float32)
    samples[0, 1] = 0
    args = RunArgs(input_scale=8, param_scale=8, logrows=14, lookup_range=(-4, 8000), decomp_base=256, decomp_legs=3)
    result = compile_model(path, samples={"x": samples}, run_args=args)
    assert not [f.code for f in result.audit.findings if f.severity == "unsound"]
    operators = {n.op.core.name for n in Graph.open(result.bundle.path("circuit")).model.walk()}
    assert "Pow" in operators
    assert not {"Sqrt", "Rsqrt"} & operators
