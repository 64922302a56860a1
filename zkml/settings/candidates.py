"""One choice of scales, tried: error on data, magnitudes reached, cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, log

import numpy as np

from zkml.errors import CircuitError, InternalFault, ModelError, WitnessError
from zkml.settings.layout_cost import Layout
from zkml.settings.metrics import Bar, Floats, Labels, evaluate, project
from zkml.settings.proved import Range, SlackOf, proved
from zkml.settings.run_args import RunArgs
from zkml.settings.sizing import SearchBudget, quick_layout
from zkml.settings.trial import PROBE_BITS, Arrays, Run, TooLarge, Trials, largest_bits, probe, too_large

Scales = tuple[int, int, int]
"""Input scale, parameter scale, rebase multiplier."""


@dataclass(frozen=True)
class Candidate:
    """What one choice of scales gives. `metric` is projected from a few samples (see `metrics.project`), NaN without a witness;
    `proved` the same at the worst within the rounding slack, NaN where that is not known; `meets` whether both reach the bar, or
    `metric` alone where slack is not counted; `bits` bounds the magnitude of all values, `lookup` the inputs of lookups;
    `layout` is the cheapest with one inner column."""

    scales: Scales
    metric: float
    max_abs: float
    meets: bool
    bits: float | None = None
    min_legs: int = 1
    lookup: tuple[int, int] = (0, 0)
    layout: Layout | None = None
    failure: str | None = None
    proved: float = float("nan")

    @property
    def cost(self) -> float:
        return self.layout.work if self.layout is not None else float("inf")


@dataclass
class Evaluator:
    """Tries scales on the first few samples, each once. `floats` are the float outputs of all given
    samples, `few_floats` those of `few`."""

    trials: Trials
    args: RunArgs
    bar: Bar
    floats: Sequence[Floats]
    labels: Labels | None
    few: Sequence[Arrays]
    few_floats: Sequence[Floats]
    margin: float
    budget: SearchBudget
    ranges: Sequence[Range]
    slack_of: SlackOf | None
    counting: bool = field(init=False)
    tried: dict[Scales, Candidate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counting = self.slack_of is not None

    def stop_counting(self) -> None:
        """Judge by the honest prover's metric alone from now on; what only slack had ruled out is tried again."""
        self.counting = False
        self.tried = {scales: c for scales, c in self.tried.items() if c.meets or not self.bar.met(c.metric)}

    def __call__(self, scales: Scales) -> Candidate:
        if scales not in self.tried:
            self.tried[scales] = self._try(scales)
        return self.tried[scales]

    def with_scales(self, scales: Scales, lookup: tuple[int, int] = (0, 0)) -> RunArgs:
        """Return the run arguments of `scales`, their lookup range widened to hold `lookup` with the margin."""
        return self.args.with_(
            input_scale=scales[0],
            param_scale=scales[1],
            scale_rebase_multiplier=scales[2],
            lookup_range=widened(lookup, self.margin),
        )

    def _try(self, scales: Scales) -> Candidate:
        args = self.with_scales(scales)
        try:
            run, min_legs = run_with_legs(self.trials, args, self.few, self.margin)
        except (WitnessError, ModelError, CircuitError, InternalFault) as e:
            return Candidate(scales, float("nan"), float("nan"), meets=False, failure=e.message)
        errors = [g - f for f, g in zip(self.few_floats, run.outputs, strict=True)]
        metric = project(self.bar.metric, self.floats, errors, self.labels)
        worst = self._proved(scales, run, errors)
        meets = self.bar.met(metric) and (not self.counting or self.bar.met(worst))
        max_abs = evaluate("max_abs", self.few_floats, run.outputs, None)
        if not meets:
            return Candidate(scales, metric, max_abs, meets=False, min_legs=min_legs, lookup=run.lookup, proved=worst)
        bits = largest_bits(self.trials, args, self.few[:1], guess=self._guess(scales), legs=min_legs, precision=1.0)
        sized = self.with_scales(scales, run.lookup)
        quick = quick_layout(self.trials, sized, bits + log(self.margin, 2), min_legs, self.budget)
        layout = quick[2] if quick is not None else None
        return Candidate(scales, metric, max_abs, meets, bits, min_legs, run.lookup, layout, proved=worst)

    def _proved(self, scales: Scales, run: Run, errors: Sequence[Floats]) -> float:
        """Return the metric at the worst within the slack of the circuit that the trials hold, which `run` came from."""
        if self.slack_of is None:
            return float("nan")
        slack = self.slack_of(self.trials.circuit, self.ranges, self.with_scales(scales, run.lookup).lookup_range)

        def worst(metric: str, want: Sequence[Floats], got: Sequence[Floats], labels: Labels | None) -> float:
            return proved(metric, want, got, labels, slack)

        return project(self.bar.metric, self.floats, errors, self.labels, measure=worst)

    def _guess(self, scales: Scales) -> float:
        """Guess the magnitude from the nearest choice tried: values scale with the product of input and parameter."""
        known = [c for c in self.tried.values() if c.bits is not None]
        if not known:
            return 8.0 + scales[0] + scales[1]
        near = min(known, key=lambda c: sum(abs(a - b) for a, b in zip(c.scales, scales, strict=True)))
        assert near.bits is not None
        return near.bits + (scales[0] + scales[1] - near.scales[0] - near.scales[1]) * max(1, min(scales[2], near.scales[2]))


def widened(reach: tuple[int, int], margin: float) -> tuple[int, int]:
    """Return the range `reach` grown by the factor `margin` on each side of zero."""
    return (-ceil(margin * max(0, -reach[0])) - 1, ceil(margin * max(0, reach[1])) + 1)


def run_with_legs(trials: Trials, args: RunArgs, samples: Sequence[Arrays], margin: float) -> tuple[Run, int]:
    """Return the outputs of `samples` and the least number of digits that the model needs.

    Rounding operators cut values into digits of their own base but of the run arguments' number. Raises `WitnessError` when
    values pass `PROBE_BITS` bits.
    """
    legs = 1
    while True:
        try:
            return trials.run(probe(args, legs=legs), samples), legs
        except WitnessError as e:
            met = too_large(e)
            if met is None or not (more := legs_for(met, margin)) or more <= legs:
                raise
            legs = more


def legs_for(met: TooLarge, margin: float) -> int:
    """Return how many digits of the base that was met hold the value with the margin; 0 when it is beyond all use."""
    if log(met.value * margin + 1, 2) > PROBE_BITS or met.base < 2:
        return 0
    return max(met.legs + 1, ceil(log(met.value * margin + 1, met.base)))


def failures_only(candidates: Sequence[Candidate]) -> str | None:
    """Return the commonest reason when no candidate had a witness."""
    reasons = [c.failure for c in candidates if c.failure is not None]
    return max(set(reasons), key=reasons.count) if reasons and len(reasons) == len(candidates) else None


def best_metric(candidates: Sequence[Candidate], bar: Bar) -> Candidate | None:
    """Return the candidate nearest to the float model, or None when none had a witness."""
    done = [c for c in candidates if np.isfinite(c.metric)]
    return min(done, key=lambda c: bar.loss(c.metric), default=None)


__all__ = ["Candidate", "Evaluator", "Scales", "best_metric", "failures_only", "run_with_legs", "widened"]
