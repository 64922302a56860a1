"""`fidelity.json`: how closely the circuit follows the model, on which data, and what else was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from zkml.errors import MalformedArtifact

KIND = "zkml.fidelity"
VERSION = 1


@dataclass(frozen=True)
class OutputFidelity:
    """Integer against float values of one output over the evaluated samples; errors in the output's own unit. `slack` is how far
    an accepted proof may move it for inputs within the report's ranges; None where that has no bound or was not asked."""

    name: str
    max_abs: float
    mean_abs: float
    range: float
    agreement: float
    scale: int
    slack: float | None = None


@dataclass(frozen=True)
class Tried:
    """One choice of scales in the search. `metric` is projected from a few samples, None where there was no witness; `proved` is
    the same at the worst within the slack, None where that is not known."""

    input_scale: int
    param_scale: int
    scale_rebase_multiplier: int
    metric: float | None
    max_abs: float | None
    meets: bool
    seconds: float | None
    k: int | None
    pareto: bool
    failure: str | None = None
    proved: float | None = None


@dataclass(frozen=True)
class NodeError:
    """Error at one node's output on one sample: `max_abs` in all, `introduced` by the node itself when it is given the
    circuit's own inputs (None where it cannot be run alone), `range` of the float values."""

    node: str
    operator: str
    output: str
    max_abs: float
    mean_abs: float
    introduced: float | None
    range: float


@dataclass(frozen=True)
class Fidelity:
    """The whole report. `validated` says what the final circuit went through: witness, mock, proof. `metric_proved` is the metric
    at the worst that a proof can say of inputs within `ranges` (least and largest of each input); `slack_counted` whether the bar
    was held against it."""

    bar: Mapping[str, Any]
    metric_float: float
    metric_integer: float
    outputs: tuple[OutputFidelity, ...]
    tried: tuple[Tried, ...]
    nodes: tuple[NodeError, ...]
    layout: Mapping[str, Any]
    samples: int
    evaluated: int
    held_out: int
    held_out_fit: int
    drawn: int
    margin: float
    validated: tuple[str, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    metric_proved: float | None = None
    slack_counted: bool = False
    ranges: tuple[tuple[float, float], ...] = ()
    kind: str = field(default=KIND)
    version: int = field(default=VERSION)

    def summary(self) -> str:
        """Return one line: the metric in integers and floats, and the largest error of an output."""
        worst = max(self.outputs, key=lambda o: o.max_abs, default=None)
        error = f", largest error {worst.max_abs:.3g} of range {worst.range:.3g}" if worst is not None else ""
        metric = self.bar["metric"]
        kept = f"{metric} {self.metric_integer:.4g}"
        if self.bar["higher_is_better"]:
            kept += f" (floats {self.metric_float:.4g})"
        if self.metric_proved is not None:
            kept += f", {self.metric_proved:.4g} at the worst that a proof can say"
        return f"{kept}{error}, on {self.evaluated} samples"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Fidelity:
        """Return the report that `as_dict` gave. Raises `MalformedArtifact`."""
        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise MalformedArtifact("this is not a fidelity report", code="fidelity")
        if data.get("version") != VERSION:
            raise MalformedArtifact(f"fidelity report of version {data.get('version')!r}, expected {VERSION}", code="fidelity")
        try:
            return cls(
                **data
                | {
                    "outputs": tuple(OutputFidelity(**o) for o in data["outputs"]),
                    "tried": tuple(Tried(**t) for t in data["tried"]),
                    "nodes": tuple(NodeError(**n) for n in data["nodes"]),
                    "validated": tuple(data["validated"]),
                    "notes": tuple(data["notes"]),
                    "ranges": tuple((float(low), float(high)) for low, high in data.get("ranges", ())),
                }
            )
        except (KeyError, TypeError, ValueError) as e:
            raise MalformedArtifact(f"the fidelity report lacks or has odd fields: {e}", code="fidelity") from e
