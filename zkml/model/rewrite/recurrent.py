"""`LSTM`, `GRU` and `RNN` in any direction and with any outputs, written out step by step.

Gates and equations are those of the ONNX operators' documentation: LSTM gates in the order i, o, f, c; GRU gates z, r, h.
A forward pass of which one output is read, or of one step, from a zero state, without peepholes or lengths, is left to EZKL.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_STEPS = 256
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
SIMPLE = {"Sigmoid", "Tanh", "Relu", "Softplus", "Softsign"}


def recurrent(site: Site) -> list[str] | None:
    """Precondition: constant weights, a known number of steps, activations without parameters, full-length sequences."""
    shape = site.shape(site.input(0))
    direction = site.attribute("direction", "forward")
    if shape is None or _left_to_ezkl(site, direction):
        return None
    layout, hidden = site.attribute("layout", 0), site.attribute("hidden_size")
    batch, steps = (shape[0], shape[1]) if layout else (shape[1], shape[0])
    ways = 2 if direction == "bidirectional" else 1
    weights, recurrence = site.constant(site.input(1)), site.constant(site.input(2))
    bias = site.constant(site.input(3)) if site.input(3) else np.zeros((ways, 2 * GATES[site.op] * (hidden or 0)))
    if weights is None or recurrence is None or bias is None or steps > MAX_STEPS:
        return None
    hidden = recurrence.shape[-1]
    bias = bias if site.input(3) else np.zeros((ways, 2 * GATES[site.op] * hidden))
    lengths = site.constant(site.input(4)) if site.input(4) else np.full(batch, steps)
    if lengths is None or (lengths != steps).any() or site.attribute("clip") is not None:
        return None
    names = site.attribute("activations") or DEFAULTS[site.op] * ways
    if any(n not in SIMPLE for n in names) or len(names) != ways * len(DEFAULTS[site.op]):
        return None
    peepholes = site.constant(site.input(7)) if site.op == "LSTM" and site.input(7) else None
    if site.op == "LSTM" and site.input(7) and peepholes is None:
        return None
    if site.attribute("input_forget", 0):
        return None
    runs = []
    for way in range(ways):
        cell = Cell(
            site,
            weights[way],
            recurrence[way],
            bias[way],
            None if peepholes is None else peepholes[way],
            names[way * len(DEFAULTS[site.op]) :][: len(DEFAULTS[site.op])],
        )
        backwards = direction == "reverse" or way == 1
        states = [_start(site, 5, way, layout, batch, hidden)]
        if site.op == "LSTM":
            states.append(_start(site, 6, way, layout, batch, hidden))
        runs.append(_run(site, cell, states, steps, layout, backwards))
    return _outputs(site, runs, layout)


def _left_to_ezkl(site: Site, direction: str) -> bool:
    starts = [site.constant(site.input(i)) for i in (5, 6) if site.input(i)]
    zero = all(s is not None and not s.any() for s in starts) and not site.input(4) and not site.input(7)
    plain = zero and not site.attribute("layout", 0) and site.attribute("clip") is None
    activations = site.attribute("activations") in (None, DEFAULTS[site.op])
    read = sum(site.is_read(i) for i in range(len(site.node.output)))
    shape = site.shape(site.input(0)) or (0,)
    # After one step sequence and state are one value, which EZKL's layout of a plain graph does not give out twice.
    return direction == "forward" and plain and activations and (read <= 1 or shape[0] == 1)


def _start(site: Site, index: int, way: int, layout: int, batch: int, hidden: int) -> str:
    if not site.input(index):
        return site.like(np.zeros((batch, hidden)), site.input(0), "zero-state")
    axis = 1 if layout else 0
    return site.reshape(site.slice(site.input(index), axis, way, way + 1), [batch, hidden])


class Cell:
    """One direction's weights and its step."""

    def __init__(
        self,
        site: Site,
        weights: np.ndarray,
        recurrence: np.ndarray,
        bias: np.ndarray,
        peepholes: np.ndarray | None,
        activations: list[str],
    ) -> None:
        self.site, self.op = site, site.op
        self.hidden = recurrence.shape[-1]
        gates, x = GATES[site.op], site.input(0)
        self.act: list[Callable[[str], str]] = [self._activation(n) for n in activations]
        first, second = bias[: gates * self.hidden], bias[gates * self.hidden :]
        self.linear_before_reset = bool(site.attribute("linear_before_reset", 0))
        joint = first + second
        self.split_bias: np.ndarray | None = None
        if site.op == "GRU" and self.linear_before_reset:
            joint = joint.copy()
            joint[2 * self.hidden :] = first[2 * self.hidden :]
            self.split_bias = second[2 * self.hidden :]
        self.weights = site.like(weights.T, x, "weights")
        self.bias = site.like(joint, x, "bias")
        self.recurrence = site.like(recurrence.T, x, "recurrence")
        if site.op == "GRU":
            self.gate_recurrence = site.like(recurrence[: 2 * self.hidden].T, x, "gate-recurrence")
            self.new_recurrence = site.like(recurrence[2 * self.hidden :].T, x, "new-recurrence")
            if self.split_bias is not None:
                self.new_bias = site.like(self.split_bias, x, "new-bias")
        self.peepholes = None if peepholes is None else [site.like(p, x, "peephole") for p in peepholes.reshape(3, self.hidden)]
        self.one = site.like(1, x, "one")

    def _activation(self, name: str) -> Callable[[str], str]:
        return lambda value: self.site.op_(name, value)

    def _gate(self, value: str, i: int, count: int = 1) -> str:
        return self.site.slice(value, 1, i * self.hidden, (i + count) * self.hidden)

    def step(self, x: str, states: list[str]) -> list[str]:
        """Return the states, the hidden one first, after one input [batch, size]."""
        s = self.site
        given = s.add(s.op_("MatMul", x, self.weights), self.bias)
        h = states[0]
        if self.op == "RNN":
            return [self.act[0](s.add(given, s.op_("MatMul", h, self.recurrence)))]
        if self.op == "GRU":
            both = s.op_("MatMul", h, self.gate_recurrence)
            z = self.act[0](s.add(self._gate(given, 0), self._gate(both, 0)))
            r = self.act[0](s.add(self._gate(given, 1), self._gate(both, 1)))
            if self.linear_before_reset:
                inner = s.mul(r, s.add(s.op_("MatMul", h, self.new_recurrence), self.new_bias))
            else:
                inner = s.op_("MatMul", s.mul(r, h), self.new_recurrence)
            new = self.act[1](s.add(self._gate(given, 2), inner))
            return [s.add(s.mul(s.sub(self.one, z), new), s.mul(z, h))]
        c = states[1]
        total = s.add(given, s.op_("MatMul", h, self.recurrence))
        i, o, f, g = (self._gate(total, n) for n in range(4))
        if self.peepholes is not None:
            i = s.add(i, s.mul(self.peepholes[0], c))
            f = s.add(f, s.mul(self.peepholes[2], c))
        cell = s.add(s.mul(self.act[0](f), c), s.mul(self.act[0](i), self.act[1](g)))
        if self.peepholes is not None:
            o = s.add(o, s.mul(self.peepholes[1], cell))
        return [s.mul(self.act[0](o), self.act[2](cell)), cell]


def _run(site: Site, cell: Cell, states: list[str], steps: int, layout: int, backwards: bool) -> tuple[list[str], list[str]]:
    """Return the hidden state after each step in the order of time, and the last states."""
    hidden = [""] * steps
    axis = 1 if layout else 0
    for t in range(steps - 1, -1, -1) if backwards else range(steps):
        x = site.squeeze(site.slice(site.input(0), axis, t, t + 1), [axis])
        states = cell.step(x, states)
        hidden[t] = states[0]
    return hidden, states


def _outputs(site: Site, runs: list[tuple[list[str], list[str]]], layout: int) -> list[str]:
    """Return the sequence of all directions, and the last states, in the layout that is asked for."""
    outputs = [""] * 3
    if site.is_read(0):
        steps = []
        for t in range(len(runs[0][0])):
            ways = [site.unsqueeze(hidden[t], [1 if layout else 0]) for hidden, _ in runs]
            joined = site.concat(ways, 1 if layout else 0)
            steps.append(site.unsqueeze(joined, [1 if layout else 0]))
        outputs[0] = site.concat(steps, 1 if layout else 0)
    for index in (1, 2):
        if site.is_read(index):
            axis = 1 if layout else 0
            outputs[index] = site.concat([site.unsqueeze(last[index - 1], [axis]) for _, last in runs], axis)
    return outputs


RULE = Rule(
    "recurrent",
    frozenset({"LSTM", "GRU", "RNN"}),
    "the definition, one step after another; backwards the steps are taken from the last",
    recurrent,
)
