"""A witness that does not satisfy its circuit is named by constraint, row and node."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml.bundle import Bundle
from zkml.errors import WitnessError
from zkml.keys.srs import generate_unsafe
from zkml.witness.constraints import check_constraints

K = 8


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("constraints")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        args = RunArgs(logrows=K, lookup_range=(-100, 100))
        made = zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle
        zkml.setup(made, srs, allow_unsafe_srs=True, engine="rust")
        zkml.make_witness(made, {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)})
        return Bundle.open(made.folder)


def test_an_honest_witness_satisfies_every_constraint(bundle: Bundle) -> None:
    check_constraints(bundle)


def test_another_output_is_refused_with_the_node(bundle: Bundle) -> None:
    witness = json.loads(bundle.path("witness").read_bytes())
    witness["outputs"][0][0] = (1).to_bytes(32, "little").hex()
    with bundle.change() as change:
        change.path("witness").write_text(json.dumps(witness))
        change.record("witness")
    with pytest.raises(WitnessError) as error:
        check_constraints(Bundle.open(bundle.folder))
    assert error.value.code == "unsatisfied"
    assert "Output" in error.value.message
    assert error.value.details["kind"] == "copy"
