"""How a step says no. Only `verify.py` turns these into a `Verdict`."""

from __future__ import annotations


class Malformed(Exception):
    """The proof does not parse: `where` names the field or bytes."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class Rejected(Exception):
    """The proof parses and does not hold: `step` is the number in docs/verifier.md."""

    def __init__(self, step: int, problem: str) -> None:
        super().__init__(problem)
        self.step = step
        self.problem = problem
