"""Without EZKL the slots are near to what EZKL counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from zkml.estimate import node_costs, total_slots
from zkml.ezkl import Worker
from zkml.model import load, normalise
from zkml.model.probe import lay_out
from zkml.settings import RunArgs

ZOO = Path(__file__).parents[2] / "models"


@pytest.mark.ezkl
@pytest.mark.parametrize("name", ["linear_regression", "mlp", "lenet5"])
def test_the_approximation_is_within_a_tenth(name: str) -> None:
    model = normalise(load(next((ZOO / name).glob("*.onnx"))))
    args = RunArgs()
    with Worker() as worker:
        counted = lay_out(model, args, worker)["total_assignments"]
    assert total_slots(model, args) == pytest.approx(counted, rel=0.1)


def test_parameters_and_macs_of_lenet() -> None:
    costs = node_costs(normalise(load(next((ZOO / "lenet5").glob("*.onnx")))), RunArgs())
    card = (ZOO / "lenet5" / "card.json").read_text()
    assert f'"multiply_accumulates": {sum(c.macs for c in costs if c.op in ("Conv", "Gemm", "MatMul"))}' in card
    assert f'"parameters": {sum(c.parameters for c in costs if c.op in ("Conv", "Gemm", "MatMul"))}' in card
