"""Einsum equations: their terms, and the axes that EZKL sums wrongly.

EZKL 23.0.5 multiplies a sum along an axis that k ≥ 3 operands share by the axis's length to the power of k − 2: `ij,ij,ij->i`
comes out three times too large for three j. Axes that are kept, and those of two operands, it takes rightly.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_OPERANDS = 2


def split(equation: str) -> tuple[list[str], str] | None:
    """Return the terms of an equation and its result's axes, None where it has an ellipsis or an axis twice in a term."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if "." in equation or any(len(set(term)) < len(term) for term in terms):
        return None
    return terms, right if arrow else "".join(sorted(axis for axis in set(left) - {","} if left.count(axis) == 1))


def miscounted(equation: str, shapes: Sequence[Sequence[int] | None]) -> str:
    """Return the axes that EZKL sums wrongly for operands of these shapes, None where one is not known.

    There are none where the operands do not fit the equation.
    """
    known = split(equation)
    if known is None:
        return ""
    terms, result = known
    if [len(t) for t in terms] != [len(t if s is None else s) for t, s in zip(terms, shapes, strict=False)]:
        return ""
    summed = sorted({axis for term in terms for axis in term} - set(result))
    return "".join(a for a in summed if sum(a in term for term in terms) > MOST_OPERANDS and _is_long(a, terms, shapes))


def _is_long(axis: str, terms: Sequence[str], shapes: Sequence[Sequence[int] | None]) -> bool:
    lengths = [shape[term.index(axis)] for term, shape in zip(terms, shapes, strict=True) if shape is not None and axis in term]
    return not lengths or max(lengths) > 1
