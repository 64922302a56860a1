"""The graph of identities gives the values of the plain verifier, and its Yul text those of the graph."""

from __future__ import annotations

import random
import re

import pytest

from tests.vectors import read
from zkml.contract.expressions import MAX_DEPTH, Dag, YulText
from zkml.contract.plan import plan
from zkml.protocol import Protocol
from zkml.protocol.field import R
from zkml.verifier.challenges import Challenges
from zkml.verifier.evaluation import Evaluations, Lagrange, evaluate_nodes
from zkml.verifier.identities import gate_values, lookup_values, permutation_values
from zkml.verifier.reading import Message

KINDS = ("argmax", "simulated_three_phases", "simulated_one_chunk", "lookup_three_columns", "matmul_freivalds")


def run_yul(text: str, memory: dict[str, int], r: int) -> int:
    """Return the value of one Yul expression: words are 256 bits and wrap."""
    text = re.sub(r"mload\((\w+)\)", r"memory['\1']", text)
    names = {
        "add": lambda a, b: (a + b) % 2**256,
        "sub": lambda a, b: (a - b) % 2**256,
        "mul": lambda a, b: a * b % 2**256,
        "addmod": lambda a, b, m: (a + b) % m,
        "mulmod": lambda a, b, m: a * b % m,
    }
    return int(eval(text, {"__builtins__": {}}, {**names, "memory": memory, "r": r}))


def random_case(protocol: Protocol, rng: random.Random) -> tuple[dict[str, int], list[int]]:
    """Return random words by name, and the plain verifier's identities at the same values."""

    def some(count: int) -> tuple[int, ...]:
        return tuple(rng.randrange(R) for _ in range(count))

    products, lookups = protocol.num_products, len(protocol.lookups)
    point = (0, 0)
    message = Message(
        (point,) * len(protocol.advice_phases), (), (), (), point, (),
        advice_evals=some(len(protocol.advice_queries)),
        fixed_evals=some(len(protocol.fixed_queries)),
        random_eval=0,
        sigma_evals=some(len(protocol.permutation.columns)),
        z_evals=tuple(some(3 if j < products - 1 else 2) for j in range(products)),
        lookup_evals=tuple((a, b, c) for a, b, c in (some(3) for _ in range(lookups))),
        w_comm=point, w_prime_comm=point,
    )  # fmt: skip
    c = Challenges(some(len(protocol.challenge_phases)), *some(8))
    l_0, l_last, l_blind = some(3)
    lag = Lagrange(l_0, l_last, l_blind, 5)
    planned = plan(protocol)
    at = {(e.first, e.rotation): rng.randrange(R) for e in planned.instance_evals}
    first = [sum(protocol.instance_rows[:i]) for i in range(len(protocol.instance_rows))]

    def instance(column: int, rotation: int) -> int:
        return at[first[column], rotation] if protocol.instance_rows[column] else 0

    instances = tuple(instance(q.column, q.rotation) for q in protocol.instance_queries)
    evals = Evaluations(message.advice_evals, message.fixed_evals, instances, c.circuit)
    nodes = evaluate_nodes(protocol, evals)
    advice = {q.column: i for i, q in enumerate(protocol.advice_queries) if q.rotation == 0}
    fixed = {q.column: i for i, q in enumerate(protocol.fixed_queries) if q.rotation == 0}
    columns = [
        evals.advice[advice[k.number]] if k.kind == "advice"
        else evals.fixed[fixed[k.number]] if k.kind == "fixed"
        else instance(k.number, 0)
        for k in protocol.permutation.columns
    ]  # fmt: skip
    values = gate_values(protocol, nodes) + permutation_values(protocol, message, c, lag, columns)
    for lookup, three in zip(protocol.lookups, message.lookup_evals, strict=True):
        values += lookup_values(lookup, three, nodes, c, lag)

    words = {f"CHALLENGE_{i}": v for i, v in enumerate(c.circuit)}
    words |= {"THETA": c.theta, "BETA": c.beta, "GAMMA": c.gamma, "X": c.x}
    words |= {"L_0": l_0, "L_LAST": l_last, "ACTIVE": lag.active}
    for name, items in (("A", message.advice_evals), ("F", message.fixed_evals), ("SIGMA", message.sigma_evals)):
        words |= {f"{name}_EVAL_{i}": v for i, v in enumerate(items)}
    for j, z in enumerate(message.z_evals):
        words |= dict(zip((f"Z_EVAL_{j}", f"Z_NEXT_EVAL_{j}", f"Z_LAST_EVAL_{j}"), z, strict=False))
    for i, three in enumerate(message.lookup_evals):
        words |= dict(zip((f"PHI_EVAL_{i}", f"PHI_NEXT_EVAL_{i}", f"M_EVAL_{i}"), three, strict=True))
    words |= {e.name: at[e.first, e.rotation] for e in planned.instance_evals}
    return words, values


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_and_its_yul_have_the_values_of_the_plain_verifier(kind: str) -> None:
    protocol = read.protocol(kind)
    planned = plan(protocol)
    words, expected = random_case(protocol, random.Random(kind))
    graph = planned.dag.evaluate(words)
    assert [graph[identity.node] for identity in planned.identities] == expected

    names = iter(range(10**6))
    writer = YulText(planned.dag, [identity.node for identity in planned.identities], lambda: f"T_{next(names)}")
    memory = dict(words)
    for identity, value in zip(planned.identities, expected, strict=True):
        statements, piece = writer.write(identity.node)
        for statement in statements:
            found = re.fullmatch(r"mstore\((\w+), (.*)\)", statement)
            assert found
            memory[found[1]] = run_yul(found[2], memory, R)
        result = run_yul(piece.text, memory, R)
        assert result % R == value
        assert result <= piece.bound * R
        assert piece.depth <= MAX_DEPTH


def test_sums_never_wrap_even_when_every_word_is_the_largest() -> None:
    dag = Dag()
    leaves = [dag.leaf(f"W{i}") for i in range(40)]
    total, other = leaves[0], leaves[0]
    for leaf in leaves[1:]:
        total = dag.add(total, leaf)
        other = dag.sub(leaf, other)
    root = dag.sub(dag.add(total, other), dag.neg(dag.mul(total, other)))
    names = iter(range(100))
    writer = YulText(dag, [root], lambda: f"T_{next(names)}")
    words = {f"W{i}": R - 1 for i in range(40)}
    statements, piece = writer.write(root)
    memory = dict(words)
    for statement in statements:
        found = re.fullmatch(r"mstore\((\w+), (.*)\)", statement)
        assert found
        memory[found[1]] = run_yul(found[2], memory, R)
    assert run_yul(piece.text, memory, R) % R == dag.evaluate(words)[root]
