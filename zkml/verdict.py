"""What a verifier answers: accepted, rejected, malformed or refused; never a bare yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from zkml.errors import MalformedArtifact, ProofRejected, RefusedByPolicy, ZkmlError

Outcome = Literal["accepted", "rejected", "malformed", "refused"]


@dataclass(frozen=True)
class Verdict:
    """The answer to one proof.

    `step` is the verifier's numbered step that failed (rejected); `where` the field or byte that does not parse (malformed);
    `policy` the rule that forbids it (refused); `reason` one sentence for people. `circuit_id` is 64 hex digits.
    """

    outcome: Outcome
    circuit_id: str | None = None
    step: int | None = None
    where: str | None = None
    policy: str | None = None
    reason: str | None = None

    @property
    def accepted(self) -> bool:
        return self.outcome == "accepted"

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a truth value: compare its outcome, or call raise_for_outcome()")

    def raise_for_outcome(self) -> Verdict:
        """Return self when accepted; else raise `ProofRejected`, `MalformedArtifact` or `RefusedByPolicy`."""
        match self.outcome:
            case "accepted":
                return self
            case "rejected":
                error: type[ZkmlError] = ProofRejected
            case "malformed":
                error = MalformedArtifact
            case "refused":
                error = RefusedByPolicy
        raise error(self.reason or self.outcome, details=self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if v is not None}
