"""The search over scales: the cheapest that meet the bar.

Error falls as scales grow, cost rises with the digits that larger values need, and falls when a rebase multiplier lets products
accumulate before they are divided. So: (1) at a usual scale, double the multiplier while that pays; (2) bisect the common scale
for the least that meets the bar; (3) from the cheapest, lower or trade single scales while that pays. Nothing assumes that error
is monotone but the bisection, and (3) repairs what it misses. The scales to begin with are those of a quantised model, if it is
one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import isfinite

from zkml.settings.candidates import Candidate, Evaluator, Scales

MAX_SCALE = 16
START_SCALE = 7
MAX_MULTIPLIER = 16
EQUAL_COST = 0.02
"""Costs closer than this are equal: then the better metric wins."""

Report = Callable[[str], None]


def better(a: Candidate, b: Candidate, loss: Callable[[float], float]) -> bool:
    """Return whether `a` is worth more than `b`, both meeting the bar."""
    if a.cost < (1 - EQUAL_COST) * b.cost:
        return True
    return a.cost <= (1 + EQUAL_COST) * b.cost and loss(a.metric) < loss(b.metric)


class Search:
    """A search under way: `evaluate` tries scales, `deadline` (of `time.monotonic`) ends it once something meets the bar, the
    last moment of the trials in any case."""

    def __init__(
        self, evaluate: Evaluator, deadline: float, report: Report, start: tuple[int, int] = (START_SCALE, START_SCALE)
    ) -> None:
        self.evaluate = evaluate
        self.deadline = deadline
        self.report = report
        self.start = start
        self.best: Candidate | None = None

    def over(self) -> bool:
        """Return whether time is up."""
        return self.evaluate.trials.over or (self.best is not None and time.monotonic() > self.deadline)

    def look(self, scales: Scales) -> Candidate:
        known = scales in self.evaluate.tried
        candidate = self.evaluate(scales)
        if not known:
            cost = f"work {candidate.cost:.3g} s" if candidate.meets else "below the bar"
            worst = f", {candidate.proved:.4g} within the slack" if isfinite(candidate.proved) else ""
            state = candidate.failure or f"{self.evaluate.bar.metric} {candidate.metric:.4g}{worst}, {cost}"
            self.report(f"scales {scales[0]}, {scales[1]}, multiplier {scales[2]}: {state}")
        if candidate.meets and candidate.layout is not None and (self.best is None or self._better(candidate, self.best)):
            self.best = candidate
        return candidate

    def _better(self, a: Candidate, b: Candidate) -> bool:
        return better(a, b, self.evaluate.bar.loss)

    def run(self, scales: Sequence[int] | None = None) -> Candidate | None:
        """Return the cheapest candidate found that meets the bar, or None. `scales` fixes the common scales to try.

        Where none does with its rounding slack counted, the search is made again without.
        """
        self._run(scales)
        if self.best is None and self.evaluate.counting and not self.over():
            self.report("no scales meet the bar with the rounding slack counted: from here on it is not")
            self.evaluate.stop_counting()
            self._run(scales)
        return self.best

    def _run(self, scales: Sequence[int] | None) -> None:
        if scales is not None:
            for s in scales:
                if not self.over():
                    self.multiply((s, s))
            return
        first = self.look((*self.start, 1))
        if self.evaluate.counting and isfinite(first.metric) and not isfinite(first.proved):
            self.report("the rounding slack has no bound: it is not counted")
            self.evaluate.stop_counting()
        self.multiply(self.start)
        multiplier = self.best.scales[2] if self.best is not None else 1
        least = self.bisect(multiplier)
        if least is not None and not self.over():
            self.multiply((least, least))
        self.refine()

    def bisect(self, multiplier: int, top: int = MAX_SCALE) -> int | None:
        """Return the least common scale that meets the bar, by bisection."""
        low, high = -1, top + 1
        at = min(sum(self.start) // 2, top)
        while high - low > 1:
            if self.over():
                break
            if self.look((at, at, multiplier)).meets:
                high = at
            else:
                low = at
            # gallop in small steps first: values near the start are the usual ones
            at = (low + high) // 2 if low >= 0 and high <= top else max(0, high - 2) if low < 0 else min(top, low + 3)
        return high if high <= top else None

    def multiply(self, pair: tuple[int, int]) -> None:
        """Raise the multiplier while it pays; once more when it changes nothing."""
        previous = self.look((*pair, 1))
        multiplier = 2
        while multiplier <= MAX_MULTIPLIER and not self.over():
            candidate = self.look((*pair, multiplier))
            if candidate.cost > previous.cost or same(candidate, previous):
                return
            previous = candidate
            multiplier *= 2

    def refine(self) -> None:
        """Move one step at a time from the best, while that pays."""
        start = None
        while self.best is not None and self.best is not start and not self.over():
            start = self.best
            i, p, m = start.scales
            moves = [(i - 1, p, m), (i, p - 1, m), (i - 1, p + 1, m), (i + 1, p - 1, m), (i - 2, p, m), (i, p - 2, m)]
            moves += [(i, p, m + 1), (i, p, m - 1), (0, p, m), (i - 1, p, m + 1), (i, p - 1, m + 1)]
            for scales in moves:
                if self.over() or self.best is not start:
                    break
                if 0 <= scales[0] <= MAX_SCALE and 0 <= scales[1] <= MAX_SCALE and 1 <= scales[2] <= MAX_MULTIPLIER:
                    self.look(scales)


def same(a: Candidate, b: Candidate) -> bool:
    """Return whether two candidates are the same circuit by all that shows."""
    return a.layout == b.layout and a.metric == b.metric and a.bits == b.bits


def pareto(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Return for each (cost, loss) whether no other is at least as good in both and better in one."""
    return [not any((c <= cost and q <= loss and (c < cost or q < loss)) for c, q in points) for cost, loss in points]
