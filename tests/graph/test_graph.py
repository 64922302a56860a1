"""Compiled circuits as Python values."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkml._core import graph as core
from zkml.circuit.graph import Graph
from zkml.errors import MalformedArtifact

FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(os.environ.get("ZKML_SHARED", Path(__file__).parents[2].parent / "shared"))
NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/c.ezkl"))


@pytest.mark.parametrize("name", NAMES)
def test_a_circuit_is_written_back_byte_for_byte(name: str) -> None:
    data = (FIXTURES / name / "c.ezkl").read_bytes()
    assert Graph.parse(data).encode() == data


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_inside_are_those_beside_it(name: str) -> None:
    beside = json.loads((FIXTURES / name / "settings.json").read_text())
    inside = dict(Graph.open(FIXTURES / name / "c.ezkl").settings)
    assert inside == beside


@pytest.mark.parametrize("words", [b"", b"\0" * 31, b"\0" * 32 * 6, b"\0" * 32 * 8, b"\xff" * 32 * 7])
def test_values_that_are_not_those_of_the_circuit_are_not_shown(words: bytes) -> None:
    circuit = core.decode((FIXTURES / "linear" / "c.ezkl").read_bytes())
    assert circuit.public_values(words) == b"null"
    shown = json.loads(circuit.public_values(b"\0" * 32 * 7))
    assert [len(shown[key][0]) for key in ("inputs", "rescaled_inputs", "outputs", "rescaled_outputs")] == [3, 3, 4, 4]


def test_a_linear_layer_is_an_einsum_a_division_and_an_addition() -> None:
    graph = Graph.open(FIXTURES / "linear" / "c.ezkl")
    ops = [str(node.op) for node in graph.model.nodes.values()]
    assert ops == ["Input", "Constant", "RebaseScale(Einsum)", "Constant", "Add"]
    product = graph.model.nodes[2]
    assert product.op.core.fields == {"equation": "mk,nk->mn"}
    assert (product.shape, product.scale, product.inputs) == ((1, 4), 7, ((0, 0), (1, 0)))
    assert graph.model.outputs == ((4, 0),)


def test_constants_are_the_weights_at_their_scale() -> None:
    graph = Graph.open(FIXTURES / "linear" / "c.ezkl")
    weights = graph.constant(graph.model.nodes[1])
    expected = np.random.default_rng(0).uniform(-1, 1, (4, 3)).astype(np.float32)
    assert weights is not None
    assert np.abs(weights - expected * 128).max() <= 0.5


def test_nodes_of_a_recurrent_body_are_reached() -> None:
    graph = Graph.open(FIXTURES / "rnn" / "c.ezkl")
    bodies = [node for node in graph.model.walk() if node.body is not None]
    assert [len(node.path) for node in bodies] == [1]
    inner = [node for node in graph.model.walk() if len(node.path) == 2]
    assert any(node.op.core.name == "Tanh" for node in inner)
    constants = [node for node in inner if node.op.name == "Constant"]
    assert constants and all(graph.constant(node) is not None for node in constants)


def test_bytes_that_are_no_circuit_are_malformed_with_their_place() -> None:
    with pytest.raises(MalformedArtifact, match=r"core\.model\.graph\.nodes") as caught:
        Graph.parse(b"\x01\x02\x03")
    assert caught.value.code == "compiled-circuit"
    assert caught.value.details == {"offset": 0, "path": "core.model.graph.nodes"}


def test_a_file_of_another_version_names_both_versions() -> None:
    data = (FIXTURES / "linear" / "c.ezkl").read_bytes().replace(b"23.0.5", b"23.0.7")
    with pytest.raises(MalformedArtifact, match=r"23\.0\.7.*23\.0\.5") as caught:
        Graph.parse(data)
    assert caught.value.code == "ezkl-version"


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    edits=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=9)), min_size=1, max_size=3),
)
def test_damaged_files_parse_or_are_malformed_and_nothing_else(name: str, edits: list[tuple[int, bytes]]) -> None:
    data = bytearray((FIXTURES / name / "c.ezkl").read_bytes())
    for position, piece in edits:
        at = position % len(data)
        data[at : at + len(piece)] = piece
    try:
        graph = Graph.parse(bytes(data))
    except MalformedArtifact:
        return
    assert graph.encode() == data


@pytest.mark.slow
def test_all_shared_circuits_are_written_back_byte_for_byte() -> None:
    files = sorted(SHARED.glob("ezkl_cases/*/c.ezkl"))
    if not files:
        pytest.skip("the shared fixtures are not on this machine")
    for path in files:
        data = path.read_bytes()
        assert Graph.parse(data).encode() == data
