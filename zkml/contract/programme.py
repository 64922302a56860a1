"""Steps 5 to 8 as a programme for the universal verifier: a list of d := a·b + c over words of memory.

One kind of instruction needs no dispatch: a sum is a·1 + b, a difference b·(−1) + a, and a sum with a product that nothing else
uses is one instruction. Words of results that are no longer needed are used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zkml.contract.expressions import Dag
from zkml.protocol.field import R

Word = str | int
"""The name of a word of the layout, or the number of a register."""


@dataclass(frozen=True)
class Instruction:
    """d := a·b + c (mod r)."""

    d: Word
    a: Word
    b: Word
    c: Word


@dataclass(frozen=True)
class Programme:
    """Instructions, and how many registers they use."""

    instructions: tuple[Instruction, ...]
    registers: int


ZERO, ONE, MINUS_ONE = 0, 1, R - 1


def _uses(dag: Dag, roots: Sequence[int]) -> list[int]:
    uses = [0] * len(dag.nodes)
    seen: set[int] = set()
    for root in roots:
        uses[root] += 1
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                for operand in dag.operands(node):
                    uses[operand] += 1
                    stack.append(operand)
    return uses


class _Writer:
    """Turns a graph into instructions; `constant` names the word of a constant."""

    def __init__(self, dag: Dag, roots: Sequence[int], constant: Callable[[int], str]) -> None:
        self.dag = dag
        self.constant = constant
        self.uses = _uses(dag, roots)
        self.left = list(self.uses)
        self.place: dict[int, Word] = {}
        self.fused: set[int] = set()
        self.free: list[int] = []
        self.registers = 0
        self.out: list[Instruction] = []
        for i, node in enumerate(dag.nodes):
            if node.op == "add" and self.uses[i]:
                for operand in (node.b, node.a):
                    if dag.nodes[operand].op == "mul" and self.uses[operand] == 1:
                        self.fused.add(operand)
                        break

    def read(self, i: int) -> Word:
        """Return where a value lies, and count this use: after its last one the register is free."""
        place = self.place[i]
        self.left[i] -= 1
        if self.left[i] == 0 and isinstance(place, int):
            self.free.append(place)
        return place

    def emit(self, i: int, a: Word, b: Word, c: Word) -> None:
        if self.free:
            register = self.free.pop()
        else:
            register = self.registers
            self.registers += 1
        self.place[i] = register
        self.out.append(Instruction(register, a, b, c))

    def compute(self, i: int) -> None:
        node = self.dag.nodes[i]
        match node.op:
            case "leaf":
                self.place[i] = node.name
            case "const":
                self.place[i] = self.constant(node.a)
            case "mul" if i in self.fused:
                pass
            case "mul":
                self.emit(i, self.read(node.a), self.read(node.b), self.constant(ZERO))
            case "neg":
                self.emit(i, self.read(node.a), self.constant(MINUS_ONE), self.constant(ZERO))
            case "sub":
                self.emit(i, self.read(node.b), self.constant(MINUS_ONE), self.read(node.a))
            case "add":
                for product, other in ((node.b, node.a), (node.a, node.b)):
                    if product in self.fused:
                        factors = self.dag.nodes[product]
                        self.emit(i, self.read(factors.a), self.read(factors.b), self.read(other))
                        return
                self.emit(i, self.read(node.a), self.constant(ONE), self.read(node.b))

    def walk(self, root: int) -> None:
        stack = [(root, False)]
        while stack:
            i, ready = stack.pop()
            if i in self.place:
                continue
            if ready:
                self.compute(i)
            else:
                stack.append((i, True))
                stack.extend((operand, False) for operand in reversed(self.dag.operands(i)))


def programme(dag: Dag, roots: Sequence[int], constant: Callable[[int], str]) -> Programme:
    """Return the instructions that leave Σ y^(N−1−i)·root_i in the word H_EVAL."""
    writer = _Writer(dag, roots, constant)
    for i, root in enumerate(roots):
        writer.walk(root)
        before: Word = "H_EVAL" if i else constant(ZERO)
        writer.out.append(Instruction("H_EVAL", before, "Y", writer.read(root)))
    return Programme(tuple(writer.out), writer.registers)
