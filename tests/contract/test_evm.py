"""The machine answers with return data, revert data and gas; answers of verifiers become verdicts."""

from __future__ import annotations

import pytest

from zkml.contract.compiler import compile_sources
from zkml.contract.evm import CODE_LIMIT, NO_LIMIT, Evm
from zkml.contract.interface import VERIFY_PROOF, encode_call, reason_of, selector, verdict_of, word
from zkml.errors import InfeasibleError, InternalFault, MismatchedArtifacts

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Answers {
    error MalformedProof(uint256 offset);
    error MalformedInstances(uint256 index);
    error WrongKey(bytes32 found);
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external pure returns (bool) {
        if (proof.length != 64) revert MalformedProof(proof.length);
        if (instances.length != 2) revert MalformedInstances(instances.length);
        if (instances[0] == 9) revert WrongKey(bytes32(uint256(0xabc)));
        if (instances[0] == 8) revert("no");
        if (instances[0] == 7) assert(false);
        if (instances[0] == 6) assembly { invalid() }
        if (instances[0] == 5) while (true) {}
        return instances[0] == instances[1];
    }
}
"""


@pytest.fixture(scope="module")
def answers() -> tuple[Evm, str]:
    evm = Evm()
    return evm, evm.deploy(compile_sources({"Answers.sol": SOURCE})["Answers"].bytecode).address


def holder(size: int) -> bytes:
    """Return creation code of a contract of `size` zero bytes."""
    return bytes.fromhex(f"62{size:06x}80600b6000396000f3") + bytes(size)


def test_the_selectors_are_those_that_solidity_computes() -> None:
    assert VERIFY_PROOF.hex() == "1e8e1e13"
    assert selector("Error(string)").hex() == "08c379a0"


@pytest.mark.parametrize(
    ("proof", "instances", "outcome", "where"),
    [
        (bytes(64), (3, 3), "accepted", None),
        (bytes(64), (3, 4), "rejected", None),
        (bytes(63), (3, 3), "malformed", "proof[63]"),
        (bytes(64), (3, 3, 3), "malformed", "instances[3]"),
        (bytes(64), (9, 3), "malformed", "key"),
    ],
)
def test_an_answer_becomes_a_verdict(
    answers: tuple[Evm, str], proof: bytes, instances: tuple[int, ...], outcome: str, where: str | None
) -> None:
    evm, address = answers
    verified = evm.verify_proof(address, proof, instances)
    assert (verified.verdict.outcome, verified.verdict.where) == (outcome, where)
    assert verified.gas > 21_000


@pytest.mark.parametrize(("first", "reason"), [(8, "Error\\('no'\\)"), (7, "Panic\\(0x01\\)"), (6, "no reason given")])
def test_other_reverts_are_no_verdict(answers: tuple[Evm, str], first: int, reason: str) -> None:
    evm, address = answers
    with pytest.raises(MismatchedArtifacts, match=reason):
        evm.verify_proof(address, bytes(64), (first, 0))


def test_an_address_without_code_is_no_verifier() -> None:
    with pytest.raises(MismatchedArtifacts, match="answers nothing"):
        Evm().verify_proof("0x" + "ab" * 20, bytes(64), (1, 1))


@pytest.mark.parametrize("output", [word(2), bytes(31), word(1) + word(1), b"\x01"])
def test_only_the_words_0_and_1_are_answers(output: bytes) -> None:
    with pytest.raises(MismatchedArtifacts):
        verdict_of(True, output)


@pytest.mark.parametrize(
    "revert",
    [selector("MalformedProof(uint256)"), selector("WrongKey(bytes32)") + bytes(33), selector("Error(string)") + word(1 << 255)],
)
def test_truncated_and_hostile_revert_data_is_no_verdict(revert: bytes) -> None:
    assert reason_of(revert)
    with pytest.raises(MismatchedArtifacts):
        verdict_of(False, revert)


def test_running_out_of_gas_is_no_verdict(answers: tuple[Evm, str]) -> None:
    evm, address = answers
    with pytest.raises(InfeasibleError, match="more than 100000 gas"):
        evm.verify(address, encode_call(bytes(64), (5, 0)), gas=100_000)


def test_code_of_the_limit_deploys_and_one_byte_more_does_not() -> None:
    assert Evm().deploy(holder(CODE_LIMIT)).code_bytes == CODE_LIMIT
    for size in (CODE_LIMIT + 1, 2 * CODE_LIMIT + 1):
        with pytest.raises(InfeasibleError, match="24576") as caught:
            Evm().deploy(holder(size))
        assert caught.value.exit_code == 4


def test_the_limit_is_lifted_for_comparison() -> None:
    deployed = Evm(code_limit=NO_LIMIT).deploy(holder(CODE_LIMIT + 1))
    assert deployed.code_bytes == CODE_LIMIT + 1
    assert deployed.gas > 200 * CODE_LIMIT


def test_a_constructor_that_reverts_is_our_fault() -> None:
    with pytest.raises(InternalFault, match="deployment failed"):
        Evm().deploy(bytes.fromhex("60006000fd"))


def test_gas_counts_calldata_by_its_zero_bytes(answers: tuple[Evm, str]) -> None:
    evm, address = answers
    zeros = evm.verify_proof(address, bytes(64), (3, 3)).gas
    ones = evm.verify_proof(address, b"\x01" * 64, (3, 3)).gas
    assert ones - zeros == 64 * 12


def test_every_call_finds_the_accounts_cold_and_reads_the_code_that_is_there() -> None:
    evm = Evm()
    other = evm.deploy(holder(3)).address
    size = bytes.fromhex("73" + other.removeprefix("0x") + "3b5f5260205ff3")  # returns EXTCODESIZE
    evm.set_code("0x" + "ee" * 20, size)
    first, second = (evm.call("0x" + "ee" * 20, b"") for _ in range(2))
    assert first == second
    assert first.output == word(3)
    assert first.gas > 21_000 + 2_600
    assert evm.deploy(holder(3)).address != other
