"""Models of one node of ai.onnx.ml, random tree ensembles among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from zkml.model import Model, check_rewritten, from_proto, normalise
from zkml.model.rewrite import RULES, rewrite
from zkml.model.run import Runner
from zkml.model.simplify import name_nodes

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
LEQ, LT, ALL = ("BRANCH_LEQ",), ("BRANCH_LT",), ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def ml_proto(
    op: str, width: int, outputs: Sequence[tuple[str, int, list[int]]], *, kind: int = FLOAT, version: int = 3, **attributes: Any
) -> onnx.ModelProto:
    """Return a model file of one node named `it` of ai.onnx.ml from `x`, [1, width], to `outputs` (name, type, shape)."""
    node = helper.make_node(op, ["x"], [name for name, _, _ in outputs], name="it", domain="ai.onnx.ml", **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", kind, [1, width])],
        [helper.make_tensor_value_info(*output) for output in outputs],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", version)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def same_on_a_grid(proto: onnx.ModelProto, rule: str, *, grid: int = 4, samples: int = 30) -> Model:
    """Return the model rewritten by `rule`, after comparing it in onnxruntime on corners and on a grid, where features meet
    thresholds exactly."""
    given = from_proto(proto)
    normal = normalise(given)
    assert any(rule in r.rules for r in normal.rewrites), normal.rewrites
    assert not [n for n in normal.proto.graph.node if n.domain]
    assert check_rewritten(given, normal) == ()
    before, after = Runner(given), Runner(normal)
    rng = np.random.default_rng(5)
    for _ in range(samples):
        sample = {t.name: np.round(rng.normal(size=t.shape) * 2 * grid) / grid for t in given.inputs}
        expected, got = before.run(sample), after.run(sample)
        for name in expected:
            np.testing.assert_allclose(got[name], expected[name], atol=1e-5, err_msg=name)
    return normal


def left_alone(proto: onnx.ModelProto) -> None:
    """Check that no rule touches the node."""
    name_nodes(proto)
    _, done = rewrite(proto, RULES)
    assert done == ()


class Trees:
    """Random trees as the attributes of `TreeEnsembleClassifier` and `TreeEnsembleRegressor`."""

    def __init__(self, seed: int, trees: int, depth: int, width: int, modes: Sequence[str] = LEQ, grid: int = 4) -> None:
        self.rng = np.random.default_rng(seed)
        self.leaves: list[tuple[int, int]] = []
        self.rows: list[tuple[int, int, int, float, str, int, int]] = []
        for tree in range(trees):
            self._grow(tree, depth, width, modes, grid, [])

    def _grow(self, tree: int, depth: int, width: int, modes: Sequence[str], grid: int, made: list[int]) -> int:
        node = len(made)
        made.append(node)
        at = len(self.rows)
        self.rows.append((tree, node, 0, 0.0, "LEAF", 0, 0))
        if depth and (not node or self.rng.random() < 0.85):
            feature, threshold = int(self.rng.integers(width)), float(np.round(self.rng.normal() * grid) / grid)
            mode = str(self.rng.choice(list(modes)))
            yes, no = (self._grow(tree, depth - 1, width, modes, grid, made) for _ in range(2))
            self.rows[at] = (tree, node, feature, threshold, mode, yes, no)
        else:
            self.leaves.append((tree, node))
        return node

    def nodes(self) -> dict[str, Any]:
        names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
        return {f"nodes_{name}": list(column) for name, column in zip(names, zip(*self.rows, strict=True), strict=True)}

    def weights(self, what: str, targets: Sequence[int], *, positive: bool = False) -> dict[str, Any]:
        """Return the attributes that give every leaf a random weight for each of `targets`."""
        listed = [(tree, node, k) for tree, node in self.leaves for k in targets]
        values = self.rng.normal(size=len(listed)) * 0.2
        return {
            f"{what}_treeids": [t for t, _, _ in listed],
            f"{what}_nodeids": [n for _, n, _ in listed],
            f"{what}_ids": [k for _, _, k in listed],
            f"{what}_weights": (np.abs(values) if positive else values).tolist(),
        }
