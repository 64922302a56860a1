"""Turn a trained ONNX model into a zero-knowledge circuit, prove its inferences, and let anyone check them.

The flow as functions, one for each stage; each does what a command does:

    compiled = zkml.compile("model.onnx", samples={"x": x_test}, labels=y_test)
    keys = zkml.setup(compiled.bundle, zkml.Srs.open("k17.srs"))
    proved = zkml.prove(compiled.bundle, {"x": x}, srs=keys.srs)
    verdict = zkml.verify(compiled.bundle)

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zkml.api import check, compile, make_witness, prove, setup, verify
    from zkml.bundle import Bundle
    from zkml.errors import ZkmlError
    from zkml.estimate import Budget
    from zkml.keys.srs import Srs
    from zkml.settings import RunArgs
    from zkml.verdict import Verdict
    from zkml.verifier.policy import Policy

PUBLIC = {
    "Budget": "zkml.estimate",
    "Bundle": "zkml.bundle",
    "Policy": "zkml.verifier.policy",
    "RunArgs": "zkml.settings",
    "Srs": "zkml.keys.srs",
    "Verdict": "zkml.verdict",
    "ZkmlError": "zkml.errors",
    "check": "zkml.api",
    "compile": "zkml.api",
    "make_witness": "zkml.api",
    "prove": "zkml.api",
    "setup": "zkml.api",
    "verify": "zkml.api",
}

__all__ = [
    "Budget",
    "Bundle",
    "Policy",
    "RunArgs",
    "Srs",
    "Verdict",
    "ZkmlError",
    "check",
    "compile",
    "make_witness",
    "prove",
    "setup",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'zkml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *PUBLIC]
