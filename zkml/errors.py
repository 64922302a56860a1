"""The errors that this package raises on purpose, each with a stable code, a remedy, and the exit status of the command line.

The message says what is wrong, in lower case without a full stop; the hint says what to do about it. A subclass is a *kind* of
failure; `code` tells failures of one kind apart and never changes once released.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ZkmlError(Exception):
    """The base of all errors raised on purpose."""

    exit_code: ClassVar[int] = 70
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        node: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.node = node
        self.details = details or {}

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        """Return the error as data, for `--json` and logs."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "node": self.node,
            "details": self.details,
            "exit_code": self.exit_code,
        }


class UsageError(ZkmlError):
    """The command or call contradicts itself."""

    exit_code = 2
    default_code = "usage"


class ModelError(ZkmlError):
    """The model is not valid ONNX, or does what cannot be compiled."""

    exit_code = 3
    default_code = "model"


class SampleError(ZkmlError):
    """Input data do not fit the model: names, shapes, types, values."""

    exit_code = 3
    default_code = "samples"


class CircuitError(ZkmlError):
    """The circuit cannot be made, or is not the circuit it is said to be."""

    exit_code = 3
    default_code = "circuit"


class WitnessError(ZkmlError):
    """This input has no valid witness in this circuit."""

    exit_code = 3
    default_code = "witness"


class MalformedArtifact(ZkmlError):
    """A file or message does not parse, or breaks its format's bounds."""

    exit_code = 3
    default_code = "malformed"


class MismatchedArtifacts(ZkmlError):
    """Two artefacts do not belong together; the message names both."""

    exit_code = 3
    default_code = "mismatch"


class InfeasibleError(ZkmlError):
    """What was asked does not fit the budget of memory, time, rows or accuracy."""

    exit_code = 4
    default_code = "infeasible"


class EnvironmentFault(ZkmlError):
    """The machine lacks something: a compiler, an SRS, a device, disk, memory."""

    exit_code = 5
    default_code = "environment"


class SrsError(EnvironmentFault):
    """The SRS is absent, too small, or not what it claims to be."""

    default_code = "srs"


class NetworkError(ZkmlError):
    """A remote party did not answer, or answered nonsense."""

    exit_code = 6
    default_code = "network"


class ProofRejected(ZkmlError):
    """The proof is well formed and does not hold."""

    exit_code = 1
    default_code = "rejected"


class RefusedByPolicy(ZkmlError):
    """Nothing is wrong with the mathematics; a policy of this caller forbids it."""

    exit_code = 7
    default_code = "policy"


class InternalFault(ZkmlError):
    """Our own fault, or EZKL's: please report it with what it prints."""

    exit_code = 70
    default_code = "internal"
