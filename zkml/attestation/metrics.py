"""The metrics that can be attested: exact functions of the integers that proofs state, and of labels.

A score is a fraction, never a float: whoever recomputes it gets the same digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from zkml.errors import UsageError

DIGITS = 12
MAX_K = 100
_ORDER = "classes in falling order of the output's integers (value = integer / 2^scale), of equal ones the lower index first"
_ERROR = "mean over all items and all their outputs of the {what} of output - label, the output being its integer / 2^scale"

Label = int | list[float]
"""A class, or a number for each output."""


@dataclass(frozen=True)
class Metric:
    """`name` as it is asked for; `kind` is `class` (labels are classes, the first `k` predictions count) or `number`."""

    name: str
    kind: str
    k: int
    definition: str

    def predicted(self, integers: Sequence[int]) -> Any:
        """Return what the outputs say: a class (top1), the first k classes, or for numbers the integers themselves."""
        if self.kind == "number":
            return list(integers)
        first = sorted(range(len(integers)), key=lambda i: (-integers[i], i))[: self.k]
        return first[0] if self.k == 1 else first

    def points(self, predicted: Any, label: Label, scale: int) -> Fraction:
        """Return what one item adds to the score before it is divided by the number of items."""
        if self.kind == "class":
            return Fraction(int(label == predicted if self.k == 1 else label in predicted))
        assert isinstance(label, list)
        unit = Fraction(2) ** -scale
        errors = [i * unit - Fraction(y) for i, y in zip(predicted, label, strict=True)]
        return sum((e * e if self.name == "mse" else abs(e) for e in errors), Fraction(0)) / len(errors)

    def fits(self, outputs: int) -> str | None:
        """Return why an output of so many values has no such score, None where it has one."""
        if self.kind == "class" and outputs < 2:
            return f"{self.name} needs an output of at least two classes, this one has {outputs}"
        if self.kind == "class" and self.k >= outputs:
            return f"{self.name} of {outputs} classes is always 1"
        return None


def metric_of(name: str) -> Metric:
    """Return the metric called `top1`, `top2` and so on, `mse` or `mae`. Raises `UsageError`."""
    if found := re.fullmatch(r"top([1-9][0-9]{0,2})", name):
        k = int(found[1])
        if k <= MAX_K:
            among = "the first" if k == 1 else f"one of the first {k}"
            return Metric(name, "class", k, f"fraction of the items of which the label is {among} of the {_ORDER}")
    if name in ("mse", "mae"):
        what = "square" if name == "mse" else "absolute value"
        return Metric(name, "number", 0, _ERROR.format(what=what))
    raise UsageError(f"there is no metric {name!r}", hint="top1, top2, … top100, mse, mae", code="metric")


def decimal_of(score: Fraction) -> str:
    """Return a score to 12 significant digits, rounded half to even."""
    context = Context(prec=DIGITS)
    return f"{context.divide(Decimal(score.numerator), Decimal(score.denominator)):f}"


def score_of(score: Fraction) -> dict[str, str]:
    """Return a score as attestations hold it: the fraction in lowest terms, and its decimal."""
    return {"numerator": str(score.numerator), "denominator": str(score.denominator), "decimal": decimal_of(score)}
