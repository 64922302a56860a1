"""Tree ensembles as tensor operations agree with a plain walk down each tree."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from models import runtime, trees
from models.graph import Graph, to_bytes

GRID = 8


def walk(tree: trees.Tree, row: np.ndarray[tuple[int], np.dtype[np.float32]]) -> object:
    """Return the value of the leaf that a row reaches, one comparison at a time."""
    node = 0
    while tree.left[node] >= 0:
        below = row[tree.feature[node]] < tree.threshold[node]
        node = int(tree.left[node] if below else tree.right[node])
    return tree.value[node]


def leaf(value: float) -> trees.Tree:
    """Return a tree without comparisons."""
    return trees.Tree(np.array([0]), np.array([0.0]), np.array([-1]), np.array([-1]), np.array([[value]]))


def stump() -> trees.Tree:
    """Return a tree of one comparison, x[1] < 1/16."""
    return trees.Tree(
        feature=np.array([1, 0, 0]),
        threshold=np.array([1 / 16, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([[0.0], [2.0], [5.0]]),
    )


def test_padding_of_unequal_trees_adds_nothing() -> None:
    graph = Graph("mixed")
    x = graph.input("x", [1, 2])
    model = graph.finish(trees.ensemble(graph, x, [leaf(10), stump()], np.array([100.0]), "y"), [1, 1])
    rows = np.array([[0, 0], [0, 0.125]], dtype=np.float32)
    assert runtime.predict(to_bytes(model), {"x": rows}).ravel().tolist() == [112, 115]


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_forest_agrees_with_the_plain_walk_and_with_its_library(depth: int) -> None:
    rng = np.random.default_rng(depth)
    x = (rng.integers(-GRID, GRID + 1, (400, 6)) / GRID).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > x[:, 3] ** 2).astype(np.int64)
    fitted = RandomForestClassifier(7, max_depth=depth, random_state=0).fit(x, y)
    forest = [trees.from_sklearn(t, GRID) for t in fitted.estimators_]
    assert max(t.depth() for t in forest) == depth
    graph = Graph("forest")
    output = trees.ensemble(graph, graph.input("x", [1, 6]), forest, np.zeros(2), "y")
    got = runtime.predict(to_bytes(graph.finish(output, [1, 2])), {"x": x})
    assert np.allclose(got, [sum(walk(t, row) for t in forest) for row in x], atol=1e-5)  # type: ignore[misc]
    assert np.allclose(got, 7 * fitted.predict_proba(x), atol=1e-5)


def test_thresholds_never_meet_a_grid_point() -> None:
    x = (np.arange(-GRID, GRID + 1).reshape(-1, 1) / GRID).astype(np.float32)
    fitted = RandomForestClassifier(5, random_state=1).fit(x, (np.arange(len(x)) // 3) % 2)
    for tree in (trees.from_sklearn(t, GRID) for t in fitted.estimators_):
        inner = tree.threshold[tree.left >= 0]
        assert np.array_equal(np.mod(inner * GRID, 1), np.full(len(inner), 0.5))


def test_disagreement_with_the_library_is_an_error() -> None:
    graph = Graph("constant")
    x = graph.input("x", [1, 2])
    model = to_bytes(graph.finish(trees.ensemble(graph, x, [stump()], np.zeros(1), "y"), [1, 1]))
    with pytest.raises(ValueError, match="differs"):
        runtime.require_agreement(model, {"x": np.zeros((3, 2), np.float32)}, np.full(3, 2.5), 0.1)
