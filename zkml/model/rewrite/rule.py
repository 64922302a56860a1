"""What a rewrite is: which node, when, into what, and why the two are equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zkml.model.rewrite.site import Site


@dataclass(frozen=True)
class Rule:
    """A rewrite of single nodes.

    `replace` is given the node's `Site` and returns the names of the values that take the place of the node's outputs, in order;
    an output that nothing reads may be left empty or out. It returns None when the precondition fails: nothing is changed then,
    whatever it built. `proof` says in a sentence why the replacement computes the same.
    """

    name: str
    ops: frozenset[str]
    proof: str
    replace: Callable[[Site], Sequence[str] | None]
    domain: str = "ai.onnx"


@dataclass(frozen=True)
class Applied:
    """One application of a rule: the node that went, and the nodes that came."""

    rule: str
    node: str
    op: str
    made: tuple[str, ...]
