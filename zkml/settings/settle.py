"""From the search's favourite to the final circuit: sized on all fitting samples, measured, tried on the held-out ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2

import numpy as np

from zkml.errors import InfeasibleError, ModelError, WitnessError, ZkmlError
from zkml.settings.candidates import Candidate, Evaluator, best_metric, failures_only
from zkml.settings.data import Data
from zkml.settings.float_model import FloatModel
from zkml.settings.metrics import Bar, Floats, Labels, evaluate
from zkml.settings.proved import Slack, proved
from zkml.settings.run_args import RunArgs
from zkml.settings.search import Report, Search
from zkml.settings.sizing import SearchBudget, Sized, size
from zkml.settings.trial import Arrays, Trials, fits, largest_bits, probe, reach, too_large

FINAL_SHARE = 0.35
"""Share of the search time that final evaluation may take."""
MAX_FINALISTS = 4
GROWTH = 4
"""When a favourite fails on more samples, the search is repeated on this many times as many."""


@dataclass(frozen=True)
class Final:
    """The final circuit on data: outputs of the samples `indices`, and how many of the held-out ones fitted at once. `proved` is
    the metric at the worst within `slack`, the outputs' bounds."""

    sized: Sized
    metric: float
    proved: float
    slack: Slack
    outputs: list[Floats]
    indices: list[int]
    held_out: int
    held_out_fit: int
    grown: bool
    min_legs: int


@dataclass
class Settling:
    """What the final choice is made from. `floats` and `labels` are those of all given samples."""

    evaluator: Evaluator
    model: FloatModel
    data: Data
    floats: Sequence[Floats]
    labels: Labels | None
    bar: Bar
    budget: SearchBudget
    report: Report
    started: float

    @property
    def trials(self) -> Trials:
        return self.evaluator.trials

    def run(self, search: Search, scales: Sequence[int] | None) -> Final:
        """Return the cheapest circuit that meets the bar on the samples themselves.

        A favourite that fails on more samples than the search saw is ruled out, and the search repeated on more. Raises
        `InfeasibleError` when nothing meets bar and budget, `ModelError` when nothing has a witness.
        """
        failed: list[Candidate] = []
        for _ in range(MAX_FINALISTS):
            found = search.best
            if found is None:
                break
            self.report(f"sizing the circuit of scales {found.scales[0]}, {found.scales[1]}, multiplier {found.scales[2]}")
            final = self.finish(found)
            if self.bar.met(final.metric) and (not self.evaluator.counting or self.bar.met(final.proved)):
                return final
            worst = f", {final.proved:.4g} within the slack" if self.evaluator.counting else ""
            self.report(f"on {len(final.indices)} samples it reaches only {self.bar.metric} {final.metric:.4g}{worst}")
            failed.append(replace(found, metric=final.metric, proved=final.proved, meets=False))
            search = self.again(search, scales, failed)
        everything = list(self.evaluator.tried.values())
        if self.trials.over and not any(c.meets for c in everything):
            took = time.monotonic() - self.started
            raise InfeasibleError(
                f"the search ended after {took:.0f} s, none of {len(everything)} scales tried meets the bar",
                hint=f"allow it more time (--search-time {4 * took:.0f}), or a larger --tolerance",
                code="search-time",
                details={"seconds": took, "tried": len(everything)},
            )
        unsized = [c for c in everything if c.meets and c.layout is None]
        if unsized:
            smallest = min(unsized, key=lambda c: c.bits or 0.0)
            args = self.evaluator.with_scales(smallest.scales, smallest.lookup)
            size(self.trials, args, self.with_margin(smallest.bits or 0.0), smallest.min_legs, self.budget)
        raise self.infeasible(everything)

    def again(self, search: Search, scales: Sequence[int] | None, failed: list[Candidate]) -> Search:
        few = self.data.fit[: GROWTH * len(self.evaluator.few)]
        self.evaluator.few, self.evaluator.few_floats = few, self.model.run(few)
        self.evaluator.tried = {c.scales: c for c in failed}
        deadline = max(search.deadline, time.monotonic() + self.budget.search_seconds / 4)
        fresh = Search(self.evaluator, deadline, self.report, search.start)
        fresh.run(scales)
        return fresh

    def infeasible(self, everything: list[Candidate]) -> ZkmlError:
        """Return the error that says how near the best candidate comes to the bar, on as many samples as a final circuit gets."""
        if reason := failures_only(everything):
            return ModelError(f"no choice of scales has a witness: {reason}", code="no-witness")
        bar, best = self.bar, best_metric(everything, self.bar)
        assert best is not None
        indices = list(range(len(self.data.given)))[: max(4, self.affordable() // 3)]
        args = probe(self.evaluator.with_scales(best.scales), legs=best.min_legs)
        got = self.trials.run(args, [self.data.given[i] for i in indices]).outputs
        some = None if self.labels is None else self.labels[indices]
        measured = self.measure([f[indices] for f in self.floats], got, some)
        needed = max(0.0, bar.loss(best.metric), bar.loss(measured) if np.isfinite(measured) else 0.0)
        value = bar.reference - needed if bar.higher else bar.reference + needed
        return InfeasibleError(
            f"no circuit reaches {bar.metric} {bar.limit:.6g}; the best of {len(everything)} tried reaches {value:.6g}",
            hint=f"the smallest relaxation is --tolerance {needed:.3g}",
            code="accuracy",
            details={"constraint": "tolerance", "limit": bar.tolerance, "needed": needed},
        )

    def affordable(self) -> int:
        """Return how many witnesses the time for final evaluation allows."""
        each = self.trials.witness_seconds / max(self.trials.witnesses, 1)
        return max(4, int(FINAL_SHARE * self.budget.search_seconds / max(each, 1e-4)))

    def with_margin(self, bits: float) -> float:
        return bits + log2(self.evaluator.margin)

    def finish(self, found: Candidate) -> Final:
        """Measure a candidate on as many samples as time allows, size it from the fitting ones, try it on the held-out ones."""
        afford = self.affordable()
        fit = [i for i in range(len(self.data.given)) if i not in self.data.held_out]
        # A third of the witnesses measure, a third find the magnitudes, a third try the held-out samples.
        held = sorted(self.data.held_out)[: max(1, afford // 6)]
        indices = fit[: max(1, afford // 3 - len(held) // 2)] + held
        legs = found.min_legs
        args = self.evaluator.with_scales(found.scales)
        samples = [self.data.given[i] for i in indices] + self.data.drawn[: max(1, afford // 6)]
        run = self.trials.run(probe(args, legs=legs), samples)
        fitting = [s for j, s in enumerate(samples) if j >= len(indices) or indices[j] not in self.data.held_out]
        lookup = reach([x for j, x in enumerate(run.lookups) if j >= len(indices) or indices[j] not in self.data.held_out])
        bits = self.magnitude(args, fitting, found, afford // 3)
        sized = size(self.trials, self.evaluator.with_scales(found.scales, lookup), self.with_margin(bits), legs, self.budget)
        inside = [self.fits_one(sized.args, self.data.given[i], run.lookups[j]) for j, i in enumerate(indices) if i in held]
        if not all(inside):
            others = [self.data.given[i] for i in held]
            bits = max(bits, largest_bits(self.trials, args, others, guess=self.with_margin(bits), legs=legs))
            wider = self.evaluator.with_scales(found.scales, run.lookup)
            sized = size(self.trials, wider, self.with_margin(bits), legs, self.budget)
        got = [o[: len(indices)] for o in run.outputs]
        want = [f[indices] for f in self.floats]
        some = None if self.labels is None else self.labels[indices]
        slack = self.slack(sized.args, len(got))
        return Final(
            sized,
            self.measure(want, got, some),
            self.measure(want, got, some, slack),
            slack,
            got,
            indices,
            len(held),
            sum(inside),
            not all(inside),
            legs,
        )

    def slack(self, args: RunArgs, outputs: int) -> Slack:
        """Return the slack of the circuit of `args` for the inputs it is sized for, None for each output if not asked."""
        if self.evaluator.slack_of is None:
            return (None,) * outputs
        return self.evaluator.slack_of(self.trials.compile(args.as_ezkl()), self.evaluator.ranges, None)

    def measure(self, want: list[Floats], got: list[Floats], labels: Labels | None, slack: Slack | None = None) -> float:
        """Return the metric over the samples measured, at the worst within `slack` where it is given. With labels it is the float
        model's own value on all samples, less what the circuit loses on the measured ones, so that a part of the samples is held
        against the same bar as the whole."""
        if self.bar.metric == "auc" and labels is not None and len(set(labels.tolist())) < 2:
            return float("nan")
        if slack is None:
            value = evaluate(self.bar.metric, want, got, labels)
        else:
            value = proved(self.bar.metric, want, got, labels, slack)
        if labels is None:
            return value
        return self.bar.reference - (evaluate(self.bar.metric, want, want, labels) - value)

    def fits_one(self, args: RunArgs, sample: Arrays, lookup: tuple[int, int]) -> bool:
        """Return whether the circuit of `args` holds all values of a sample."""
        if self.trials.settings(args.as_ezkl())["required_lookups"]:
            low, high = args.lookup_range
            if lookup[0] < low or lookup[1] > high:
                return False
        try:
            self.trials.witness(self.trials.compile(args.as_ezkl()), sample)
        except WitnessError as e:
            if too_large(e) is None:
                raise
            return False
        return True

    def magnitude(self, args: RunArgs, samples: Sequence[Arrays], found: Candidate, witnesses: int) -> float:
        """Return the magnitude of all values of `samples` in bits, to a quarter bit, with about so many witnesses."""
        guess, legs = found.bits or 16.0, found.min_legs
        largest = sorted(range(len(samples)), key=lambda j: -spread(samples[j]))[: max(2, witnesses // 2)]
        chosen = [samples[j] for j in largest]
        if fits(self.trials, args, chosen, bits=guess, legs=legs) is not None:
            return largest_bits(self.trials, args, chosen, guess=guess + 1, legs=legs, precision=0.5)
        few = chosen[: max(1, witnesses // 12)]
        if len(few) < len(chosen):
            return guess
        return largest_bits(self.trials, args, few, guess=guess, legs=legs, precision=0.25)


def spread(sample: Arrays) -> float:
    """Return the norm of a sample: large inputs reach large values more often."""
    return float(sum(np.square(np.asarray(a, dtype=np.float64)).sum() for a in sample.values()))
