"""What an audit says: findings, rounding slack at the outputs, and both as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from zkml.errors import MalformedArtifact

KIND = "zkml.audit"
VERSION = 1
MAX_ITEMS = 1 << 20

Severity = Literal["unsound", "unbound", "privacy", "slack", "notice"]
"""`unsound`: a false statement is provable. `unbound`: the statement is true, of parameters that nobody can name. `privacy`:
something private can be learnt. `slack`: an output is fixed up to a bound only. `notice`: worth knowing."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Finding:
    """One weakness of a circuit: where it is, what a forger could do with it, and what to do about it.

    `code` never changes once released; `nodes` are EZKL's node numbers with the operator; `details` holds figures.
    """

    code: str
    severity: Severity
    nodes: tuple[str, ...]
    forger: str
    remedy: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "nodes": list(self.nodes),
            "forger": self.forger,
            "remedy": self.remedy,
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class OutputSlack:
    """How far an accepted output may lie from the one that the integer model gives, per element at most.

    `units` counts the integers of the output, which are 2^-`scale` each; None is unbounded, and `lost_at` then names the node
    beyond which no finite bound holds.
    """

    output: int
    node: str
    shape: tuple[int, ...]
    scale: int
    units: int | None
    lost_at: str | None = None

    @property
    def value(self) -> float | None:
        """The bound in the model's own numbers."""
        return None if self.units is None else float(self.units) * 2.0**-self.scale

    def as_dict(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "node": self.node,
            "shape": list(self.shape),
            "scale": self.scale,
            "units": self.units,
            "value": self.value,
            "lost_at": self.lost_at,
        }


@dataclass(frozen=True)
class AuditReport:
    """Findings, the most severe first, and the slack of every output.

    The slack supposes that no finding is `unsound`: those let any output through.
    """

    findings: tuple[Finding, ...]
    slack: tuple[OutputSlack, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings for which compiling and verifying refuse the circuit unless told otherwise."""
        return tuple(finding for finding in self.findings if finding.severity == "unsound")

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(finding.code for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON data, with its kind and format version."""
        return {
            "kind": KIND,
            "version": VERSION,
            "refused": bool(self.refused),
            "findings": [finding.as_dict() for finding in self.findings],
            "slack": [slack.as_dict() for slack in self.slack],
        }

    @classmethod
    def from_dict(cls, value: Any) -> AuditReport:
        """Return the report in JSON data from outside. Raises `MalformedArtifact` naming the field."""
        fields = _map(value, "audit")
        if fields.get("kind") != KIND or fields.get("version") != VERSION:
            raise _malformed("audit", f"is not a {KIND} of version {VERSION}")
        findings = [_finding(v, f"findings[{i}]") for i, v in enumerate(_list(fields.get("findings"), "findings"))]
        slack = [_slack(v, f"slack[{i}]") for i, v in enumerate(_list(fields.get("slack"), "slack"))]
        report = cls(tuple(findings), tuple(slack))
        if fields.get("refused") is not bool(report.refused):
            raise _malformed("refused", "contradicts the findings")
        return report


def _malformed(where: str, what: str) -> MalformedArtifact:
    return MalformedArtifact(f"audit report: {where} {what}", code="audit-report", details={"path": where})


def _map(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(where, "is not a map")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise _malformed(where, "is not a list of tolerable length")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _malformed(where, "is not text")
    return value


def _integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(where, "is not an integer")
    return value


def _finding(value: Any, where: str) -> Finding:
    fields = _map(value, where)
    severity = fields.get("severity")
    if severity not in SEVERITIES:
        raise _malformed(f"{where}.severity", f"is {severity!r}")
    nodes = _list(fields.get("nodes"), f"{where}.nodes")
    return Finding(
        code=_text(fields.get("code"), f"{where}.code"),
        severity=severity,
        nodes=tuple(_text(node, f"{where}.nodes") for node in nodes),
        forger=_text(fields.get("forger"), f"{where}.forger"),
        remedy=_text(fields.get("remedy"), f"{where}.remedy"),
        details=_map(fields.get("details", {}), f"{where}.details"),
    )


def _slack(value: Any, where: str) -> OutputSlack:
    fields = _map(value, where)
    units, lost_at = fields.get("units"), fields.get("lost_at")
    if units is not None and _integer(units, f"{where}.units") < 0:
        raise _malformed(f"{where}.units", "is negative")
    if (units is None) != isinstance(lost_at, str):
        raise _malformed(f"{where}.lost_at", "names a node exactly when there is no bound")
    scale = _integer(fields.get("scale"), f"{where}.scale")
    if abs(scale) > 512:
        raise _malformed(f"{where}.scale", "is absurd")
    return OutputSlack(
        output=_integer(fields.get("output"), f"{where}.output"),
        node=_text(fields.get("node"), f"{where}.node"),
        shape=tuple(_integer(d, f"{where}.shape") for d in _list(fields.get("shape"), f"{where}.shape")),
        scale=scale,
        units=units,
        lost_at=lost_at,
    )
