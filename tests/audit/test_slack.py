"""The slack is an upper bound on what a forger reaches, and often exactly that."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkml.circuit.audit import audit
from zkml.circuit.audit.bounds import Bound, divide
from zkml.circuit.audit.functions import spread
from zkml.circuit.audit.slack import apply
from zkml.circuit.audit.slack_nonlinear import Limits
from zkml.circuit.graph import Graph, Op


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


executor = _load("executor")
FIXTURES = Path(__file__).parents[1] / "graph" / "fixtures"
LIMITS = Limits(float(128**4 - 1), -4096, 4096)


def worst_forgery(name: str, *, rounds: int, reach: int, seed: int = 0) -> int:
    """Return the largest change of an output that a search over inputs and roundings finds.

    Half of the inputs are near multiples of the scale, where honest rounding can be pushed over by a unit.
    """
    graph = Graph.open(FIXTURES / name / "c.ezkl")
    rng = np.random.default_rng(seed)
    worst = 0
    for i in range(rounds):
        inputs = [rng.integers(-reach, reach + 1, graph.model.nodes[index].shape) for index in graph.model.inputs]
        honest = executor.run(graph, inputs, executor.nearest)
        for rounding in (executor.lowest, executor.highest, executor.any_of(np.random.default_rng(i))):
            forged = executor.run(graph, inputs, rounding)
            worst = max(worst, *(int(np.abs(a - b).max()) for a, b in zip(honest, forged, strict=True)))
    return worst


@pytest.mark.parametrize(
    ("name", "reached"), [("linear", 1), ("matmul", 1), ("mean", 1), ("softmax", 1), ("conv", 2), ("mlp", 2), ("sigmoid", 0)]
)
def test_no_forgery_exceeds_the_slack_and_many_reach_it(name: str, reached: int) -> None:
    (slack,) = audit(Graph.open(FIXTURES / name / "c.ezkl")).slack
    worst = worst_forgery(name, rounds=400, reach=300)
    assert slack.units is not None
    assert worst <= slack.units
    assert worst >= reached


@pytest.mark.parametrize("name", ["linear", "matmul", "mean", "softmax", "sigmoid"])
def test_one_layer_has_at_most_one_unit(name: str) -> None:
    (slack,) = audit(Graph.open(FIXTURES / name / "c.ezkl")).slack
    assert slack.units in (0, 1)
    assert slack.value == slack.units / 128 if slack.units else slack.value == 0


def test_the_division_rule_is_exact_for_every_small_divisor() -> None:
    t = np.arange(-60, 61)
    for d in range(2, 13):
        honest = executor.nearest(t, d)
        for err in range(15):
            reached = 0
            for shift in range(-err, err + 1):
                for quotient in (executor.lowest(t + shift, d), executor.highest(t + shift, d)):
                    reached = max(reached, int(np.abs(quotient - honest).max()))
            bound = divide(Bound(np.array([-80.0]), np.array([80.0]), np.array([float(err)])), d, 1e6)
            assert bound.err[0] == reached, (d, err)


def test_a_known_multiple_has_one_quotient() -> None:
    known = Bound(np.array([256.0]), np.array([256.0]), np.zeros(1))
    assert divide(known, 128, 1e6).err[0] == 0


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=30), distance=st.integers(0, 40))
def test_the_spread_of_a_table_is_the_largest_difference_in_reach(values: list[int], distance: int) -> None:
    entries = np.array(values, dtype=np.float64)
    expected = max(abs(a - b) for i, a in enumerate(values) for j, b in enumerate(values) if abs(i - j) <= distance)
    assert spread(entries, entries, distance) == expected


OPS: dict[str, tuple[Op, int]] = {
    "add": (Op("Add", "linear"), 2),
    "sub": (Op("Sub", "linear"), 2),
    "mult": (Op("Mult", "linear"), 2),
    "square": (Op("Pow", "linear", {"exponent": 2}), 1),
    "cube": (Op("Pow", "linear", {"exponent": 3}), 1),
    "abs": (Op("Abs", "linear"), 1),
    "relu": (Op("LeakyReLU", "linear", {"slope": 0.0, "scale": 1}), 1),
    "sum": (Op("Sum", "linear", {"axes": [1]}), 1),
    "mean_of_squares": (Op("MeanOfSquares", "linear", {"axes": [1]}), 1),
    "einsum": (Op("Einsum", "linear", {"equation": "mk,nk->mn"}), 2),
    "div": (Op("Div", "hybrid", {"denom": 5.0}), 1),
    "reduce_max": (Op("ReduceMax", "hybrid", {"axes": [1]}), 1),
    "top_k": (Op("TopK", "hybrid", {"dim": 1, "k": 2, "largest": True}), 1),
    "greater": (Op("Greater", "hybrid"), 2),
    "equals": (Op("Equals", "hybrid"), 2),
    "iff": (Op("Iff", "linear"), 3),
    "floor": (Op("Floor", "hybrid", {"scale": 16.0, "legs": 4}), 1),
    "sqrt": (Op("Sqrt", "hybrid", {"scale": 128.0}), 1),
    "recip": (Op("Recip", "hybrid", {"input_scale": 16.0, "output_scale": 16.0, "eps": 1e-9}), 1),
    "softmax": (Op("Softmax", "hybrid", {"input_scale": 32.0, "output_scale": 32.0, "axes": [1], "eps": 1e-9}), 1),
    "sigmoid": (Op("Sigmoid", "lookup", {"scale": 32.0}), 1),
    "tanh": (Op("Tanh", "lookup", {"scale": 32.0}), 1),
    "sin": (Op("Sin", "lookup", {"scale": 32.0}), 1),
}


@pytest.mark.parametrize("name", sorted(OPS))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_two_runs_of_an_operator_stay_within_its_bound(name: str, data: st.DataObject) -> None:
    op, arity = OPS[name]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    reach, wobble = data.draw(st.sampled_from([3, 40, 400])), data.draw(st.sampled_from([0, 1, 7]))
    bounds: list[Bound] = []
    runs: list[tuple[Any, Any]] = []
    for i in range(arity):
        mask = name == "iff" and i == 0
        lo = rng.integers(-reach, reach, (2, 3))
        hi = lo + rng.integers(0, reach, (2, 3))
        if name == "recip":
            lo, hi = np.abs(lo) + 1, np.abs(lo) + 1 + reach
        if mask:
            lo, hi = np.zeros((2, 3), int), np.ones((2, 3), int)
        err = rng.integers(0, (1 if mask else wobble) + 1, (2, 3))
        one = rng.integers(lo, hi + 1)
        other = np.clip(one + rng.integers(-err, err + 1), lo, hi)
        bounds.append(Bound(*(x.astype(np.float64) for x in (lo, hi, err))))
        runs.append((one, other))
    honest = executor.run_op(op, [one for one, _ in runs], executor.nearest)
    bound = apply(op, bounds, honest.shape, LIMITS)
    for rounding in (executor.nearest, executor.lowest, executor.highest):
        forged = executor.run_op(op, [other for _, other in runs], rounding)
        assert (np.abs(forged - honest) <= bound.err).all()
        assert ((bound.lo <= forged) & (forged <= bound.hi)).all()


def test_a_recurrent_body_is_unbounded_and_named() -> None:
    slack = audit(Graph.open(FIXTURES / "rnn" / "c.ezkl")).slack[0]
    assert (slack.units, slack.lost_at) == (None, "4 SubGraph")


def test_slack_grows_with_depth() -> None:
    one, two = (audit(Graph.open(FIXTURES / name / "c.ezkl")).slack[0].units for name in ("linear", "mlp"))
    assert one is not None and two is not None and one < two <= 4
