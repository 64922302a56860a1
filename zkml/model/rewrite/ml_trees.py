"""Tree ensembles as few comparisons and products: `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, `TreeEnsemble`.

Let d[n] be 1 where inner node n sends the input to its first child, else 0, and R[n] be 1 where the path of the input comes
through n. Then R[root] = 1, R[first child] = R[n]·d[n], R[second child] = R[n] − R[n]·d[n], and the ensemble is the sum over
leaves of R[leaf] times the leaf's weights. All nodes of one depth, over all trees, are one product and one difference; all are
0 or 1, which EZKL holds as plain integers, so that nothing is rescaled before the leaves' weights. Comparisons are made once for
each pair of a feature and a threshold, however many nodes ask for it.

A circuit compares integers: x·2^s with t·2^s, rounded, at a scale s that is chosen later. Rounding the threshold away from x ≤ t
changes the answer for one value of x on the grid, so both sides are taken `1 << FINER` times first (by adding, which is exact
and costs one row a feature): the rounded threshold then differs from the real one by at most 2^-(s + FINER + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zkml.model.rewrite.ml_classes import classes, post_transform, spare_bits, two_classes
from zkml.model.rewrite.ml_forest import AGGREGATES, TRANSFORMS, Forest, Question, choice, numbers, read_forest, read_forest_5
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

FINER = 4
"""How many bits finer than the input's grid thresholds are rounded."""

MAX_DEPTH = 256
DENSE = 0.75
"""Share of non-zero weights from which one matrix product is used rather than one for each target."""


def trees_classifier(site: Site) -> list[str] | None:
    transform = choice(site, "post_transform", TRANSFORMS, "NONE")
    if not _fit(site) or transform in (None, "PROBIT"):
        return None
    forest = read_forest(site, "class")
    labels = site.attribute("classlabels_int64s", [])
    count = len(labels)
    if count < 2 or site.attribute("classlabels_strings") or (forest.target >= count).any() or (forest.target < 0).any():
        return None
    base = numbers(site, "base_values")
    used = np.unique(forest.target)
    if count == 2 and len(used) == 1 and used[0] == 0:
        # One score for two classes: onnxruntime takes it for a share of 1 when no weight is negative, else for a logit.
        if base.size > 1:
            return None
        share = bool((forest.weight >= 0).all())
        score = ensemble(site, forest, 1, forest.target, "SUM", base, transform)
        return None if score is None else two_classes(site, score, labels, transform, share=share)
    if base.size not in (0, count) or (count == 2 and base.size):
        return None
    if site.is_read(0) and (count == 2 or not (base.size or always_scored(forest, count))):
        # Which label onnxruntime gives is not the label of the largest score then.
        return None
    scores = ensemble(site, forest, count, forest.target, "SUM", base, transform)
    return None if scores is None else classes(site, scores, labels, transform, floor(forest, base, count))


def always_scored(forest: Forest, targets: int) -> bool:
    """Return whether every target has, in some tree, a weight at every leaf: onnxruntime passes over classes without any."""
    trees, lists = listing(forest, targets)
    return bool(np.any([lists[trees == t].all(axis=0) for t in range(len(forest.roots))], axis=0).all())


def listing(forest: Forest, targets: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the tree of every leaf (-1 where none reaches it), and whether it lists a weight for each target."""
    trees = np.full(forest.leaves, -1, dtype=np.int64)
    for leaf, tree in forest.tree_of_leaf().items():
        trees[leaf] = tree
    lists = np.zeros((forest.leaves, targets), dtype=bool)
    lists[forest.leaf, forest.target] = True
    return trees, lists


def floor(forest: Forest, base: npt.NDArray[np.float64], targets: int) -> float:
    """Return a number that no score lies below."""
    trees, _ = listing(forest, targets)
    weights = np.zeros((forest.leaves, targets))
    np.add.at(weights, (forest.leaf, forest.target), forest.weight)
    least = sum(weights[trees == t].min(axis=0) for t in range(len(forest.roots)))
    return float(np.min(least + (base if base.size else 0)))


def trees_regressor(site: Site) -> list[str] | None:
    transform = choice(site, "post_transform", TRANSFORMS, "NONE")
    aggregate = choice(site, "aggregate_function", AGGREGATES, "SUM")
    if not _fit(site) or transform in (None, "PROBIT") or aggregate is None:
        return None
    targets = site.attribute("n_targets", 0)
    if site.op == "TreeEnsemble":
        forest, base = read_forest_5(site), np.zeros(0)
        targets = targets or int(forest.target.max(initial=0)) + 1
    else:
        forest, base = read_forest(site, "target"), numbers(site, "base_values")
    if not 0 < targets <= 1 << 16 or base.size not in (0, targets) or ((forest.target < 0) | (forest.target >= targets)).any():
        return None
    scores = ensemble(site, forest, targets, forest.target, aggregate, base, transform)
    value = None if scores is None else post_transform(site, scores, transform, floor(forest, base, targets))
    return None if value is None else [value]


def _fit(site: Site) -> bool:
    shape = site.shape(site.input(0))
    return shape is not None and len(shape) == 2 and site.dtype(site.input(0)) in ("float", "double", "int32", "int64")


def ensemble(
    site: Site,
    forest: Forest,
    targets: int,
    target: npt.NDArray[np.int64],
    aggregate: str,
    base: npt.NDArray[np.float64],
    transform: str,
) -> str | None:
    """Add nodes for the aggregate of the leaves reached plus `base`, [samples, targets]; None where that cannot be done."""
    x = site.input(0)
    if site.dtype(x) not in ("float", "double"):
        x = site.cast(x, "float")
    real = np.float64 if site.dtype(site.input(0)) == "double" else np.float32
    offset = np.zeros(targets) + (base if base.size else 0)
    reached, leaf_at = reach(site, forest, x, real)
    weights = np.zeros((forest.leaves, targets))
    np.add.at(weights, (forest.leaf, target), forest.weight)
    if aggregate == "AVERAGE":
        weights = weights / len(forest.roots)
    fixed = [~r for r in forest.roots if r < 0]
    if aggregate in ("MIN", "MAX"):
        value = extreme(site, forest, reached, leaf_at, weights, aggregate, real)
        return None if value is None else add_offset(site, value, offset, real)
    offset = offset + weights[fixed].sum(axis=0)
    by_column = weights[leaf_at]
    if reached is None:
        return add_offset(
            site, site.op_("MatMul", x, site.const(np.zeros((_width(site), targets), real), "nothing")), offset, real
        )
    bits = spare_bits(float(np.abs(by_column).max(initial=0))) if transform == "NONE" else 0
    scaled = by_column * 2.0**bits
    value = weigh(site, reached, scaled, real)
    value = add_offset(site, value, offset * 2.0**bits, real)
    # Division by a power of two moves the fixed point and costs nothing: small weights keep their digits.
    return site.div(value, site.const(np.asarray(2.0**bits, real), "unit")) if bits else value


def _width(site: Site) -> int:
    shape = site.shape(site.input(0))
    return shape[1] if shape else 0


def reach(site: Site, forest: Forest, x: str, real: type) -> tuple[str | None, list[int]]:
    """Add nodes that tell for every way into a leaf whether the path takes it, [samples, ways], and return which leaf each is."""
    answers, column = answer(site, forest, x, real)
    levels = forest.levels()
    if not levels or answers is None:
        return None, []
    one = site.cast(site.op_("LessOrEqual", *[site.gather(x, [0], 1)] * 2), "float")
    here = one
    found: list[str] = []
    leaf_at: list[int] = []
    for depth, level in enumerate(levels):
        d = decide(site, forest, level, answers, column)
        first = site.mul(here, d) if depth else d
        both = site.concat([first, site.sub(here, first)], 1)
        ends = [forest.yes[n] for n in level] + [forest.no[n] for n in level]
        leaves = [i for i, end in enumerate(ends) if end < 0]
        # The next level lists children node by node, as `levels` does.
        width = len(level)
        inner = [i for n in range(width) for i in (n, n + width) if ends[i] >= 0]
        if leaves:
            found.append(site.gather(both, leaves, 1))
            leaf_at += [~ends[i] for i in leaves]
        if inner:
            here = site.gather(both, inner, 1)
    return site.concat(found, 1), leaf_at


def answer(site: Site, forest: Forest, x: str, real: type) -> tuple[str | None, dict[Question, int]]:
    """Add nodes that answer every question once, as 0 or 1 in floats, and return the column of each question."""
    asked = sorted({q for level in forest.levels() for n in level for _, q in forest.asks[n]})
    if not asked:
        return None, {}
    used = sorted({feature for _, feature, _ in asked})
    thresholds: npt.NDArray[Any] = np.asarray([t for _, _, t in asked]).astype(real)
    finer = FINER if np.abs(thresholds).max() < np.finfo(real).max / (1 << (FINER + 1)) else 0
    fine = site.gather(x, used, 1)
    for _ in range(finer):
        fine = site.add(fine, fine)
    place = {feature: i for i, feature in enumerate(used)}
    parts: list[str] = []
    for kind, op in (("<", "Less"), ("<=", "LessOrEqual")):
        these = [i for i, q in enumerate(asked) if q[0] == kind]
        if these:
            picked = site.gather(fine, [place[asked[i][1]] for i in these], 1)
            limit = site.const((thresholds[these] * real(1 << finer)).reshape(1, -1), "thresholds")
            parts.append(site.cast(site.op_(op, picked, limit), "float"))
    order = sorted(range(len(asked)), key=lambda i: (asked[i][0] != "<", i))
    return site.concat(parts, 1), {asked[i]: column for column, i in enumerate(order)}


def decide(site: Site, forest: Forest, level: Sequence[int], answers: str, column: dict[Question, int]) -> str:
    """Add nodes for d of the nodes of a level, [samples, nodes]."""
    if all(len(forest.asks[n]) == 1 for n in level):
        return site.gather(answers, [column[forest.asks[n][0][1]] for n in level], 1)
    parts = []
    for n in level:
        (_, question), *rest = forest.asks[n]
        total = site.gather(answers, [column[question]], 1)
        for sign, question in rest:
            total = site.op_("Add" if sign > 0 else "Sub", total, site.gather(answers, [column[question]], 1))
        parts.append(total)
    return site.concat(parts, 1)


def weigh(site: Site, reached: str, weights: npt.NDArray[np.float64], real: type) -> str:
    """Add the product [samples, ways] × [ways, targets], without the zeros where most weights are zero."""
    targets = weights.shape[1]
    if real is np.float64:
        reached = site.cast(reached, "double")
    if targets == 1 or np.count_nonzero(weights) >= DENSE * weights.size:
        return site.op_("MatMul", reached, site.const(weights.astype(real), "leaf_weights"))
    parts = []
    for k in range(targets):
        rows = np.flatnonzero(weights[:, k])
        rows = rows if len(rows) else np.zeros(1, dtype=np.int64)
        picked = site.gather(reached, rows, 1)
        parts.append(site.op_("MatMul", picked, site.const(weights[rows, k : k + 1].astype(real), "leaf_weights")))
    return site.concat(parts, 1)


def add_offset(site: Site, value: str, offset: npt.NDArray[np.float64], real: type) -> str:
    return site.add(value, site.const(offset.reshape(1, -1).astype(real), "base")) if offset.any() else value


def extreme(
    site: Site,
    forest: Forest,
    reached: str | None,
    leaf_at: Sequence[int],
    weights: npt.NDArray[np.float64],
    aggregate: str,
    real: type,
) -> str | None:
    """Add the least or largest over trees of what each adds to a target; a tree that lists no leaf for a target has no say. None
    where that depends on the leaf."""
    trees, lists = listing(forest, weights.shape[1])
    columns_of: dict[int, list[int]] = {}
    for column, leaf in enumerate(leaf_at):
        columns_of.setdefault(int(trees[leaf]), []).append(column)
    if reached is None or len(columns_of) != len(forest.roots):
        return None
    parts = []
    for k in range(weights.shape[1]):
        voices = []
        for columns in columns_of.values():
            at = [leaf_at[c] for c in columns]
            if lists[at, k].all():
                voices.append(weigh(site, site.gather(reached, columns, 1), weights[at, k : k + 1], real))
            elif lists[at, k].any():
                return None
        if not voices:
            return None
        parts.append(site.reduce("ReduceMin" if aggregate == "MIN" else "ReduceMax", site.concat(voices, 1), [1]))
    return site.concat(parts, 1)


RULES = (
    Rule(
        "trees-classifier",
        frozenset({"TreeEnsembleClassifier"}),
        "the product of the decisions on the way to a leaf is 1 at the leaf reached and 0 at all others",
        trees_classifier,
        "ai.onnx.ml",
    ),
    Rule(
        "trees-regressor",
        frozenset({"TreeEnsembleRegressor", "TreeEnsemble"}),
        "the product of the decisions on the way to a leaf is 1 at the leaf reached and 0 at all others",
        trees_regressor,
        "ai.onnx.ml",
    ),
)
