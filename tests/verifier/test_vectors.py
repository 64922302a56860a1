"""The vectors that all verifiers share: good proofs hold, every edit has its stated outcome."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from tests.vectors import read
from zkml.verdict import Verdict
from zkml.verifier import Policy, check, check_bytes

LENIENT = Policy(allow_unsafe_srs=True, allow_unaudited=True)

QUICK_REJECTIONS = 1
"""How many edits that cost a pairing are tried per kind in every run; the rest are slow."""


def place(where: str) -> str:
    """Return the class of a finer place: README.md of the vectors."""
    if where.startswith("instances"):
        return "instances"
    if where == "proof length":
        return "length"
    found = re.match(r"proof\[(\d+)\.\.(\d+)\]", where)
    assert found, where
    return {64: "point", 32: "scalar"}[int(found[2]) - int(found[1])]


def assert_outcome(verdict: Verdict, mutation: dict[str, Any]) -> None:
    assert verdict.outcome == mutation["outcome"], (mutation["name"], verdict)
    assert verdict.step == mutation["step"], (mutation["name"], verdict)
    if mutation["where"]:
        assert verdict.where is not None
        assert place(verdict.where) == mutation["where"], (mutation["name"], verdict)


def rejections(kind: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the edits of a well-formed proof, split into those of every run and the others."""
    costly = [m for m in read.mutations(kind) if m["step"] == 10]
    random.Random(kind).shuffle(costly)
    return costly[:QUICK_REJECTIONS], costly[QUICK_REJECTIONS:]


@pytest.mark.parametrize("kind", read.KINDS)
def test_a_good_proof_is_accepted(kind: str) -> None:
    verdict = check(read.protocol(kind), read.proof(kind), LENIENT)
    assert verdict.outcome == "accepted", verdict


@pytest.mark.parametrize("kind", read.KINDS)
def test_what_does_not_parse_is_malformed_and_named(kind: str) -> None:
    cheap = [m for m in read.mutations(kind) if m["step"] != 10]
    assert len(cheap) >= 10
    for mutation in cheap:
        assert_outcome(check_bytes(*read.mutated(kind, mutation), LENIENT), mutation)


@pytest.mark.parametrize("kind", read.KINDS)
def test_some_edits_of_every_kind_are_rejected(kind: str) -> None:
    for mutation in rejections(kind)[0]:
        assert_outcome(check_bytes(*read.mutated(kind, mutation), LENIENT), mutation)


@pytest.mark.slow
@pytest.mark.parametrize("kind", read.KINDS)
def test_every_edit_is_rejected(kind: str) -> None:
    for mutation in rejections(kind)[1]:
        assert_outcome(check_bytes(*read.mutated(kind, mutation), LENIENT), mutation)


@pytest.mark.parametrize("kind", read.KINDS)
def test_every_section_and_every_public_tensor_has_edits(kind: str) -> None:
    from tests.vectors.layout import sections

    names = [m["name"] for m in read.mutations(kind)]
    assert len(set(names)) == len(names)
    for section in sections(read.protocol(kind)):
        assert any(name.startswith(section.name) for name in names), section
    for tensor in read.protocol(kind).statement.tensors:
        assert any(name.startswith(f"{tensor.name} ({tensor.visibility})") for name in names), tensor
