"""Rules apply to a fixed point, outputs keep their names, and every new node is traced to the user's own."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tests.model.rewrite.one import of, one, rewritten
from zkml.errors import InternalFault
from zkml.model import check_rewritten, normalise
from zkml.model.fold import settle
from zkml.model.rewrite import RULES, Rule, Site, rewrite
from zkml.model.rewrite.check import same
from zkml.model.simplify import name_nodes


def test_new_nodes_are_named_after_the_users_node_and_outputs_keep_their_names() -> None:
    model = rewritten(one("Gelu", [2, 3], opset=20), "gelu")
    assert [r.node for r in model.rewrites] == ["it"]
    assert model.rewrites[0].made == tuple(n.name for n in model.proto.graph.node)
    assert all(n.name.startswith("it/") for n in model.proto.graph.node)
    assert [o.name for o in model.outputs] == ["y0"]
    assert {model.users_node(n.name) for n in model.proto.graph.node} == {"it"}


def test_without_rewriting_nothing_is_replaced() -> None:
    model = normalise(one("Gelu", [2, 3], opset=20), rewrite=False)
    assert [n.op_type for n in model.proto.graph.node] == ["Gelu"]
    assert model.rewrites == ()


def test_rules_apply_to_what_rules_made_and_the_trace_leads_back() -> None:
    def twice(site: Site) -> list[str]:
        return [site.op_("Gelu", site.op_("Relu", site.input(0)))]

    model = one("Softsign", [4], opset=20)
    settled = settle(model.proto)
    proto, trace = rewrite(settled, [Rule("twice", frozenset({"Softsign"}), "none: for the test", twice), *RULES])
    assert [(r.node, r.rules) for r in trace] == [("it", ("twice", "gelu"))]
    assert len(trace[0].made) == len(proto.graph.node)


def test_rules_without_end_are_stopped_and_named() -> None:
    def again(site: Site) -> list[str]:
        return [site.op_("Relu", site.input(0))]

    model = one("Relu", [4])
    with pytest.raises(InternalFault) as e:
        rewrite(settle(model.proto), [Rule("again", frozenset({"Relu"}), "none: for the test", again)])
    assert e.value.code == "rewrite-loop"
    assert "again" in e.value.message


@pytest.mark.parametrize("output", ["input", "constant", "twice"])
def test_outputs_that_are_no_new_value_are_connected(output: str) -> None:
    def split(site: Site) -> list[str]:
        x = site.input(0)
        kept = site.op_("Neg", x)
        return {"input": [x, kept], "constant": [site.like(np.zeros((2, 1)), x), kept], "twice": [kept, kept]}[output]

    nodes = [
        helper.make_node("Split", ["x"], ["y0", "b"], name="it", axis=1),
        helper.make_node("Relu", ["b"], ["y1"], name="after"),
    ]
    model = of(nodes, [2, 2], {}, outputs=2)
    settled = settle(model.proto)
    name_nodes(settled)
    proto, _ = rewrite(settled, [Rule("split", frozenset({"Split"}), "none: for the test", split)])
    assert [o.name for o in proto.graph.output] == ["y0", "y1"]
    assert {o for n in proto.graph.node for o in n.output} >= {"y0", "y1"}


def test_a_rewrite_that_computes_something_else_is_caught_and_the_users_node_named() -> None:
    given = of(
        [helper.make_node("Gelu", ["x"], ["g"], name="bend"), helper.make_node("Neg", ["g"], ["y0"], name="turn")],
        [2, 3],
        {},
        opset=20,
    )
    bad = normalise(given)
    half = next(t for t in bad.proto.graph.initializer if t.name == "bend/half")
    half.CopyFrom(helper.make_tensor(half.name, half.data_type, [], [0.25]))
    with pytest.raises(InternalFault) as e:
        check_rewritten(given, bad)
    assert e.value.node == "bend"
    assert "gelu" in e.value.message


def test_only_rounding_is_forgiven() -> None:
    x = np.asarray([1.0, -2.0], dtype=np.float32)
    assert same(x, x * np.float32(1 + 1e-6))
    assert not same(x, x * np.float32(1.01))
    assert not same(np.asarray([1, 2]), np.asarray([1, 3]))
    assert not same(x, x.reshape(1, 2))
