"""The base gates of EZKL's circuits: one selector each for add, subtract, multiply, and running dot, product and sum.

Selectors: for each block and inner column Add, Sub, Mult; then for each block DotInit, Dot, CumProd, CumProdInit, Sum, SumInit.
Gates in another order: element-wise Add, Mult, Sub; then Dot, DotInit, CumProdInit, CumProd, SumInit, Sum.
"""

from __future__ import annotations

from zkml.protocol.ezkl.system import Blocks, ConstraintSystem


def accumulate(cs: ConstraintSystem, op: str, first: list[int], second: list[int], previous: int | None, current: int) -> int:
    """Return current − (previous ∘ fold), the polynomial of one running gate.

    `first` and `second` are query nodes; Dot folds Σ first·second, Sum Σ second, CumProd Π second; `previous` is None where a
    run starts.
    """
    e = cs.build
    product = op.startswith("CumProd")
    acc = e.constant(1 if product else 0)
    for j, x in enumerate(second):
        term = e.product(first[j], x) if op.startswith("Dot") else x
        acc = e.product(acc, x) if product else e.sum(acc, term)
    if previous is not None:
        acc = e.product(previous, acc) if product else e.sum(previous, acc)
    return e.sub(current, acc)


def base_gates(cs: ConstraintSystem, left: Blocks, right: Blocks, output: Blocks) -> None:
    """Add the selectors and gates over the model's three variables."""
    e = cs.build
    blocks, width = len(left), len(left[0])
    elementwise: dict[tuple[str, int, int], int] = {}
    for b in range(blocks):
        for j in range(width):
            for op in ("Add", "Sub", "Mult"):
                elementwise[op, b, j] = cs.selector(simple=True)
    running: dict[tuple[str, int], int] = {}
    for b in range(blocks):
        for op in ("DotInit", "Dot", "CumProd", "CumProdInit", "Sum", "SumInit"):
            running[op, b] = cs.selector(simple=True)

    for op in ("Add", "Mult", "Sub"):
        for b in range(blocks):
            for j in range(width):
                x, y = cs.advice(left[b][j]), cs.advice(right[b][j])
                out = cs.advice(output[b][j])
                value = {"Add": e.sum, "Mult": e.product, "Sub": e.sub}[op](x, y)
                cs.gate(e.product(elementwise[op, b, j], e.sub(out, value)))

    for op in ("Dot", "DotInit", "CumProdInit", "CumProd", "SumInit", "Sum"):
        for b in range(blocks):
            first = [cs.advice(c) for c in left[b]] if op.startswith("Dot") else []
            second = [cs.advice(c) for c in right[b]]
            previous = None if op.endswith("Init") else cs.advice(output[b][0], -1)
            current = cs.advice(output[b][0])
            cs.gate(e.product(running[op, b], accumulate(cs, op, first, second, previous, current)))
