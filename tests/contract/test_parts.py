"""Steps 5 to 7 in contracts of their own: their code computes what the graph does, however they are cut."""

from __future__ import annotations

import random

import pytest

from tests.contract.verdicts import Contract
from tests.vectors import read
from zkml.contract import generate
from zkml.contract.assembler import push, statement
from zkml.contract.evm import Evm
from zkml.contract.parts import Part, parts
from zkml.contract.plan import Plan, plan
from zkml.errors import InfeasibleError
from zkml.protocol.field import R
from zkml.verifier.transcript import keccak256

KINDS = ("argmax", "simulated_three_phases", "lookup_three_columns", "matmul_freivalds")
AT = "0x" + "ab" * 20


def folded(planned: Plan, words: dict[str, int]) -> int:
    """Return Σ y^(N−1−i)·value_i by the graph's plain twin."""
    values = planned.dag.evaluate(words)
    h = 0
    for identity in planned.identities:
        h = (h * words["Y"] + values[identity.node]) % R
    return h


def run_parts(planned: Plan, cut: list[Part], words: dict[str, int]) -> int:
    """Return what the parts make of a memory that holds these words and garbage around them."""
    memory = bytearray(random.Random(1).randbytes(planned.layout["W_COMM"]))
    for name, value in (words | {"H_EVAL": 0}).items():
        memory[planned.layout[name] : planned.layout[name] + 32] = value.to_bytes(32, "big")
    evm = Evm()
    for part in cut:
        evm.set_code(AT, part.code)
        called = evm.call(AT, bytes(memory))
        assert called.success
        memory[planned.layout["H_EVAL"] : planned.layout["H_EVAL"] + 32] = called.output
    return int.from_bytes(called.output, "big") % R


def leaves(planned: Plan) -> set[str]:
    return {node.name for node in planned.dag.nodes if node.op == "leaf"} | {"Y"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_of_the_parts_computes_the_graph_however_they_are_cut(kind: str) -> None:
    planned = plan(read.protocol(kind))
    whole = parts(planned)
    largest = max(len(code) for part in whole for code in part.codes) + len(whole[0].head) + len(whole[0].tail)
    rng = random.Random(kind)
    numbers = set()
    for limit in (24_576, 2 * largest, 3 * largest // 2):
        cut = parts(planned, limit)
        numbers.add(len(cut))
        assert [s.title for part in cut for s in part.steps] == [f"{i.step}. {i.title}" for i in planned.identities]
        assert max(len(part.code) for part in cut) <= limit
        for value in (None, 0, 1, R - 1):
            words = {name: rng.randrange(R) if value is None else value for name in leaves(planned)}
            assert run_parts(planned, cut, words) == folded(planned, words), (limit, value)
    assert len(numbers) > 1


def test_the_verifier_knows_the_hash_of_the_code_that_is_deployed() -> None:
    protocol = read.protocol("argmax")
    contract = Contract(protocol, generate(protocol, "parts"))
    deployed = [contract.evm.code(address) for address in contract.addresses]
    text = generate(protocol, "parts").files["Verifier.sol"]
    for code in deployed[:-1]:
        assert keccak256(code).hex() in text
    assert len(deployed) == 3


def test_an_identity_that_fits_no_contract_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match=r"gate 0 alone takes more than a contract's 60 bytes"):
        parts(plan(read.protocol("argmax")), 60)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("h := mload(A)", "600551" "9050"),
        ("h := add(calldataload(A), mulmod(h, y, r))", "82" "82" "82" "09" "600535" "01" "9050"),
        ("mstore(A, sub(mul(2, r), 0xff))", "60ff" "83" "6002" "02" "03" "600552"),
        ("h := addmod(0, 1, r)", "82" "6001" "5f" "08" "9050"),
    ],
)  # fmt: skip
def test_a_statement_s_code(text: str, code: str) -> None:
    assert statement(text, {"A": 5}).hex() == code


@pytest.mark.parametrize("text", ["h := 1 2", "h := add(1, 2))", "x := 1", "pop(A, 1)", "mstore(B, 1)", "h := foo"])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises((AssertionError, KeyError, ValueError)):
        statement(text, {"A": 5})


def test_a_word_is_pushed_in_its_own_bytes() -> None:
    assert [push(v).hex() for v in (0, 1, 255, 256, 2**256 - 1)] == ["5f", "6001", "60ff", "610100", "7f" + "ff" * 32]
