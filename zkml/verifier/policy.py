"""What the caller is willing to believe beyond the mathematics: who ran the ceremony, who looked at the circuit.

Rules in order, the first that forbids is named: `unsafe-srs`, `unaudited`, `finding:CODE`. They are applied only to a proof that
holds, so a refusal never hides a rejection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from zkml.protocol.points import VerifierPoints
from zkml.protocol.protocol import Protocol

Severity = Literal["unsound", "slack", "privacy"]


@dataclass(frozen=True)
class Finding:
    """One defect of a circuit.

    *unsound*: a false statement can be proved; *slack*: outputs are fixed up to a bound; *privacy*: something leaks.
    """

    code: str
    severity: Severity


@dataclass(frozen=True)
class Audit:
    """The findings on one circuit, vouched for by the caller: recomputed here, or signed by a key that he trusts.

    The `audit` inside a Protocol is a claim of whoever wrote the file and is never taken for this.
    """

    circuit_id: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Policy:
    """`trusted_srs`: digests of [τ]₂ (`VerifierPoints.digest`), or a function that knows the ceremonies."""

    allow_unsafe_srs: bool = False
    trusted_srs: frozenset[str] | Callable[[VerifierPoints], bool] = frozenset()
    allow_unaudited: bool = False
    allow_findings: frozenset[str] = frozenset()

    def trusts(self, points: VerifierPoints) -> bool:
        if callable(self.trusted_srs):
            return self.trusted_srs(points)
        return points.digest in self.trusted_srs

    def refusal(self, protocol: Protocol, audit: Audit | None) -> tuple[str, str] | None:
        """Return the rule that forbids a proof of this circuit, and why; None when none does."""
        if not self.allow_unsafe_srs and not self.trusts(protocol.points):
            return "unsafe-srs", f"nobody trusted vouches for the srs {protocol.points.digest[:16]}"
        if audit is None or audit.circuit_id != protocol.circuit_id:
            if not self.allow_unaudited:
                return "unaudited", "the findings on this circuit were neither recomputed here nor signed"
            return None
        for finding in audit.findings:
            if finding.severity == "unsound" and finding.code not in self.allow_findings:
                return f"finding:{finding.code}", f"the circuit lets a false statement be proved ({finding.code})"
        return None
