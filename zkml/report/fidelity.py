"""A fidelity report as tables for a console, and as a plot where matplotlib is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from zkml.errors import EnvironmentFault
from zkml.settings.fidelity import Fidelity
from zkml.settings.run_args import RunArgs

MAX_ROWS = 12


def draw_fidelity(console: Console, fidelity: Fidelity, args: RunArgs) -> None:
    """Print what was chosen and why, what it reaches, and where its error arises."""
    bar, layout = fidelity.bar, fidelity.layout
    relation = "at least" if bar["higher_is_better"] else "at most"
    console.print(
        f"{bar['metric']} {fidelity.metric_integer:.6g} in integers, {fidelity.metric_float:.6g} in floats; "
        f"wanted {relation} {bar['limit']:.6g}"
    )
    console.print(
        f"scales {args.input_scale} (inputs), {args.param_scale} (parameters), rebase multiplier {args.scale_rebase_multiplier}; "
        f"{args.decomp_legs} digits of base {args.decomp_base}; lookups {args.lookup_range[0]} to {args.lookup_range[1]}"
    )
    console.print(
        f"k={layout['k']}, {layout['blocks']} blocks of 3 x {layout['num_inner_cols']} columns, degree {layout['degree']}; "
        f"about {layout['estimated_seconds']:.3g} s to prove, {layout['estimated_ram'] / 1e6:.0f} MB"
    )
    if fidelity.metric_proved is not None:
        console.print(
            f"{bar['metric']} {fidelity.metric_proved:.6g} at the worst that a proof can say, within its rounding slack"
        )
    outputs = Table("output", "max error", "slack", "mean error", "range", "top-1 agreement", "scale", title="outputs")
    for o in fidelity.outputs:
        slack = "" if o.slack is None else f"±{o.slack:.4g}"
        figures = (f"{o.mean_abs:.4g}", f"{o.range:.4g}", f"{o.agreement:.4f}", str(o.scale))
        outputs.add_row(o.name, f"{o.max_abs:.4g}", slack, *figures)
    console.print(outputs)
    front = [t for t in fidelity.tried if t.seconds is not None]
    tried = Table("scales", "multiplier", bar["metric"], "seconds", "k", "Pareto", title="cheapest candidates tried")
    for t in sorted(front, key=lambda t: t.seconds or 0.0)[:MAX_ROWS]:
        tried.add_row(
            f"{t.input_scale}, {t.param_scale}",
            str(t.scale_rebase_multiplier),
            f"{t.metric:.5g}",
            f"{t.seconds:.3g}",
            str(t.k),
            "yes" if t.pareto else "",
        )
    console.print(tried)
    if fidelity.nodes:
        nodes = Table("node", "operator", "max error", "introduced here", "range", title="where the error arises (largest first)")
        ranked = sorted(fidelity.nodes, key=lambda n: -(n.introduced or 0.0) / (n.range or 1.0))
        for n in ranked[:MAX_ROWS]:
            own = "" if n.introduced is None else f"{n.introduced:.4g}"
            nodes.add_row(n.node, n.operator, f"{n.max_abs:.4g}", own, f"{n.range:.4g}")
        console.print(nodes)
    console.print(f"checked by: {', '.join(fidelity.validated)}")
    for note in fidelity.notes:
        console.print(note, markup=False)


def plot_fidelity(path: Path, fidelity: Fidelity) -> None:
    """Write a PNG: cost against loss of all candidates with the Pareto front, and the error along the network.

    Raises `EnvironmentFault` without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as e:
        raise EnvironmentFault("plots need matplotlib", hint="pip install 'zkml[plots]'", code="matplotlib") from e
    figure: Any = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    bar = fidelity.bar
    costed = [(t.seconds, t.metric, t.pareto) for t in fidelity.tried if t.seconds is not None and t.metric is not None]
    left.scatter([c for c, _, _ in costed], [m for _, m, _ in costed], color="#8aa", label="tried")
    front = sorted((c, m) for c, m, on in costed if on)
    left.plot([c for c, _ in front], [m for _, m in front], "o-", color="#c33", label="Pareto front")
    left.axhline(bar["limit"], ls=":", color="k", label="bar")
    left.set_xscale("log")
    left.set_xlabel("estimated seconds to prove")
    left.set_ylabel(bar["metric"])
    left.legend()
    nodes = list(fidelity.nodes)
    ticks = range(len(nodes))
    right.plot(ticks, [n.max_abs for n in nodes], "o-", label="max error")
    right.plot(ticks, [float("nan") if n.introduced is None else n.introduced for n in nodes], "x--", label="introduced here")
    right.set_xticks(list(ticks), [n.node[-24:] for n in nodes], rotation=60, ha="right", fontsize=7)
    right.set_ylabel("error on one sample")
    right.legend()
    figure.savefig(path, format="png", dpi=130)
