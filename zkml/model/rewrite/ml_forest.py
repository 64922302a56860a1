"""A tree ensemble read from the attributes of a node: `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, `TreeEnsemble`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

from zkml.errors import ModelError
from zkml.model.rewrite.site import Site

Question = tuple[str, int, float]
"""`<` or `<=`, a feature, a threshold: whether the feature lies below the threshold."""

Sum = tuple[tuple[int, Question], ...]
"""A truth value as a sum of questions' answers with signs: equality is `<=` less `<`."""

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER")
AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


@dataclass(frozen=True)
class Forest:
    """Trees over shared features. Inner nodes are numbered from 0; a child or root is a number, or ~leaf for a leaf.

    Where the sum of the answers of `asks[n]` is 1 the path goes on to `yes[n]`, where it is 0 to `no[n]`. `leaf`, `target` and
    `weight` list what leaves add to targets; a leaf may be listed for several targets, or none.
    """

    asks: tuple[Sum, ...]
    yes: tuple[int, ...]
    no: tuple[int, ...]
    roots: tuple[int, ...]
    leaves: int
    leaf: npt.NDArray[np.int64] = field(repr=False)
    target: npt.NDArray[np.int64] = field(repr=False)
    weight: npt.NDArray[np.float64] = field(repr=False)

    def levels(self) -> list[list[int]]:
        """Return the inner nodes by their distance from a root."""
        found: list[list[int]] = []
        level = [r for r in self.roots if r >= 0]
        while level:
            found.append(level)
            level = [c for n in level for c in (self.yes[n], self.no[n]) if c >= 0]
        return found

    def tree_of_leaf(self) -> dict[int, int]:
        """Return the number of its tree for every leaf."""
        found: dict[int, int] = {}
        for tree, root in enumerate(self.roots):
            below = [root]
            while below:
                n = below.pop()
                if n < 0:
                    found[~n] = tree
                else:
                    below += [self.yes[n], self.no[n]]
        return found


def malformed(site: Site, what: str) -> ModelError:
    return ModelError(f"node {site.name} ({site.op}) is no tree ensemble: {what}", code="malformed-trees", node=site.name)


def tensor_of(site: Site, name: str) -> npt.NDArray[Any]:
    """Return an attribute that is a tensor, an empty array when the node does not have it."""
    tensor = site.attribute(name)
    return np.asarray(numpy_helper.to_array(tensor)) if isinstance(tensor, TensorProto) else np.zeros(0)


def numbers(site: Site, name: str) -> npt.NDArray[np.float64]:
    """Return an attribute of floats, from its `_as_tensor` twin where that is given."""
    values = tensor_of(site, f"{name}_as_tensor")
    return np.asarray(values if values.size else site.attribute(name, []), dtype=np.float64).reshape(-1)


def read_forest(site: Site, leaves: str) -> Forest:
    """Return the ensemble of a classifier (`leaves` is `class`) or regressor (`target`). Raises `ModelError` for no forest."""
    trees, ids = site.attribute("nodes_treeids", []), site.attribute("nodes_nodeids", [])
    modes, features = site.attribute("nodes_modes", []), site.attribute("nodes_featureids", [])
    yes, no = site.attribute("nodes_truenodeids", []), site.attribute("nodes_falsenodeids", [])
    splits = numbers(site, "nodes_values")
    if not ids or len({len(v) for v in (trees, ids, modes, features, yes, no, splits)}) != 1:
        raise malformed(site, "its lists of nodes are empty or of different lengths")
    place = {key: i for i, key in enumerate(zip(trees, ids, strict=True))}
    if len(place) != len(ids):
        raise malformed(site, "two nodes of a tree have one number")
    parts = [site.attribute(f"{leaves}_{part}", []) for part in ("treeids", "nodeids", "ids")]
    weight = numbers(site, f"{leaves}_weights")
    if len({len(v) for v in (*parts, weight)}) != 1:
        raise malformed(site, "its lists of leaf weights are of different lengths")
    is_leaf = [mode == "LEAF" for mode in modes]
    unknown = next((mode for mode in modes if mode != "LEAF" and mode not in MODES[:6]), None)
    if unknown is not None:
        raise malformed(site, f"a node branches by {unknown!r:.40}")
    number = {i: n for n, i in enumerate(i for i, leaf in enumerate(is_leaf) if not leaf)}
    leaf_number = {i: n for n, i in enumerate(i for i, leaf in enumerate(is_leaf) if leaf)}

    def child(tree: int, node: int) -> int:
        i = place.get((tree, node))
        if i is None:
            raise malformed(site, f"tree {tree} has no node {node}")
        return ~leaf_number[i] if is_leaf[i] else number[i]

    inner = [
        (
            *condition(site, modes[i], features[i], float(splits[i])),
            child(trees[i], yes[i]),
            child(trees[i], no[i]),
        )
        for i in number
    ]
    below = {c for _, _, a, b in inner for c in (a, b)}
    firsts: dict[int, int] = {}
    for (tree, _), i in place.items():
        n = ~leaf_number[i] if is_leaf[i] else number[i]
        if n not in below:
            if tree in firsts:
                raise malformed(site, f"tree {tree} has two roots")
            firsts[tree] = n
    if len(firsts) != len(set(trees)):
        raise malformed(site, "a tree has no root")
    at = []
    for tree, node in zip(parts[0], parts[1], strict=True):
        weighed = place.get((tree, node))
        if weighed is None or not is_leaf[weighed]:
            raise malformed(site, f"node {node} of tree {tree} has a weight and is no leaf")
        at.append(leaf_number[weighed])
    return checked(site, inner, list(firsts.values()), len(leaf_number), at, parts[2], weight)


def read_forest_5(site: Site) -> Forest:
    """Return the ensemble of `TreeEnsemble`, whose inner nodes and leaves are numbered apart. Raises `ModelError`."""
    roots, features = site.attribute("tree_roots", []), site.attribute("nodes_featureids", [])
    yes, no = site.attribute("nodes_truenodeids", []), site.attribute("nodes_falsenodeids", [])
    yes_leaf, no_leaf = site.attribute("nodes_trueleafs", []), site.attribute("nodes_falseleafs", [])
    modes, splits = tensor_of(site, "nodes_modes").reshape(-1), tensor_of(site, "nodes_splits").reshape(-1)
    weights, targets = tensor_of(site, "leaf_weights").reshape(-1), site.attribute("leaf_targetids", [])
    members = tensor_of(site, "membership_values").reshape(-1).astype(np.float64)
    if not roots or len({len(v) for v in (features, yes, no, yes_leaf, no_leaf, modes, splits)}) != 1:
        raise malformed(site, "its lists of nodes are empty or of different lengths")
    if len(weights) != len(targets):
        raise malformed(site, "its lists of leaves are of different lengths")
    sets = [s[~np.isnan(s)] for s in np.split(members, np.flatnonzero(np.isnan(members)))]
    sets = [s for s in sets if len(s)]
    inner = []
    for i, feature in enumerate(features):
        ends = []
        for node, leaf in ((yes[i], yes_leaf[i]), (no[i], no_leaf[i])):
            if not 0 <= node < (len(weights) if leaf else len(features)):
                raise malformed(site, f"node {i} has a child that is not there")
            ends.append(~node if leaf else node)
        if not 0 <= int(modes[i]) < len(MODES):
            raise malformed(site, f"node {i} branches by mode {int(modes[i])}")
        mode = MODES[int(modes[i])]
        if mode == "BRANCH_MEMBER":
            if not sets:
                raise malformed(site, f"node {i} has no members to compare with")
            asked: Sum = tuple(q for v in sorted(set(sets.pop(0).tolist())) for q in equality(feature, float(v)))
            inner.append((asked, False, *ends))
        else:
            inner.append((*condition(site, mode, feature, float(splits[i])), *ends))
    if any(not 0 <= r < len(inner) for r in roots):
        raise malformed(site, "a root is no node")
    return checked(site, inner, list(roots), len(weights), list(range(len(weights))), targets, weights.astype(np.float64))


def equality(feature: int, value: float) -> Sum:
    return (1, ("<=", feature, value)), (-1, ("<", feature, value))


def condition(site: Site, mode: str, feature: int, split: float) -> tuple[Sum, bool]:
    """Return the questions that a node asks, and whether it branches on their contrary."""
    if not np.isfinite(split):
        raise ModelError(
            f"node {site.name} ({site.op}) has a threshold of {split}",
            hint="drop the branch that is never taken, or train again with finite thresholds",
            code="weights-not-finite",
            node=site.name,
        )
    if mode in ("BRANCH_EQ", "BRANCH_NEQ"):
        return equality(feature, split), mode == "BRANCH_NEQ"
    return ((1, ("<=" if mode in ("BRANCH_LEQ", "BRANCH_GT") else "<", feature, split)),), mode in ("BRANCH_GTE", "BRANCH_GT")


def checked(
    site: Site,
    inner: Sequence[tuple[Sum, bool, int, int]],
    roots: Sequence[int],
    leaves: int,
    leaf: Sequence[int],
    target: Sequence[int],
    weight: npt.NDArray[np.float64],
) -> Forest:
    """Return the forest, unless a node is reached twice or a weight is not finite. Raises `ModelError`."""
    shape = site.shape(site.input(0))
    width = shape[-1] if shape else 0
    asks, ends = [], []
    for asked, contrary, yes, no in inner:
        if any(not 0 <= feature < width for _, (_, feature, _) in asked):
            raise malformed(site, f"it asks for a feature that its input of {width} does not have")
        asks.append(asked)
        ends.append((no, yes) if contrary else (yes, no))
    seen: set[int] = set()
    below = [r for r in roots if r >= 0]
    while below:
        n = below.pop()
        if n in seen:
            raise malformed(site, "a node has two parents")
        seen.add(n)
        below += [c for c in ends[n] if c >= 0]
    if len(seen) != len(inner):
        raise malformed(site, "a node is below no root")
    if not np.isfinite(weight).all():
        raise ModelError(f"a leaf of node {site.name} has a weight that is not finite", code="weights-not-finite", node=site.name)
    return Forest(
        tuple(asks),
        tuple(a for a, _ in ends),
        tuple(b for _, b in ends),
        tuple(roots),
        leaves,
        np.asarray(leaf, dtype=np.int64),
        np.asarray(target, dtype=np.int64),
        weight,
    )


def choice(site: Site, name: str, values: Sequence[str], default: str) -> str | None:
    """Return an attribute that names one of `values`, by name or by number; None when it is none of them."""
    value = site.attribute(name, default)
    if isinstance(value, int):
        return values[value] if 0 <= value < len(values) else None
    return value if value in values else None
