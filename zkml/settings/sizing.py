"""Digits, columns and rows: the cheapest layout that holds values of a known magnitude."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from zkml.errors import InfeasibleError
from zkml.estimate import Budget, this_machine
from zkml.estimate.columns import UNUSABLE_ROWS, blocks_of
from zkml.settings.layout_cost import Layout, Settings, lay_out, misfit, smallest_k
from zkml.settings.run_args import RunArgs
from zkml.settings.trial import PROBE_BASE, Trials, probe

INNER = (1, 2, 3, 4, 5, 7)
"""With w inner columns the accumulating gates have degree w + 2: more lookups go into an argument, more cells are padding."""
SLOW_INNER = (1, 2, 5, 7)
MAX_LEGS = 24
SLOW_SETTINGS_SECONDS = 0.25
MAX_BASE = 1 << 20
LARGEST_K = 26
MAX_BLOCKS = 512
"""More blocks of columns than this are never the cheapest, and take long to count."""
SEARCH_SECONDS = 45.0
EQUAL_WORK = 0.15
"""Layouts whose work differs by less are told apart by their columns."""


@dataclass(frozen=True)
class SearchBudget(Budget):
    """What a circuit may cost, polynomials opened (`max_columns`) included. `search_seconds` bounds the calibration itself: when
    they are spent the best so far is taken, and what is not needed for a result is left out."""

    max_columns: int | None = None
    search_seconds: float = SEARCH_SECONDS


LIMITS: dict[str, tuple[str, Callable[[Layout], int | float]]] = {
    "max_k": ("--max-k", lambda x: x.k),
    "max_ram": ("--max-ram", lambda x: x.ram),
    "max_seconds": ("--max-time", lambda x: x.slowest),
    "max_columns": ("--max-columns", lambda x: x.columns),
}


def within(layout: Layout, budget: SearchBudget) -> bool:
    return broken(layout, budget) is None


def broken(layout: Layout, budget: SearchBudget) -> str | None:
    """Return the name of the first limit that a layout breaks, or None."""
    for name, (_, used) in LIMITS.items():
        limit = getattr(budget, name)
        if limit is not None and used(layout) > limit:
            return name
    return None


def base_for(bits: float, legs: int) -> int:
    """Return the least base whose `legs` digits hold all magnitudes below 2^`bits`."""
    need = ceil(2.0**bits)
    base = max(2, int(need ** (1 / legs)) - 1)
    while base**legs < need:
        base += 1
    return base


def digit_choices(bits: float) -> Iterator[tuple[int, int]]:
    """Yield (base, legs) from few large digits to many small ones, each base as small as it may be."""
    seen = set()
    for legs in range(1, MAX_LEGS + 1):
        base = base_for(bits, legs)
        if base <= MAX_BASE and base not in seen:
            seen.add(base)
            yield base, legs
        if base <= 4:
            return


def layouts(settings: Settings) -> Iterator[Layout]:
    """Yield the layouts of `settings` over all k that can hold them, until blocks no longer shrink."""
    machine = this_machine()
    slots, inner = int(settings["total_assignments"]), int(settings["run_args"]["num_inner_cols"])
    for k in range(smallest_k(settings), LARGEST_K + 1):
        if blocks_of(slots, (1 << k) - UNUSABLE_ROWS, inner) > MAX_BLOCKS:
            continue
        layout = lay_out(settings, k, machine)
        yield layout
        if layout.counts.blocks == 1 and layout.table <= 1:
            return


def cheapest(fitting: Sequence[Layout]) -> Layout | None:
    """Return the layout with the fewest columns among those of about the least work: a smaller proof, key and contract."""
    least = min((layout.work for layout in fitting), default=0.0)
    alike = [layout for layout in fitting if layout.work <= (1 + EQUAL_WORK) * least]
    return min(alike, key=lambda layout: (layout.columns, layout.work), default=None)


def with_digits(settings: Settings, cells: int, old_base: int, base: int) -> dict[str, Any]:
    """Return settings with so many cells and the range of digits of another base."""
    ranges = [r for r in settings["required_range_checks"] if tuple(r) != (0, old_base - 1)]
    return dict(settings) | {"total_assignments": cells, "required_range_checks": [*ranges, [0, base - 1]]}


def cells(trials: Trials, args: RunArgs, legs: int) -> dict[str, Any]:
    """Return the settings of `args` with one inner column and so many digits of base `PROBE_BASE`, as probes have them."""
    return trials.settings(probe(args, legs=legs) | {"decomp_base": PROBE_BASE})


def quick_layout(
    trials: Trials, args: RunArgs, bits: float, min_legs: int, budget: SearchBudget
) -> tuple[int, int, Layout] | None:
    """Return (base, legs, layout) of least estimated time with one inner column, from two calls of `gen_settings`.

    With one inner column the cells are an affine function of the number of digits, so two numbers of digits give all.
    """
    first = cells(trials, args, min_legs)
    low, high = args.lookup_range
    first = first | {"run_args": first["run_args"] | {"lookup_range": [low, high]}}
    start = int(first["total_assignments"])
    slope = int(cells(trials, args, min_legs + 1)["total_assignments"]) - start
    best: tuple[int, int, Layout] | None = None
    for base, legs in digit_choices(bits):
        if legs < min_legs:
            continue
        several = start + slope * (legs - min_legs)
        fitting = [x for x in layouts(with_digits(first, several, PROBE_BASE, base)) if within(x, budget)]
        layout = cheapest(fitting)
        if layout is not None and (best is None or layout.work < best[2].work):
            best = base, legs, layout
    return best


@dataclass(frozen=True)
class Sized:
    """Run arguments with digits, columns and rows chosen, and their layout."""

    args: RunArgs
    layout: Layout
    tried: int


def size(trials: Trials, args: RunArgs, bits: float, min_legs: int, budget: SearchBudget) -> Sized:
    """Return the cheapest digits, inner columns and rows for values below 2^`bits`.

    Numbers of inner columns are tried with the best digits of one column, then other numbers of digits with the best columns;
    where `gen_settings` is slow, only the first, and fewer; at the deadline the best so far is taken. Raises `InfeasibleError`
    when no layout fits the budget.
    """
    everything: list[tuple[Layout, RunArgs]] = []

    def consider(base: int, legs: int, inner: int) -> float:
        wanted = args.with_(decomp_base=base, decomp_legs=legs, num_inner_cols=inner, logrows=20)
        best = float("inf")
        for layout in layouts(trials.settings(wanted.as_ezkl())):
            everything.append((layout, wanted.with_(logrows=layout.k)))
            if within(layout, budget):
                best = min(best, layout.work)
        return best

    choices = [(base, legs) for base, legs in digit_choices(bits) if legs >= min_legs]
    quick = quick_layout(trials, args, bits, min_legs, budget)
    base, legs = quick[:2] if quick is not None else choices[min(1, len(choices) - 1)]
    scores = {}
    for inner in SLOW_INNER if slow(trials) else INNER:
        scores[inner] = consider(base, legs, inner)
        if trials.late and scores[inner] < float("inf"):
            break
    ranked = sorted(scores, key=lambda inner: scores[inner])
    for other_base, other_legs in choices:
        if other_legs != legs and not slow(trials):
            for inner in ranked[:3]:
                if not trials.late:
                    consider(other_base, other_legs, inner)
    fitting = [(layout, a) for layout, a in everything if within(layout, budget)]
    if not fitting:
        raise infeasible(trials, args, [layout for layout, _ in everything], budget)
    layout = cheapest([x for x, _ in fitting])
    chosen = next(a for x, a in fitting if x is layout)
    assert layout is not None
    return Sized(chosen, layout, len(everything))


def slow(trials: Trials) -> bool:
    return trials.settings_seconds > SLOW_SETTINGS_SECONDS * max(trials.settings_calls, 1)


def infeasible(trials: Trials, args: RunArgs, tried: list[Layout], budget: SearchBudget) -> InfeasibleError:
    """Return the error that names the limit which must give way, and by how little: the one whose relaxation alone helps most."""
    relaxations: list[tuple[float, str, str, int | float]] = []
    for name, (flag, used) in LIMITS.items():
        limit = getattr(budget, name)
        if limit is None:
            continue
        others = SearchBudget(**(vars(budget) | {name: None}))
        enough = min((used(x) for x in tried if within(x, others)), default=None)
        if enough is not None:
            relaxations.append((enough / max(limit, 1e-9), name, flag, enough))
    smallest = min(relaxations, default=None)
    if smallest is None:
        limits = ", ".join(f"{k}={v}" for k, v in vars(budget).items() if v is not None and k != "search_seconds")
        return InfeasibleError(
            f"no layout meets the limits {limits} together",
            hint="relax more than one of them",
            code="budget",
            details={"budget": vars(budget)},
        )
    _, name, flag, enough = smallest
    reason = ""
    if name == "max_k":
        what = misfit(trials.settings(args.with_(logrows=20).as_ezkl()), budget.max_k or 0)
        reason = f": {what} do not fit 2^{budget.max_k} rows" if what else ""
    shown = f"{enough:.3g}s" if name == "max_seconds" else f"{ceil(enough / 1e6)}MB" if name == "max_ram" else str(enough)
    return InfeasibleError(
        f"no circuit of this accuracy fits {flag} {_limit(budget, name)}{reason}",
        hint=f"the smallest relaxation is {flag} {shown}",
        code=name.replace("_", "-").replace("seconds", "time"),
        details={"constraint": name, "limit": getattr(budget, name), "needed": enough},
    )


def _limit(budget: SearchBudget, name: str) -> str:
    value = getattr(budget, name)
    return f"{value / 1e6:.0f}MB" if name == "max_ram" else f"{value:g}s" if name == "max_seconds" else str(value)
