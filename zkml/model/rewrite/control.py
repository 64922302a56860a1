"""Branches and loops without a decision left to make: a chosen branch, a body written out once for each round."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_ROUNDS = 128
MAX_NODES = 20_000


def branch(site: Site) -> list[str] | None:
    """Precondition: the condition is a constant."""
    condition = site.constant(site.input(0))
    if condition is None or condition.size != 1:
        return None
    return site.inline(site.attribute("then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"), {})


def both(site: Site) -> list[str] | None:
    """Precondition: the condition depends on the data, and both branches give tensors of the same known shapes."""
    shapes = [site.shape(o) for o in site.node.output]
    chosen, other = site.attribute("then_branch"), site.attribute("else_branch")
    for graph in (chosen, other):
        for value, shape in zip(graph.output, shapes, strict=True):
            kind = value.type.tensor_type
            dims = tuple(d.dim_value for d in kind.shape.dim) if kind.HasField("shape") else None
            if shape is None or dims != shape:
                return None
    a, b = site.inline(chosen, {}), site.inline(other, {})
    return [site.where(site.input(0), x, y) for x, y in zip(a, b, strict=True)]


def loop(site: Site) -> list[str] | None:
    """Precondition: the number of rounds is a constant, small, and the body never asks to stop."""
    body: onnx.GraphProto = site.attribute("body")
    rounds = site.constant(site.input(0))
    start = site.constant(site.input(1)) if site.input(1) else None
    if rounds is None or (site.input(1) and (start is None or not bool(start.reshape(-1)[0]))):
        return None
    count = int(rounds.reshape(-1)[0])
    if not 0 < count <= MAX_ROUNDS or count * len(body.node) > MAX_NODES or not _goes_on(body):
        return None
    carried = list(site.node.input)[2:]
    width = len(carried)
    scanned: list[list[str]] = [[] for _ in range(len(body.output) - 1 - width)]
    proceed = site.const(np.asarray(True), "go-on")
    for i in range(count):
        bound = {body.input[0].name: site.const(np.asarray(i, dtype=np.int64), "round"), body.input[1].name: proceed}
        bound |= {v.name: name for v, name in zip(body.input[2:], carried, strict=True)}
        made = site.inline(body, bound)[1:]
        carried = made[:width]
        for rows, value in zip(scanned, made[width:], strict=True):
            rows.append(site.unsqueeze(value, [0]))
    return [*carried, *(site.concat(rows, 0) for rows in scanned)]


def scan(site: Site) -> list[str] | None:
    """Precondition: the scanned axes have known, small lengths."""
    body: onnx.GraphProto = site.attribute("body")
    inputs = list(site.node.input)
    scans = int(site.attribute("num_scan_inputs"))
    states, sequences = inputs[: len(inputs) - scans], inputs[len(inputs) - scans :]
    outs = len(body.output) - len(states)
    in_axes = site.attribute("scan_input_axes", [0] * scans)
    in_back = site.attribute("scan_input_directions", [0] * scans)
    out_axes = site.attribute("scan_output_axes", [0] * outs)
    out_back = site.attribute("scan_output_directions", [0] * outs)
    shapes = [site.shape(s) for s in sequences]
    if not sequences or any(s is None for s in shapes):
        return None
    axes = [a % len(s or ()) for a, s in zip(in_axes, shapes, strict=True)]
    lengths = {(s or ())[a] for a, s in zip(axes, shapes, strict=True)}
    count = lengths.pop()
    if lengths or count > MAX_ROUNDS or count * len(body.node) > MAX_NODES:
        return None
    scanned: list[list[str]] = [[] for _ in range(outs)]
    for i in range(count):
        bound = {v.name: name for v, name in zip(body.input, states, strict=False)}
        for v, name, axis, back in zip(body.input[len(states) :], sequences, axes, in_back, strict=True):
            at = count - 1 - i if back else i
            bound[v.name] = site.squeeze(site.slice(name, axis, at, at + 1), [axis])
        made = site.inline(body, bound)
        states = made[: len(states)]
        for rows, value, axis in zip(scanned, made[len(states) :], out_axes, strict=True):
            rows.append(site.unsqueeze(value, [axis]))
    return [
        *states,
        *(site.concat(rows[::-1] if back else rows, axis) for rows, axis, back in zip(scanned, out_axes, out_back, strict=True)),
    ]


def _goes_on(body: onnx.GraphProto) -> bool:
    """Return whether a loop's body hands on the condition it was given, or a constant true."""
    makers = {o: n for n in body.node for o in n.output}
    name = body.output[0].name
    while name in makers and makers[name].op_type == "Identity":
        name = makers[name].input[0]
    if name == body.input[1].name:
        return True
    tensor = next((t for t in body.initializer if t.name == name), None)
    if tensor is None and name in makers and makers[name].op_type == "Constant":
        tensor = next((a.t for a in makers[name].attribute if a.name == "value"), None)
    return tensor is not None and bool(numpy_helper.to_array(tensor).all())


RULES = (
    Rule("branch", frozenset({"If"}), "the condition is a constant: only one branch ever runs", branch),
    Rule(
        "both-branches",
        frozenset({"If"}),
        "branches have no effects: both are computed and the condition selects",
        both,
    ),
    Rule("unrolled-loop", frozenset({"Loop"}), "a loop of a constant number of rounds is its body that often", loop),
    Rule("unrolled-scan", frozenset({"Scan"}), "a scan over an axis of known length is its body that often", scan),
)
