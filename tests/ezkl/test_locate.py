"""Failures that EZKL does not attribute are traced to their node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto

from tests.ezkl.cases import RUN_ARGS, compile_circuit, node, save, save_input
from zkml.errors import ModelError, ZkmlError
from zkml.ezkl import Limits, Worker
from zkml.ezkl.locate import locate

pytestmark = pytest.mark.ezkl
LIMITS = Limits(max_seconds=120)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(limits=LIMITS) as worker:
        yield worker


def relu(source: str, target: str, name: str) -> NodeProto:
    return node("Relu", source, target, name)


ONE = np.ones((2, 8, 2), np.float32)
MODELS: dict[str, tuple[Sequence[NodeProto], list[int], int, dict[str, object], str]] = {
    "Tile": (
        [relu("x", "a", "first"), node("Tile", "a n", "b", "tile"), relu("b", "y", "last")],
        [1, 3],
        13,
        {"n": np.array([1, 2])},
        "unsupported-operator",
    ),
    "Mod": (
        [relu("x", "a", "first"), node("Mod", "a n", "y", "mod", fmod=1)],
        [1, 3],
        13,
        {"n": np.array([2.0], np.float32)},
        "unsupported-operator",
    ),
    "LRN": (
        [
            relu("x", "a0", "n0"),
            *(relu(f"a{i}", f"a{i + 1}", f"n{i + 1}") for i in range(20)),
            node("LRN", "a20", "y", "lrn", size=3),
        ],
        [1, 3, 4, 4],
        13,
        {},
        "unsupported-operator",
    ),
    "Softmax": (
        [relu("x", "a", "first"), node("Softmax", "a", "b", "softmax", axis=1), relu("b", "y", "last")],
        [1, 2, 3],
        11,
        {},
        "ezkl-panic",
    ),
    "LSTM": (
        [node("LSTM", "x w r", "y", "lstm", hidden_size=2, direction="bidirectional")],
        [3, 1, 2],
        13,
        {"w": ONE, "r": ONE},
        "ezkl-panic",
    ),
}


@pytest.mark.parametrize("operator", MODELS)
def test_the_node_that_cannot_be_laid_out_is_named(operator: str, worker: Worker, tmp_path: Path) -> None:
    nodes, shape, opset, weights, code = MODELS[operator]
    path = save(tmp_path / "m.onnx", nodes, shape, opset=opset, weights=weights)
    with pytest.raises(ZkmlError) as e:
        compile_circuit(worker, path, tmp_path)
    assert e.value.node is None
    found = locate(worker, path, RUN_ARGS, e.value)
    assert (type(found), found.code, found.hint) == (type(e.value), code, e.value.hint)
    assert found.node == operator.lower()
    assert found.message == f"node {operator.lower()} ({operator}): {e.value.message}"
    assert found.details["operator"] == operator
    assert worker.limits == LIMITS


@pytest.mark.parametrize(("value", "culprit"), [(9.0, "fourth"), (3.5, "eighth")])
def test_the_node_whose_output_is_too_large_is_named(value: float, culprit: str, worker: Worker, tmp_path: Path) -> None:
    nodes = [
        node("Mul", "x x", "a", "square"),
        node("Mul", "a a", "b", "fourth"),
        relu("b", "c", "act"),
        node("Mul", "c c", "d", "eighth"),
        relu("d", "y", "last"),
    ]
    path = save(tmp_path / "m.onnx", nodes, [1, 3])
    compile_circuit(worker, path, tmp_path)
    data = save_input(tmp_path / "input", [value, 1, 1])
    with pytest.raises(ZkmlError) as e:
        worker.call("gen_witness", data=data, model=tmp_path / "circuit", output=tmp_path / "w")
    found = locate(worker, path, RUN_ARGS, e.value, data)
    assert (found.code, found.node) == ("value-too-large", culprit)
    assert found.message.startswith(f"node {culprit} (Mul): the value ")


def test_what_no_node_is_the_reason_of_stays_as_it_is(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"hello")
    for code in ("not-onnx", "disk", "unsupported-operator"):
        error = ModelError("message", code=code)
        assert locate(worker, path, RUN_ARGS, error) is error
    already = ModelError("message", code="translation", node="n")
    assert locate(worker, path, RUN_ARGS, already) is already
    save(path, [relu("x", "y", "fine")], [1, 3])
    error = ModelError("message", code="unsupported-operator")
    assert locate(worker, path, RUN_ARGS, error) is error


def test_the_search_ends_when_its_time_is_up(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkml.ezkl.locate.MAX_SECONDS", 0.0)
    nodes, shape, opset, weights, _ = MODELS["Tile"]
    path = save(tmp_path / "m.onnx", nodes, shape, opset=opset, weights=weights)
    error = ModelError("message", code="unsupported-operator")
    assert locate(worker, path, RUN_ARGS, error) is error
    assert worker.limits == LIMITS
