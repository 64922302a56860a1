"""Tree ensembles as a fixed number of tensor operations, over all trees at once.

The GEMM strategy of Nakandala et al., A Tensor Compiler for Unified Machine Learning Prediction Serving (OSDI 2020),
section 4.1, with three departures: comparisons that several nodes share are made once and gathered; the path
matrices are one batched product, tree by tree, instead of one block-diagonal matrix; and a leaf is recognised with
ReLU instead of `Equal`, whose result EZKL 23.0.5 scales down to 2^-scale without a word when it is cast and used.

For tree t, inner node n and leaf l: d[t, n] = [x[feature] < threshold]; P[t, n, l] is 1 when l lies to the left of n, −1
when it lies to the right, 0 when n is not above l. Σ_n d[t, n]·P[t, n, l] is at most the number of left turns on the path
to l, an integer, and equals it exactly when l is the leaf reached; so ReLU(Σ − turns + 1) is 1 there and 0 elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.graph import Graph

Floats = npt.NDArray[np.float64]
UNREACHABLE = 1.0
"""The left turns that a padding leaf waits for: its column of P is zero, so its sum stays below."""


@dataclass(frozen=True)
class Tree:
    """A binary tree by node: a row goes left when x[feature] < threshold; `left` is −1 at a leaf; `value` (nodes, outputs)."""

    feature: npt.NDArray[np.int64]
    threshold: Floats
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: Floats

    def depth(self, node: int = 0) -> int:
        """Return the number of comparisons on the longest path below a node."""
        if self.left[node] < 0:
            return 0
        return 1 + max(self.depth(int(self.left[node])), self.depth(int(self.right[node])))


def from_sklearn(fitted: Any, grid: int) -> Tree:
    """Return a scikit-learn classification tree over features on the grid 1/`grid`, its leaves as class probabilities.

    x ≤ t holds on the grid exactly when x < (⌊t·grid⌋ + ½)/grid, which no grid point equals.
    """
    tree = fitted.tree_
    probability = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
    return Tree(
        feature=tree.feature.astype(np.int64),
        threshold=(np.floor(tree.threshold * grid) + 0.5) / grid,
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        value=probability,
    )


def from_xgboost(booster: Any, grid: int) -> tuple[list[Tree], float]:
    """Return the trees of a one-output XGBoost model over features on the grid 1/`grid`, and its base score.

    x < t holds on the grid exactly when x < (⌈t·grid⌉ − ½)/grid. Raises `ValueError` for a categorical split.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    trees = []
    for raw in learner["gradient_booster"]["model"]["trees"]:
        if any(raw["split_type"]):
            raise ValueError("a tree splits on categories")
        # In XGBoost's format a leaf keeps its value where an inner node keeps its threshold.
        condition = np.array(raw["split_conditions"], dtype=np.float64)
        trees.append(
            Tree(
                feature=np.array(raw["split_indices"], dtype=np.int64),
                threshold=(np.ceil(condition * grid) - 0.5) / grid,
                left=np.array(raw["left_children"], dtype=np.int64),
                right=np.array(raw["right_children"], dtype=np.int64),
                value=condition.reshape(-1, 1),
            )
        )
    return trees, float(learner["learner_model_param"]["base_score"].strip("[]"))


def ensemble(graph: Graph, x: str, trees: Sequence[Tree], base: Floats, out: str) -> str:
    """Add nodes that compute base + Σ over trees of the value of the leaf reached, [1, outputs], from x [1, features]."""
    inner = [[n for n in range(len(t.left)) if t.left[n] >= 0] for t in trees]
    leaves = [[n for n in range(len(t.left)) if t.left[n] < 0] for t in trees]
    width, span = max(map(len, inner)), max(map(len, leaves))
    questions = sorted({(int(t.feature[n]), float(t.threshold[n])) for t, nodes in zip(trees, inner, strict=True) for n in nodes})
    place = {question: i for i, question in enumerate(questions)}
    asked = np.zeros((len(trees), 1, width), dtype=np.int64)
    path = np.zeros((len(trees), width, span))
    turns = np.full((len(trees), 1, span), UNREACHABLE)
    value = np.zeros((len(trees), span, len(base)))
    for i, tree in enumerate(trees):
        column = {n: c for c, n in enumerate(inner[i])}
        row = {n: r for r, n in enumerate(leaves[i])}
        for n in inner[i]:
            asked[i, 0, column[n]] = place[int(tree.feature[n]), float(tree.threshold[n])]
        for leaf, above in _paths(tree):
            for n, sign in above:
                path[i, column[n], row[leaf]] = sign
            turns[i, 0, row[leaf]] = sum(sign > 0 for _, sign in above)
            value[i, row[leaf]] = tree.value[leaf]
    features = graph.constant("question_feature", [f for f, _ in questions], np.int64)
    thresholds = graph.constant("question_threshold", [[t for _, t in questions]])
    asked_of = graph.constant("node_question", asked.ravel(), np.int64)
    picked = graph.node("Gather", x, features, out="picked", axis=1)
    answer = graph.node("Cast", graph.node("Less", picked, thresholds, out="below"), out="answer", to=1)
    turned = graph.node("Gather", answer, asked_of, out="turned", axis=1)
    by_tree = graph.node("Reshape", turned, graph.constant("by_tree_shape", asked.shape, np.int64), out="by_tree")
    taken = graph.node("MatMul", by_tree, graph.constant("path", path), out="taken")
    margin = graph.node("Add", taken, graph.constant("one_minus_turns", 1 - turns), out="margin")
    reached = graph.node("Relu", margin, out="reached")
    flat_shape = graph.constant("flat_shape", [1, math.prod(turns.shape)], np.int64)
    flat = graph.node("Reshape", reached, flat_shape, out="flat")
    leaf_value = graph.constant("leaf_value", value.reshape(-1, len(base)))
    return graph.node("Gemm", flat, leaf_value, graph.constant("base", base), out=out)


def _paths(tree: Tree) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return for each leaf the inner nodes above it, with 1 where the path turns left and −1 where it turns right."""
    found = []
    open_ends: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
    while open_ends:
        node, above = open_ends.pop()
        if tree.left[node] < 0:
            found.append((node, above))
        else:
            open_ends.append((int(tree.left[node]), [*above, (node, 1)]))
            open_ends.append((int(tree.right[node]), [*above, (node, -1)]))
    return found
