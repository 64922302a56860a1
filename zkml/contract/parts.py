"""Steps 5 to 7 in contracts of their own, for circuits whose gates fit no single one (form parts).

A part is called with the verifier's memory as its calldata, so a word lies at the same address in both; it adds its identities to
the sum Σ y^(N−1−i)·value_i that it finds in H_EVAL, and returns it. A call's input costs nothing: no word is copied. Shared
values of expressions lie in the part's own memory.

The code is made here (`assembler.py`), not by the compiler, so that the verifier knows its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.contract.assembler import epilogue, prologue, statement
from zkml.contract.expressions import YulText
from zkml.contract.identities import Identity
from zkml.contract.layout import WORD
from zkml.contract.plan import Plan
from zkml.contract.templates import render
from zkml.contract.yul import Step, folded
from zkml.errors import InfeasibleError
from zkml.verifier.transcript import keccak256

CODE_LIMIT = 24_576
"""Bytes of a contract's code (EIP-170)."""


@dataclass(frozen=True)
class Part:
    """One contract: its identities as Yul, and the code of each; `head` and `tail` come before and after them."""

    steps: tuple[Step, ...]
    codes: tuple[bytes, ...]
    head: bytes
    tail: bytes

    @property
    def code(self) -> bytes:
        return self.head + b"".join(self.codes) + self.tail

    @property
    def code_hash(self) -> bytes:
        """EXTCODEHASH of the part when it is deployed."""
        return keccak256(self.code)


class _Writer:
    """Writes identities until the code is full."""

    def __init__(self, planned: Plan, identities: Sequence[Identity], first: bool) -> None:
        self.addresses = dict(planned.layout.offsets)
        self.first = first
        self.words = 0
        self.text = YulText(planned.dag, [i.node for i in identities], self._word, leaf="calldataload")

    def _word(self) -> str:
        name = f"T_{self.words}"
        self.addresses[name] = WORD * self.words
        self.words += 1
        return name

    def write(self, identity: Identity) -> tuple[Step, bytes]:
        step = folded(self.text, identity, self.first)
        self.first = False
        return step, b"".join(statement(line, self.addresses) for line in step.lines)


def parts(planned: Plan, limit: int = CODE_LIMIT) -> list[Part]:
    """Return the parts, each of at most `limit` bytes. Raises `InfeasibleError` when an identity is larger than that."""
    left = list(planned.identities)
    out: list[Part] = []
    while left:
        writer = _Writer(planned, left, first=not out)
        head, tail = prologue(writer.addresses), epilogue()
        size = len(head) + len(tail)
        steps, codes = [], []
        for identity in left:
            step, code = writer.write(identity)
            size += len(code)
            if size > limit:
                break
            steps.append(step)
            codes.append(code)
        if not steps:
            raise InfeasibleError(
                f"{left[0].title} alone takes more than a contract's {limit} bytes",
                hint="the form universal has no limit",
                code="contract-size",
            )
        del left[: len(steps)]
        out.append(Part(tuple(steps), tuple(codes), head, tail))
    return out


def part_source(name: str, circuit_id: str, part: Part) -> str:
    """Return the Solidity of a part: a contract whose code is the bytes, each identity's below its Yul."""
    steps = list(zip(part.steps, part.codes, strict=True))
    return render("Part.sol.j2", {"name": name, "circuit_id": circuit_id, "part": part, "steps": steps})
