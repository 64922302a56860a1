"""Rounding slack: how far an accepted output may lie from the honest one, propagated through the graph.

`docs/audit.md` derives the rules. They suppose that no finding is unsound, that an honest witness exists, and that inputs and
parameters are the same in both runs.
"""

from __future__ import annotations

import math

import numpy as np

from zkml.circuit.audit import slack_linear as linear
from zkml.circuit.audit import slack_nonlinear as nonlinear
from zkml.circuit.audit.bounds import (
    Array,
    Bound,
    Shape,
    add,
    constant,
    divide,
    free,
    kept,
    lost,
    multiply,
    negate,
    scale,
    settled,
)
from zkml.circuit.audit.report import OutputSlack
from zkml.circuit.audit.slack_nonlinear import Limits
from zkml.circuit.audit.slack_rearrange import rearrange
from zkml.circuit.audit.subject import Subject
from zkml.circuit.graph import Node, Op, Slot, rebase_op

MAX_ELEMENTS = 1 << 24
Domain = tuple[int, int]


def output_slack(
    subject: Subject, domains: tuple[Domain, ...] | None = None, table: Domain | None = None
) -> tuple[OutputSlack, ...]:
    """Return the slack of each output of the circuit; `table` as in `propagate`."""
    bounds, lost_at = propagate(subject, domains, table)
    result = []
    for i, slot in enumerate(subject.model.outputs):
        node = subject.model.nodes[slot[0]]
        bound = bounds[slot]
        worst = float(bound.err.max()) if bound.err.size else 0.0
        known = np.isfinite(worst)
        result.append(
            OutputSlack(
                output=i,
                node=str(node),
                shape=node.shapes[slot[1]],
                scale=node.scales[slot[1]],
                units=int(worst) if known else None,
                lost_at=None if known else lost_at[slot[0]],
            )
        )
    return tuple(result)


def propagate(
    subject: Subject, domains: tuple[Domain, ...] | None = None, table: Domain | None = None
) -> tuple[dict[Slot, Bound], dict[int, str]]:
    """Return the bound of every result, and for nodes without a finite one the node that lost it.

    `table` is the range of lookup tables when it is to be another than the circuit's."""
    limits = _limits(subject, table)
    bounds: dict[Slot, Bound] = {}
    lost_at: dict[int, str] = {}
    last = _last_readers(subject)
    for index, node in subject.model.nodes.items():
        sources = [bounds[slot] for slot in node.inputs]
        results = _node(subject, node, sources, limits, domains)
        results = tuple(_useful(b, limits) for b in results)
        if any(np.isinf(b.err).any() for b in results):
            blamed = [lost_at[source] for source, _ in node.inputs if source in lost_at]
            lost_at[index] = blamed[0] if blamed else str(node)
        for slot, bound in enumerate(results):
            bounds[index, slot] = bound
        for read in node.inputs:
            if last[read] == index:
                bounds.pop(read, None)
    return bounds, lost_at


def _last_readers(subject: Subject) -> dict[Slot, int]:
    """Return for each result the last node that reads it, so that large tensors are let go; outputs are kept."""
    last = {slot: index for index, node in subject.model.nodes.items() for slot in node.inputs}
    return last | dict.fromkeys(subject.model.outputs, -1)


def _useful(bound: Bound, limits: Limits) -> Bound:
    """A difference as wide as everything that the digits can hold says nothing."""
    return Bound(bound.lo, bound.hi, np.where(bound.err >= limits.largest, np.inf, bound.err))


def _limits(subject: Subject, table: Domain | None) -> Limits:
    low, high = table or (int(end) for end in subject.run_args["lookup_range"])
    capacity = subject.table_rows
    columns = abs(high - low) // capacity + 1
    return Limits(float(subject.largest_value), low, low + columns * capacity - 1)


def _node(
    subject: Subject, node: Node, sources: list[Bound], limits: Limits, domains: tuple[Domain, ...] | None
) -> tuple[Bound, ...]:
    if node.body is not None or any(math.prod(shape) > MAX_ELEMENTS for shape in node.shapes):
        return tuple(lost(shape if math.prod(shape) <= MAX_ELEMENTS else (1,)) for shape in node.shapes)
    if node.op.name == "Input":
        return (_input(subject, node, limits, domains),)
    if node.op.name == "Constant":
        values = subject.graph.constant(node)
        return (free(node.shape, -np.inf, np.inf) if values is None else constant(values),)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            result = apply(node.op, sources, node.shape, limits)
            if result.shape != node.shape:
                result = result.map(lambda x: x.reshape(node.shape))
            return (settled(result.lo, result.hi, result.err),)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
        # Shapes that do not fit the operator: EZKL reads it in a way that we do not know, so nothing is known of the result.
        return (lost(node.shape),)


def _input(subject: Subject, node: Node, limits: Limits, domains: tuple[Domain, ...] | None) -> Bound:
    if domains is not None:
        low, high = domains[subject.model.inputs.index(node.index)]
        return free(node.shape, float(low), float(high))
    if node.op.fields["datum_type"] == "Bool":
        return free(node.shape, 0.0, 1.0)
    visibility = subject.model.input_visibility
    ranged = node.op.fields["decomp"] and not visibility.is_processed and visibility.kind != "fixed"
    reach = limits.largest if ranged else np.inf
    return free(node.shape, -reach, reach)


def _aligned(inputs: list[Bound], shape: Shape) -> list[Bound]:
    """Return operands of an element-wise operator in one shape."""
    try:
        common = np.broadcast_shapes(*(x.shape for x in inputs))
        return [x.map(lambda part: np.broadcast_to(part, common)) for x in inputs]
    except ValueError:
        return [x.widest(shape) for x in inputs]


def apply(op: Op, inputs: list[Bound], shape: Shape, limits: Limits) -> Bound:
    """Return the bound of one operator's result."""
    if op.name == "RebaseScale" and op.inner is not None:
        return apply(rebase_op(op), [apply(op.inner, inputs, shape, limits)], shape, limits)
    if op.name == "Rescaled" and op.inner is not None:
        factors = dict(op.fields["scale"])
        scaled = [scale(x, float(factors.get(i, 1))) for i, x in enumerate(inputs)]
        return apply(op.inner, scaled, shape, limits)
    if op.family == "lookup":
        return nonlinear.lookup(op, inputs[0], limits)
    rearranged = rearrange(op, inputs, shape)
    if rearranged is not None:
        return rearranged
    fields = op.fields
    match op.name:
        case "Add":
            return add(*_aligned(inputs, shape))
        case "Sub":
            a, b = _aligned(inputs, shape)
            return add(a, negate(b))
        case "Neg":
            return negate(inputs[0])
        case "Mult":
            return multiply(*_aligned(inputs, shape))
        case "Pow":
            return _power(inputs[0], int(fields["exponent"]))
        case "Einsum":
            return linear.einsum(op, inputs, shape)
        case "Conv":
            return linear.conv(op, inputs, shape)
        case "Sum":
            return linear.total(inputs[0], fields["axes"])
        case "Prod":
            return linear.product(inputs[0], fields["axes"], shape)
        case "MeanOfSquares":
            count = math.prod(inputs[0].shape[axis] for axis in fields["axes"])
            return divide(linear.total(_power(inputs[0], 2), fields["axes"]), count, limits.largest)
        case "SumPool":
            sums = linear.sum_pool(op, inputs[0], shape)
            return divide(sums, math.prod(fields["kernel_shape"]), limits.largest) if fields["normalized"] else sums
        case "MaxPool":
            return linear.max_pool(op, inputs[0], shape)
        case "Div":
            return _division(float(fields["denom"]), inputs[0], limits)
        case "LeakyReLU":
            return nonlinear.leaky_relu(op, inputs[0])
        case "Abs":
            return nonlinear.absolute(inputs[0])
        case "Sign":
            return nonlinear.sign(inputs[0])
        case "ReduceMax" | "ReduceMin":
            f = np.max if op.name == "ReduceMax" else np.min
            axes, a = tuple(fields["axes"]), inputs[0]
            return Bound(f(a.lo, axes, keepdims=True), f(a.hi, axes, keepdims=True), a.err.max(axes, keepdims=True))
        case "Max" | "Min":
            g = np.maximum if op.name == "Max" else np.minimum
            a, b = _aligned(inputs, shape)
            return Bound(g(a.lo, b.lo), g(a.hi, b.hi), np.maximum(a.err, b.err))
        case "ReduceArgMax" | "ReduceArgMin":
            # Among equals any index passes, and near equals may change places.
            last = float(inputs[0].shape[fields["dim"]] - 1)
            return Bound(np.zeros(shape), np.full(shape, last), np.full(shape, last))
        case "TopK":
            return _top_k(op, inputs[0])
        case "OneHot":
            flips = float(inputs[0].err.max() > 0) if inputs[0].err.size else 0.0
            return Bound(np.zeros(shape), np.ones(shape), np.full(shape, flips))
        case "Greater" | "GreaterEqual" | "Less" | "LessEqual" | "Equals":
            a, b = _aligned(inputs, shape)
            return nonlinear.compare(op.name, a, b)
        case "Not" | "And" | "Or" | "Xor":
            return nonlinear.logic(_aligned(inputs, shape))
        case "Iff":
            mask, a, b = _aligned(inputs, shape)
            return nonlinear.iff(mask, a, b)
        case "Floor" | "Ceil" | "RoundHalfToEven":
            return nonlinear.step(inputs[0], float(fields["scale"]))
        case "Recip":
            return nonlinear.recip(
                inputs[0], float(fields["input_scale"]), float(fields["output_scale"]), float(fields["eps"]), limits
            )
        case "Sqrt":
            return nonlinear.sqrt(inputs[0], float(fields["scale"]))
        case "Rsqrt":
            scale_in = float(fields["input_scale"])
            root = nonlinear.sqrt(inputs[0], scale_in)
            return nonlinear.recip(root, scale_in, float(fields["output_scale"]), float(fields["eps"]), limits)
        case "Softmax":
            return nonlinear.softmax(op, inputs[0], shape, limits)
    return lost(shape)


def _division(denominator: float, a: Bound, limits: Limits) -> Bound:
    """A whole divisor is checked by a remainder, another by a table of quotients, which fixes its value."""
    if denominator.is_integer() and denominator >= 1:
        return divide(a, int(denominator), limits.largest)
    if denominator <= 0:
        return lost(a.shape)
    err = np.where(a.err == 0, 0.0, np.floor(a.err / denominator + 1))
    return kept(Bound(np.floor(a.lo / denominator), np.ceil(a.hi / denominator), err), limits.largest)


def _power(a: Bound, exponent: int) -> Bound:
    """|a'^n − a^n| ≤ n·max(|a|, |a'|)^(n−1)·|a' − a|."""
    if exponent == 0:
        return constant(np.ones(a.shape))
    magnitude = a.magnitude
    err = np.where(a.err == 0, 0.0, exponent * magnitude ** (exponent - 1) * a.err)
    if exponent % 2:
        return settled(a.lo**exponent, a.hi**exponent, err)
    return settled(nonlinear.absolute(a).lo ** exponent, magnitude**exponent, err)


def _top_k(op: Op, a: Bound) -> Bound:
    """The k-th largest moves by no more than the element that moves most."""
    dim, k = int(op.fields["dim"]), int(op.fields["k"])
    direction = -1 if op.fields["largest"] else 1

    def ordered(x: Array) -> Array:
        return np.take(direction * np.sort(direction * x, axis=dim), range(k), axis=dim)

    err = np.broadcast_to(a.err.max(dim, keepdims=True), a.shape)
    return Bound(ordered(a.lo), ordered(a.hi), np.take(err, range(k), axis=dim))
