"""A proof of the Rust engine on a chain: our contract and the one that EZKL generates take it, and no changed one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zkml
from benches.contract import ezkl_contract
from tests.contract.verdicts import Interpreted
from tests.flow import models
from zkml import RunArgs
from zkml.contract.calldata import calldata
from zkml.keys.srs import generate_unsafe
from zkml.protocol import Proof, Protocol, decode, read_proof

K = 8
SAMPLE = {"x": np.array([[0.5, -0.25, 0.75]], dtype=np.float32)}


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Protocol, Proof]:
    folder = tmp_path_factory.mktemp("rust-on-chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZKML_HOME", str(folder / "home"))
        srs = generate_unsafe(folder / "home" / "srs" / f"k{K}.srs", K)
        args = RunArgs(logrows=K, lookup_range=(-100, 100))
        bundle = zkml.compile(models.linear(folder / "linear.onnx"), run_args=args).bundle
        zkml.setup(bundle, srs, allow_unsafe_srs=True, engine="rust")
        assert zkml.prove(bundle, SAMPLE, srs=srs, engine="rust").engine == "rust"
    return bundle.folder, decode(bundle.path("protocol").read_bytes()), read_proof(bundle.path("proof").read_bytes())


def changes(proof: Proof) -> list[Proof]:
    places = (63, len(proof.proof) // 2, len(proof.proof) - 1)
    return [replace(proof, proof=bytes(b ^ (i == at) for i, b in enumerate(proof.proof))) for at in places]


def test_our_contract_accepts_it_and_no_change_of_it(proved: tuple[Path, Protocol, Proof]) -> None:
    _, protocol, proof = proved
    contract = Interpreted(protocol)
    assert contract.accepts(proof)
    assert not any(contract.accepts(changed) for changed in changes(proof))


def test_the_contract_of_ezkl_accepts_it_and_no_change_of_it(proved: tuple[Path, Protocol, Proof]) -> None:
    folder, protocol, proof = proved
    said = [ezkl_contract(folder, protocol, calldata(protocol, p)) for p in (proof, *changes(proof))]
    assert all(answer is not None for answer in said)
    assert [answer.get("accepts") for answer in said if answer is not None] == [True, False, False, False]
