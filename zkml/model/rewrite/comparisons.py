"""`Equal` as a number, `Max` and `Min` of many shapes, the last of equal extremes, and what never is in a circuit."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def equal(site: Site) -> list[str] | None:
    """Precondition: something but a choice reads the result; EZKL gives it at the scale of the operands."""
    if not site.is_output(0) and all(n.op_type == "Where" and n.input[0] == site.node.output[0] for n in site.readers(0)):
        return None
    a, b = site.input(0), site.input(1)
    if site.dtype(a) == "bool":
        return [site.op_("Not", site.op_("Xor", a, b))]
    if not site.dtype(a):
        return None
    return [site.op_("And", site.op_("LessOrEqual", a, b), site.op_("GreaterOrEqual", a, b))]


def extreme(site: Site) -> list[str] | None:
    """Precondition: not two values of one shape, which EZKL takes; the shape of the result is known."""
    inputs, shape = list(site.node.input), site.shape(site.node.output[0])
    if shape is None:
        return None
    if len(inputs) == 1:
        return [inputs[0]]
    if len(inputs) == 2 and all(site.shape(i) == shape and not site.is_constant(i) for i in inputs):
        return None
    wide = [broadcast(site, i, shape) for i in inputs]
    if len(inputs) == 2 and wide == inputs:
        return None
    value = wide[0]
    for other in wide[1:]:
        value = site.op_(site.op, value, other)
    return [value]


def broadcast(site: Site, name: str, shape: tuple[int, ...]) -> str:
    """Return a value in a shape that it broadcasts to."""
    constant = site.constant(name)
    if site.shape(name) == shape:
        return name
    if constant is not None:
        return site.const(np.broadcast_to(constant, shape), "wide")
    return site.expand(name, shape)


def last_extreme(site: Site) -> list[str] | None:
    """Precondition: the shape is known and the last of equal ones is asked for."""
    shape = site.shape(site.input(0))
    if shape is None or not site.attribute("select_last_index", 0):
        return None
    axis = site.attribute("axis", 0) % len(shape)
    backwards = site.gather(site.input(0), np.arange(shape[axis])[::-1], axis)
    found = site.op_(site.op, backwards, axis=axis, keepdims=site.attribute("keepdims", 1))
    return [site.sub(site.const(np.asarray(shape[axis] - 1, dtype=np.int64), "last"), found)]


def never(site: Site) -> list[str] | None:
    """Precondition: the shape is known."""
    shape = site.shape(site.input(0))
    return None if shape is None else [site.const(np.zeros(shape, dtype=np.bool_), "false")]


RULES = (
    Rule("equal", frozenset({"Equal"}), "a = b where a ≤ b and a ≥ b", equal),
    Rule("extreme", frozenset({"Max", "Min"}), "broadcasting first and taking them two by two changes no extreme", extreme),
    Rule(
        "last-extreme",
        frozenset({"ArgMax", "ArgMin"}),
        "the last of equal ones is the first from behind: n − 1 less its place there",
        last_extreme,
    ),
    Rule("never", frozenset({"IsNaN", "IsInf"}), "inputs and weights are finite, and fixed-point numbers have neither", never),
)
