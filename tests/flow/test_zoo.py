"""Every model of the zoo goes through the whole flow under its reviewed recipe, and all verifiers accept the proof.

Its contract, in the form that fits and costs the least, gives Rust's verdict on every changed word of the calldata as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benches.conformance import run
from circuits.pin import MODELS, allowed, names
from tests.contract.every_word import AT_LEAST, assert_same_verdicts, rounds_for
from tests.contract.verdicts import Contract
from zkml.bundle import Bundle
from zkml.checking import read_protocol
from zkml.contract.choose import taken
from zkml.estimate import Budget
from zkml.protocol import read_proof


@pytest.mark.slow
@pytest.mark.ezkl
@pytest.mark.parametrize("name", names())
def test_the_model_is_compiled_keyed_proved_and_verified_by_its_contract_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    row = run(MODELS / name, tmp_path, Budget(max_ram=20 * 10**9), allowed(name))
    assert row.ok, f"{row.stage}: {row.error}\n{row.facts.get('trace', '')}"

    bundle = Bundle.open(tmp_path / f"{name}.zkml")
    protocol, proof = read_protocol(bundle.path("protocol")), read_proof(bundle.path("proof").read_bytes())
    built = taken(protocol)
    contract = Contract(protocol, built.sources, {c.name: c for c in built.compiled})
    assert assert_same_verdicts(contract, proof, rounds_for(protocol), name).total() >= AT_LEAST
