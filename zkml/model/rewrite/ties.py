"""Decisions between numbers that rounding alone sets apart: a label may then be either, whatever model is asked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import numpy_helper

from zkml.model.model import Model

DECIDING = {"ArgMax", "ArgMin", "Greater"}
"""Operators that labels are decided by. Trees ask `Less` and `LessOrEqual` of features, which are exact."""

NEAR = 2e-6
"""Relative distance below which the order of two sums in 32-bit floats says nothing."""


def deciding_values(model: Model) -> list[str]:
    """Return the names of the values that decisions of a model depend on."""
    return [
        name for node in model.proto.graph.node if node.op_type in DECIDING and not node.domain for name in node.input if name
    ]


def undecided(model: Model, values: Mapping[str, np.ndarray]) -> bool:
    """Return whether a decision of the model is one between numbers that are equal but for rounding."""
    weights = {t.name for t in model.proto.graph.initializer}
    for node in model.proto.graph.node:
        if node.op_type not in DECIDING or node.domain or node.input[0] not in values:
            continue
        first = np.asarray(values[node.input[0]], dtype=np.float64)
        if node.op_type == "Greater":
            if node.input[1] in values:
                second = np.asarray(values[node.input[1]], dtype=np.float64)
            elif node.input[1] in weights:
                second = _weight(model, node.input[1])
            else:
                continue
            gap, size = np.abs(first - second), np.maximum(np.abs(first), np.abs(second))
        else:
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            if first.shape[axis] < 2:
                continue
            ordered = np.sort(first if node.op_type == "ArgMax" else -first, axis=axis)
            top = np.take(ordered, [-1, -2], axis=axis)
            gap, size = np.abs(np.diff(top, axis=axis)), np.abs(top).max(axis=axis, keepdims=True)
        if (gap <= NEAR * np.maximum(size, 1)).any():
            return True
    return False


def _weight(model: Model, name: str) -> np.ndarray:
    tensor = next(t for t in model.proto.graph.initializer if t.name == name)
    return np.asarray(numpy_helper.to_array(tensor), dtype=np.float64)
