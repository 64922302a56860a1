"""Public values as tensors and back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vectors import read
from zkml.errors import MalformedArtifact
from zkml.protocol.field import R
from zkml.protocol.tensors import instances_from, public_tensors


@pytest.mark.parametrize("kind", read.KINDS)
def test_decoded_values_are_encoded_to_the_same_instances(kind: str) -> None:
    protocol, proof = read.protocol(kind), read.proof(kind)
    tensors = {t.tensor.name: t.integers for t in public_tensors(protocol.statement, proof.instances)}
    assert instances_from(protocol.statement, tensors, protocol.instance_rows) == proof.instances


def test_a_linear_circuit_s_input_is_the_quantised_one() -> None:
    first = public_tensors(read.protocol("linear").statement, read.proof("linear").instances)[0]
    assert first.tensor.role == "input"
    np.testing.assert_allclose(first.values, [[0.5, -0.25, 0.75]])
    assert first.tensor.domain == (-(128**4) + 1, 128**4 - 1)


def test_hashes_stay_field_elements_and_unchecked_ranges_have_no_domain() -> None:
    hashed = public_tensors(read.protocol("hashed_input").statement, read.proof("hashed_input").instances)[0]
    assert (hashed.tensor.visibility, hashed.tensor.scale, hashed.tensor.domain) == ("hashed", None, None)
    for kind in ("linear_unchecked_ranges", "matmul_freivalds"):
        assert all(t.domain is None for t in read.protocol(kind).statement.tensors)


def test_what_does_not_fit_the_statement_names_its_tensor() -> None:
    protocol, proof = read.protocol("linear"), read.proof("linear")
    good = {t.tensor.name: t.integers for t in public_tensors(protocol.statement, proof.instances)}
    name = protocol.statement.tensors[0].name
    for bad in (
        {k: v for k, v in good.items() if k != name},
        good | {"other": good[name]},
        good | {name: good[name][:, :-1]},
        good | {name: good[name] + 0.5},
        good | {name: np.full_like(good[name], 128**4)},
        good | {name: np.full_like(good[name], R, dtype=object)},
    ):
        with pytest.raises(MalformedArtifact) as caught:
            instances_from(protocol.statement, bad, protocol.instance_rows)
        assert caught.value.node in (name, "other")
