"""The area in which EZKL checks matrix products by Freivalds' method: random linear combinations with challenges.

Columns in two phases: E0, E1, F0 before the challenges, E2, E3, F1 after. The size of the area follows from the equations: a
planner reduces each product axis by axis, and every step costs cells. (What the area proves is not linked to the rest of the
circuit: see docs/verifier.md, "What a proof says".)
"""

from __future__ import annotations

from math import prod

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import MAX_BUILD_STEPS
from zkml.protocol.ezkl.base_gates import accumulate
from zkml.protocol.ezkl.settings import Equation, EzklSettings
from zkml.protocol.ezkl.system import Blocks, ConstraintSystem, variable
from zkml.protocol.validity import MAX_COLUMNS

DOT_PATTERNS = ("BothFirst", "Mixed", "BothSecond")
RUN_PATTERNS = ("First", "Second")


def equation_axes(equation: Equation) -> tuple[list[str], str, dict[str, int]]:
    """Return the terms, the output and the sizes of an equation, without axes of size 1. Raises `MalformedArtifact`."""
    sizes = dict(equation.dims)
    left, arrow, right = equation.text.partition("->")
    terms = left.split(",")
    if not arrow or len(terms) > 64 or any(axis not in sizes for term in terms for axis in term):
        raise MalformedArtifact("settings hold an einsum equation whose axes have no size", code="settings")
    kept = {axis for axis, size in sizes.items() if size > 1}
    reduced = ["".join(a for a in term if a in kept) for term in terms]
    return reduced, "".join(a for a in right if a in kept), sizes


def equation_cells(equation: Equation) -> int:
    """Return the number of cells that the check of one product takes."""
    terms, output, sizes = equation_axes(equation)

    def volume(axes: str) -> int:
        return prod(sizes[a] for a in axes)

    def union(parts: list[str], without: str = "") -> str:
        return "".join(sorted(set("".join(parts)) - set(without)))

    def repeats(parts: list[str]) -> int:
        return len(parts) if len(parts) > 2 else 1

    cells = sum(volume(output[: i + 1]) for i in range(len(output)))
    for axis in output:
        while holding := [t for t in terms if axis in t]:
            rest = [t for t in terms if axis not in t]
            if len(holding) > 1:
                result = union(holding)
                cells += volume(result) * repeats(holding)
            else:
                result = union(holding, axis)
                cells += volume(result) * sizes[axis]
            terms = [*rest, result]
    for axis in union(terms):
        holding = [t for t in terms if axis in t]
        result = union(holding, axis)
        cells += volume(result) * sizes[axis] * repeats(holding)
        terms = [*(t for t in terms if axis not in t), result]
    return cells


def freivalds_area(cs: ConstraintSystem, settings: EzklSettings) -> None:
    """Add the area's columns, selectors, challenges and gates. Raises `MalformedArtifact` when it is too large."""
    width = settings.num_inner_cols
    cells = sum(equation_cells(e) for e in settings.equations)
    rounds = max((len(equation_axes(e)[1]) for e in settings.equations), default=0)
    e0, e1 = variable(cs, cells, width), variable(cs, cells, width)
    e2, e3 = variable(cs, cells, width, 1), variable(cs, cells, width, 1)
    f0, f1 = variable(cs, cells, width), variable(cs, cells, width, 1)
    blocks = len(e0)
    if 6 * blocks * blocks > MAX_COLUMNS or rounds * blocks * width > MAX_BUILD_STEPS:
        raise MalformedArtifact("settings ask for too large a freivalds area", code="too-large")
    inputs: dict[str, tuple[Blocks, ...]] = {
        "First": (e0,),
        "Second": (e2,),
        "BothFirst": (e0, e1),
        "Mixed": (e0, e2),
        "BothSecond": (e2, e3),
    }
    outputs = {"First": f0, "BothFirst": f0, "Second": f1, "Mixed": f1, "BothSecond": f1}

    selectors: dict[tuple[str, str, int, int], int] = {}
    for pattern in DOT_PATTERNS:
        for b in range(blocks):
            for j in range(width):
                selectors["Mult", pattern, b, j] = cs.selector(simple=True)
            # EZKL allocates these for every block b again and keeps the last; the others stay, unused, as fixed columns.
            for run in range(blocks):
                for op in ("DotInit", "Dot"):
                    selectors[op, pattern, run, 0] = cs.selector(simple=True)
    for pattern in RUN_PATTERNS:
        for b in range(blocks):
            for op in ("SumInit", "Sum", "CumProdInit", "CumProd"):
                selectors[op, pattern, b, 0] = cs.selector(simple=True)

    for op in ("Dot", "DotInit", "CumProdInit", "CumProd", "Mult", "SumInit", "Sum"):
        for pattern in RUN_PATTERNS if op[:3] in ("Sum", "Cum") else DOT_PATTERNS:
            for b in range(blocks):
                if op == "Mult":
                    for j in range(width):
                        _product_gate(cs, selectors[op, pattern, b, j], inputs[pattern], outputs[pattern][b][j], b, j)
                else:
                    _running_gate(cs, op, selectors[op, pattern, b, 0], inputs[pattern], outputs[pattern][b][0], b)
    for _ in range(rounds):
        _combination_gates(cs, (e0, e2), f1)


def _product_gate(cs: ConstraintSystem, selector: int, inputs: tuple[Blocks, ...], output: int, b: int, j: int) -> None:
    e = cs.build
    x, y = (cs.advice(v[b][j]) for v in inputs)
    cs.gate(e.product(selector, e.sub(cs.advice(output), e.product(x, y))))


def _running_gate(cs: ConstraintSystem, op: str, selector: int, inputs: tuple[Blocks, ...], output: int, b: int) -> None:
    read = [[cs.advice(c) for c in v[b]] for v in inputs]
    previous = None if op.endswith("Init") else cs.advice(output, -1)
    current = cs.advice(output)
    # A dot multiplies second · first here, unlike in the base gates.
    polynomial = accumulate(cs, op, read[-1], read[0], previous, current)
    cs.gate(cs.build.product(selector, polynomial))


def _combination_gates(cs: ConstraintSystem, inputs: tuple[Blocks, Blocks], output: Blocks) -> None:
    """Add one challenge c and the gates F1 = (F1(−1)·c^w +) Σ_j c^{w−j}·X_j for every block of E0 and E2."""
    e = cs.build
    challenge = cs.challenge(0)
    selectors = [[(cs.selector(simple=True), cs.selector(simple=True)) for _ in v] for v in inputs]
    width = len(output[0])
    powers = [e.constant(1)]
    for _ in range(width):
        powers.append(e.product(powers[-1], challenge))
    for v, pairs in zip(inputs, selectors, strict=True):
        for b, (start, run) in enumerate(pairs):
            values = [cs.advice(c) for c in v[b]]
            combined = e.constant(0)
            for j, x in enumerate(values):
                combined = e.sum(combined, e.product(powers[width - j], x))
            current = cs.advice(output[b][0])
            cs.gate(e.product(start, e.sub(current, e.sum(e.constant(0), combined))))
            previous = cs.advice(output[b][0], -1)
            total = e.sum(e.product(previous, powers[width]), combined)
            cs.gate(e.product(run, e.sub(current, total)))
