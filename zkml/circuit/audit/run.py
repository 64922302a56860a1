"""All checks over one circuit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

from zkml.circuit.audit import binding, linkage, privacy, tables
from zkml.circuit.audit.report import SEVERITIES, AuditReport, Finding, OutputSlack
from zkml.circuit.audit.slack import output_slack
from zkml.circuit.audit.subject import Subject
from zkml.circuit.graph import Graph
from zkml.errors import MalformedArtifact, UsageError
from zkml.settings import read_settings

Domain = tuple[int, int]


def audit(graph: Graph, settings: Mapping[str, Any] | None = None, *, domains: Sequence[Domain] | None = None) -> AuditReport:
    """Return what is wrong with a circuit, and the rounding slack of its outputs.

    `settings` is the `settings.json` that goes with it; the audit then also checks that it agrees with the settings inside
    the circuit. `domains` narrows the slack: for each graph input the lowest and highest integer that it takes (inclusive, at
    its scale), which whoever relies on the bound must enforce on public inputs. Raises `UsageError` for domains that do not
    fit the inputs, `MalformedArtifact` for settings that lack a field, and
    for numbers that no circuit has.
    """
    inputs = len(graph.model.inputs)
    if domains is not None and (len(domains) != inputs or any(low > high for low, high in domains)):
        raise UsageError(f"the circuit has {inputs} inputs, each needs a domain (low, high)", code="domains")
    subject = Subject(graph, settings)
    given = None if domains is None else tuple(domains)
    try:
        findings = list(_findings(subject, given))
        slack = output_slack(subject, given)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as e:
        # The decoder has checked types and lengths, not that shapes and numbers make sense together.
        raise MalformedArtifact(f"the circuit or its settings contradict themselves: {e}", code="settings") from e
    findings += _rounding(slack)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return AuditReport(tuple(findings), slack)


def audit_files(circuit: Path, settings: Path | None = None, *, domains: Sequence[Domain] | None = None) -> AuditReport:
    """Return the audit of EZKL's files. Raises `MalformedArtifact`."""
    beside = None if settings is None else read_settings(settings)
    return audit(Graph.open(circuit), beside, domains=domains)


def slack_of(
    circuit: Path, ranges: Sequence[tuple[float, float]], table: tuple[int, int] | None = None
) -> tuple[float | None, ...]:
    """Return the slack of each output of a compiled circuit in the model's own numbers, None where it has no bound.

    `ranges` are the least and largest value of each input, `table` the range of lookup tables when it is to be another than the
    circuit's (one made for trials holds tables of any reach). Raises `MalformedArtifact`.
    """
    subject = Subject(Graph.open(circuit), None)
    domains = []
    for (low, high), index in zip(ranges, subject.model.inputs, strict=True):
        unit = 2.0 ** subject.model.nodes[index].scales[0]
        domains.append((floor(low * unit), ceil(high * unit)))
    try:
        slack = output_slack(subject, tuple(domains), table)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as e:
        raise MalformedArtifact(f"the circuit contradicts itself: {e}", code="settings") from e
    return tuple(s.value for s in slack)


def _findings(subject: Subject, domains: tuple[Domain, ...] | None) -> Iterator[Finding]:
    yield from tables.agreement(subject)
    yield from linkage.freivalds(subject)
    yield from linkage.operators(subject)
    yield from binding.parameters(subject)
    yield from binding.inputs(subject)
    yield from binding.hashes(subject)
    yield from binding.outputs(subject)
    yield from privacy.privacy(subject, domains)
    yield from tables.tables(subject)


def _rounding(slack: tuple[OutputSlack, ...]) -> Iterator[Finding]:
    loose = [s for s in slack if s.units != 0]
    if loose:
        yield Finding(
            code="rounding-slack",
            severity="slack",
            nodes=tuple(s.node for s in loose),
            forger="move these outputs by as many units as the bound says: a division is checked only up to one unit, and "
            "later layers carry that on",
            remedy="state outputs with their slack; use the native layout where the integer itself matters",
            details={"units": [s.units for s in loose]},
        )
