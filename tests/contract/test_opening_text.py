"""Step 9 with loops: they run over the members that they replace, and the verdicts stay those of Rust."""

from __future__ import annotations

import pytest

from tests.contract.every_word import assert_same_verdicts, words_of
from tests.contract.verdicts import Contract
from tests.vectors import read
from zkml.contract import generate, yul
from zkml.contract.opening_text import Run, loop, runs

WORDS = {"a": 0, "b": 32, "c": 64, "d": 96, "far": 1000, "farther": 1096, "farthest": 1192, "same": 1192}

LOOP = "} iszero("


@pytest.mark.parametrize(
    ("names", "least", "expected"),
    [
        ("abcd", 3, [("a", "d", 32, 4)]),
        ("dcba", 3, [("d", "a", -32, 4)]),
        ("abcd", 5, [("a", "a", 0, 1), ("b", "b", 0, 1), ("c", "c", 0, 1), ("d", "d", 0, 1)]),
        ("acbcd", 3, [("a", "a", 0, 1), ("c", "c", 0, 1), ("b", "d", 32, 3)]),
        ("a", 2, [("a", "a", 0, 1)]),
        ("", 2, []),
        (("d", "far", "farther", "farthest"), 3, [("d", "d", 0, 1), ("far", "farthest", 96, 3)]),
        (("farthest", "same"), 2, [("farthest", "farthest", 0, 1), ("same", "same", 0, 1)]),
        ("ab", None, [("a", "a", 0, 1), ("b", "b", 0, 1)]),
    ],
)
def test_names_are_cut_into_their_longest_runs(names: str, least: int | None, expected: list[tuple[str, str, int, int]]) -> None:
    assert runs(list(names), WORDS, least) == [Run(*run) for run in expected]


def test_a_loop_ends_with_its_last_member_in_both_directions() -> None:
    up, down = loop(Run("A_0", "A_9", 64, 10), ["f(at)"]), loop(Run("A_9", "A_0", -32, 10), ["f(at)"])
    assert up == ["for { let at := A_0 } iszero(gt(at, A_9)) { at := add(at, 0x40) } {", "    f(at)", "}"]
    assert down == ["for { let at := A_9 } iszero(lt(at, A_0)) { at := sub(at, 0x20) } {", "    f(at)", "}"]


def assert_verdicts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the form parts, with a loop for every two members that allow one, against Rust: the vectors have no wide circuit."""
    monkeypatch.setattr(yul, "LEAST_RUN", 2)
    sources = generate(read.protocol(kind), "parts")
    assert LOOP in sources.files["Verifier.sol"]
    contract = Contract(read.protocol(kind), sources)
    assert assert_same_verdicts(contract, read.proof(kind), 1, kind).total() == words_of(read.protocol(kind))


@pytest.mark.parametrize("kind", ["simulated_three_phases", "matmul_freivalds"])
def test_a_contract_with_loops_has_the_verdict_of_rust_on_every_changed_word(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_verdicts(kind, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in read.KINDS if kind != "simulated_gates_only"])
def test_every_kind_with_loops_has_the_verdict_of_rust(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_verdicts(kind, monkeypatch)


def test_a_narrow_circuit_has_no_loop() -> None:
    assert LOOP not in generate(read.protocol("argmax"), "parts").files["Verifier.sol"]
