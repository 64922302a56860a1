"""The cheapest circuit that keeps the accuracy: from a model and samples to run arguments."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.errors import UsageError
from zkml.estimate import Budget
from zkml.ezkl import Progress, ProgressCallback, Worker
from zkml.settings.candidates import Evaluator
from zkml.settings.data import Data, split
from zkml.settings.fidelity import Fidelity, NodeError, OutputFidelity, Tried
from zkml.settings.float_model import FloatModel
from zkml.settings.metrics import Bar, Floats, Labels, agreement, make_bar
from zkml.settings.network_error import node_errors
from zkml.settings.proved import SlackOf, input_ranges
from zkml.settings.run_args import RunArgs
from zkml.settings.search import START_SCALE, Report, Search, pareto
from zkml.settings.settle import FINAL_SHARE, Final, Settling
from zkml.settings.sizing import SEARCH_SECONDS, SearchBudget
from zkml.settings.trial import Arrays, Trials, probe
from zkml.settings.validate import validate

CHECKS_SHARE = 0.15
"""Share of the search time kept for the final checks and the trace of the error."""
SLOW_CALLS = 60
"""By default a search may take as long as laying the model out so many times."""
PATIENCE = 8
"""By default a search that has found nothing yet may take so many times longer."""


@dataclass(frozen=True)
class Calibration:
    """What calibration found. `gen_settings` with `run_args` gives `settings` again."""

    run_args: RunArgs
    settings: dict[str, Any]
    fidelity: Fidelity


def calibrate(
    model_path: Path,
    inputs: Mapping[str, npt.NDArray[Any]],
    *,
    labels: npt.NDArray[Any] | None = None,
    metric: str = "auto",
    tolerance: float | None = None,
    margin: float = 2.0,
    run_args: RunArgs | None = None,
    budget: Budget | None = None,
    max_columns: int | None = None,
    search_seconds: float | None = None,
    slack_of: SlackOf | None = None,
    scales: Sequence[int] | None = None,
    start: tuple[int, int] | None = None,
    worker: Worker | None = None,
    on_progress: ProgressCallback | None = None,
    report: Report | None = None,
) -> Calibration:
    """Return the cheapest run arguments whose circuit meets the bar of `metric` on `inputs` (first axis = samples).

    `max_columns` bounds the polynomials that a proof opens; `search_seconds` all of this, which then takes the best so far and
    leaves out what a result does not need (by default 45 s, more where EZKL takes long to lay the model out, and as long as
    nothing meets the bar; a call of EZKL's under way is not cut short). What is tried goes to `report` as text, or without one
    to `on_progress` like the stages of other commands. With `slack_of` (`zkml.circuit.audit.slack_of`) the bar is held at the
    worst that a proof can say, if any scales reach that. `margin` is how many times the largest value seen the circuit holds.
    Visibility and flags come from `run_args`, all else is chosen; `scales` limits the common scales tried, `start` is the input
    and parameter scale to begin with (`zkml.model.quantisation.quantisation_scales` of a quantised model). Raises
    `InfeasibleError` when no circuit meets bar and budget, `ModelError` or `SampleError` when model or samples do not fit,
    `UsageError` for a margin below 1.
    """
    run_args, limits = run_args or RunArgs(), search_budget(budget, max_columns, search_seconds)
    if not (isfinite(margin) and 1 <= margin <= 1 << 20):
        raise UsageError(f"the margin is {margin}, it must be at least 1", code="margin")
    if not run_args.disable_freivalds:
        raise UsageError("calibration makes only sound circuits: set disable_freivalds", code="unsound")
    started = time.monotonic()

    def tell(text: str) -> None:
        if report is not None:
            report(text)
        elif on_progress is not None:
            on_progress(Progress(f"calibrate: {text}", time.monotonic() - started, 0))

    model = FloatModel.load(model_path)
    data = split(model.split(inputs))
    classes = None if labels is None else class_labels(labels, len(data.given))
    given_floats = model.run(data.given)
    bar = make_bar(metric, tolerance, given_floats, classes)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zkml-calibrate-")))
        ezkl = worker or stack.enter_context(Worker())
        trials = Trials(
            model_path.resolve(),
            ezkl,
            folder,
            model.inputs,
            model.shapes,
            [f.shape[1:] for f in given_floats],
        )
        few = data.fit[: few_count(trials, run_args, data.fit)]
        if search_seconds is None:
            limits = replace(limits, search_seconds=max(SEARCH_SECONDS, SLOW_CALLS * trials.settings_seconds))
        trials.deadline = started + limits.search_seconds * (1 - CHECKS_SHARE)
        trials.last = trials.deadline if search_seconds is not None else started + PATIENCE * limits.search_seconds
        if data.drawn:
            tell(f"{len(data.given)} samples are few: {len(data.drawn)} inputs drawn around them to cover the range")
        evaluator = Evaluator(
            trials,
            run_args,
            bar,
            given_floats,
            classes,
            few,
            model.run(few),
            margin,
            limits,
            input_ranges([np.stack([s[n] for s in [*data.given, *data.drawn]]) for n in model.inputs], margin),
            slack_of,
        )
        deadline = started + limits.search_seconds * (1 - FINAL_SHARE)
        search = Search(evaluator, deadline, tell, start or (START_SCALE, START_SCALE))
        search.run(scales)
        final = Settling(evaluator, model, data, given_floats, classes, bar, limits, tell, started).run(search, scales)
        trials.deadline = started + limits.search_seconds
        validated = validate(trials, final.sized.args, data.given[0], final.sized.layout, tell)
        settings = trials.settings(final.sized.args.as_ezkl())
        nodes: list[NodeError] = []
        if not trials.late:
            tell("tracing the error along the network")
            nodes = node_errors(
                model.proto, final.sized.args, final.min_legs, data.given[0], ezkl, folder, deadline=trials.deadline
            )
    fidelity = Fidelity(
        bar=bar.as_dict(),
        metric_float=bar.reference,
        metric_integer=final.metric,
        outputs=describe(model, given_floats, final, settings),
        tried=tried(evaluator, bar),
        nodes=tuple(nodes),
        layout=final.sized.layout.as_dict(),
        samples=len(data.given),
        evaluated=len(final.indices),
        held_out=final.held_out,
        held_out_fit=final.held_out_fit,
        drawn=len(data.drawn),
        margin=margin,
        validated=tuple(validated),
        notes=tuple(notes(data, final, evaluator, limits, validated)),
        seconds=time.monotonic() - started,
        metric_proved=final.proved if isfinite(final.proved) else None,
        slack_counted=evaluator.counting,
        ranges=tuple(evaluator.ranges),
    )
    return Calibration(final.sized.args, settings, fidelity)


def search_budget(budget: Budget | None, max_columns: int | None, search_seconds: float | None) -> SearchBudget:
    """Return a budget with the limits of the search itself. Raises `UsageError` unless there is time for it."""
    search_seconds = SEARCH_SECONDS if search_seconds is None else search_seconds
    if not (isfinite(search_seconds) and search_seconds > 0):
        raise UsageError(f"the search cannot take {search_seconds} seconds", code="search-seconds")
    given = vars(budget) if budget is not None else {}
    return SearchBudget(**given | {"max_columns": max_columns, "search_seconds": search_seconds})


def class_labels(labels: npt.NDArray[Any], count: int) -> Labels | None:
    """Return labels as integers, or None when they are not whole numbers (targets of a regression)."""
    flat = np.asarray(labels).reshape(len(labels), -1)
    if len(flat) != count or flat.shape[1] != 1:
        raise UsageError(f"labels of shape {list(np.shape(labels))} for {count} samples", code="labels")
    column = flat[:, 0].astype(np.float64)
    if not (np.isfinite(column).all() and (column == np.round(column)).all() and column.min() >= 0):
        return None
    return column.astype(np.int64)


def few_count(trials: Trials, args: RunArgs, samples: Sequence[Arrays]) -> int:
    """Return on how many samples each candidate is tried: about two seconds' worth, at least 2, at most 32."""
    settings_before = trials.settings_seconds
    trials.settings(probe(args))
    # A witness takes about as long as laying out the settings.
    each = max(trials.settings_seconds - settings_before, 1e-3)
    return int(min(len(samples), max(2, min(32, 2.0 / each))))


def describe(
    model: FloatModel, floats: Sequence[Floats], final: Final, settings: Mapping[str, Any]
) -> tuple[OutputFidelity, ...]:
    result = []
    scales = settings["model_output_scales"]
    for name, want, got, scale, slack in zip(model.outputs, floats, final.outputs, scales, final.slack, strict=True):
        error = np.abs(want[final.indices] - got)
        result.append(
            OutputFidelity(
                name,
                float(error.max()),
                float(error.mean()),
                float(np.ptp(want)),
                agreement([want[final.indices]], [got], None),
                int(scale),
                slack,
            )
        )
    return tuple(result)


def tried(evaluator: Evaluator, bar: Bar) -> tuple[Tried, ...]:
    candidates = list(evaluator.tried.values())
    front = pareto([(c.cost, bar.loss(c.metric)) for c in candidates])
    return tuple(
        Tried(
            *c.scales,
            metric=c.metric if isfinite(c.metric) else None,
            max_abs=c.max_abs if isfinite(c.max_abs) else None,
            meets=c.meets,
            seconds=c.layout.seconds if c.layout is not None else None,
            k=c.layout.k if c.layout is not None else None,
            pareto=on and c.layout is not None,
            failure=c.failure,
            proved=c.proved if isfinite(c.proved) else None,
        )
        for c, on in zip(candidates, front, strict=True)
    )


def notes(data: Data, final: Final, evaluator: Evaluator, limits: SearchBudget, validated: Sequence[str]) -> list[str]:
    said = []
    if data.drawn:
        said.append(
            f"only {len(data.given)} samples: {len(data.drawn)} inputs drawn around them cover the range, none is held out, "
            "so nothing is known of unseen inputs"
        )
    else:
        said.append(
            f"{final.held_out_fit} of {final.held_out} held-out samples fitted the circuit sized without them"
            + ("; it was enlarged for the others" if final.grown else "")
        )
    if len(final.indices) < len(data.given):
        said.append(f"evaluated on {len(final.indices)} of {len(data.given)} samples, as many as the search time allowed")
    if evaluator.slack_of is not None and not evaluator.counting:
        unknown = (
            "has no bound" if not isfinite(final.proved) else f"leaves {evaluator.bar.metric} {final.proved:.4g} at the worst"
        )
        said.append(
            f"the bar holds for an honest prover: no scales tried keep it with the rounding slack counted, which {unknown}"
        )
    if evaluator.trials.late:
        said.append(
            f"the {limits.search_seconds:.0f} s of the search ran out: there may be cheaper circuits, "
            f"and this one was checked by {' and '.join(validated)} alone"
        )
    return said
