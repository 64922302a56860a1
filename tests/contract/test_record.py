"""The record of deployments: one entry a chain, kept when nothing was sent, refused when it is damaged."""

from __future__ import annotations

from typing import Any

import pytest

from zkml.contract.deploy import merge_records, recorded_address
from zkml.errors import MalformedArtifact, MismatchedArtifacts

CIRCUIT = "ab" * 32
ADDRESS = "0x" + "12" * 20


def entry(chain_id: int = 1, transaction: str | None = "0x01", circuit: str = CIRCUIT) -> dict[str, Any]:
    contract = {"name": "Verifier", "address": ADDRESS, "code_hash": "0x02", "transaction": transaction, "gas": transaction and 7}
    return {"chain_id": chain_id, "circuit_id": circuit, "address": ADDRESS, "contracts": [contract]}


def test_chains_stand_side_by_side() -> None:
    record = merge_records(merge_records(None, entry(1)), entry(5))
    assert sorted(record["chains"]) == ["1", "5"]
    assert recorded_address(record, 5, CIRCUIT) == (ADDRESS, "0x02")


def test_transactions_of_contracts_that_were_there_are_kept() -> None:
    record = merge_records(merge_records(None, entry()), entry(transaction=None))
    assert record["chains"]["1"]["contracts"][0]["transaction"] == "0x01"
    assert record["chains"]["1"]["contracts"][0]["gas"] == 7


@pytest.mark.parametrize("damaged", [[], {}, 7, "x", {"chains": 3}, {"chains": {"1": []}}, {"chains": {"1": {"contracts": [3]}}}])
def test_a_damaged_record_is_malformed(damaged: Any) -> None:
    with pytest.raises(MalformedArtifact):
        merge_records(damaged, entry())


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"chains": []},
        {"chains": {"1": 3}},
        {"chains": {"1": entry(circuit="cd" * 32)}},
        {"chains": {"1": {"circuit_id": CIRCUIT}}},
        {"chains": {"1": entry() | {"contracts": [3]}}},
        {"chains": {"1": entry() | {"contracts": []}}},
    ],
)
def test_a_record_without_this_deployment_names_none(record: Any) -> None:
    with pytest.raises(MismatchedArtifacts):
        recorded_address(record, 1, CIRCUIT)
