"""Scatters at constant places, by gathers from the data and the updates side by side."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

MAX_ELEMENTS = 1 << 20
MAX_LAYERS = 64
REDUCED = {"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}


def scatter(site: Site) -> list[str] | None:
    """Precondition: constant places; without a reduction, one update for each or the last in order."""
    shape, indices = site.shape(site.input(0)), site.constant(site.input(1))
    if shape is None or indices is None or int(np.prod(shape)) > MAX_ELEMENTS:
        return None
    places = np.arange(int(np.prod(shape))).reshape(shape)
    if site.op == "ScatterND":
        limits = np.asarray(shape[: indices.shape[-1]])
        at = tuple(np.moveaxis(np.where(indices < 0, indices + limits, indices), -1, 0))
        targets = places[at].reshape(-1)
    else:
        axis = site.attribute("axis", 0) % len(shape)
        grid = list(np.indices(indices.shape))
        grid[axis] = np.where(indices < 0, indices + shape[axis], indices)
        targets = places[tuple(grid)].reshape(-1)
    reduction = REDUCED.get(site.attribute("reduction", "none"))
    data, updates = site.reshape(site.input(0), [-1]), site.reshape(site.input(2), [-1])
    size = places.size
    if reduction is None:
        source = np.arange(size)
        source[targets] = size + np.arange(targets.size)
        both = site.concat([data, updates], 0)
        return [site.reshape(site.op_("Gather", both, site.ints(source, "places"), axis=0), shape)]
    layers = layered(targets)
    if len(layers) > MAX_LAYERS:
        return None
    value = data
    for layer in layers:
        chosen = targets[layer]
        if reduction in ("Add", "Mul"):
            neutral = site.like([0 if reduction == "Add" else 1], site.input(0), "neutral")
            source = np.full(size, targets.size)
            source[chosen] = layer
            part = site.op_("Gather", site.concat([updates, neutral], 0), site.ints(source, "places"), axis=0)
        else:
            source = np.arange(size)
            source[chosen] = size + layer
            part = site.op_("Gather", site.concat([value, updates], 0), site.ints(source, "places"), axis=0)
        value = site.op_(reduction, value, part)
    return [site.reshape(value, shape)]


def layered(targets: np.ndarray) -> list[np.ndarray]:
    """Return the updates in layers in each of which no place occurs twice, in order."""
    seen: dict[int, int] = {}
    layers: list[list[int]] = []
    for i, target in enumerate(targets.tolist()):
        depth = seen.get(target, 0)
        seen[target] = depth + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(i)
    return [np.asarray(layer) for layer in layers]


RULE = Rule(
    "scatter",
    frozenset({"Scatter", "ScatterElements", "ScatterND"}),
    "with known places each element of the result is one of the data's or of the updates, or their reduction in order",
    scatter,
)
