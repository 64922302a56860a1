"""Steps 5 to 7 as expressions: the polynomials that step 8 folds with y, in the verifier's order.

The letters and equations are those of `zkml/verifier/identities.py`; leaves are the names of words (`layout.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zkml.contract.expressions import Dag
from zkml.protocol.expression import reachable
from zkml.protocol.field import DELTA, R
from zkml.protocol.protocol import Lookup, Protocol

InstanceName = Callable[[int, int], str | None]
"""The word of an instance column at a rotation; None for a column without values, which is zero."""


@dataclass(frozen=True)
class Identity:
    """One polynomial: the step that it belongs to, what it says, and its node."""

    step: int
    title: str
    node: int


def _instance(dag: Dag, name: str | None) -> int:
    return dag.const(0) if name is None else dag.leaf(name)


def _circuit_nodes(protocol: Protocol, dag: Dag, instance: InstanceName) -> dict[int, int]:
    """Return the graph's node for every node of the Protocol that a gate or lookup uses."""
    roots = list(protocol.gates)
    for lookup in protocol.lookups:
        roots += [entry for row in (*lookup.inputs, lookup.table) for entry in row]
    used = reachable(protocol.nodes, roots)
    out: dict[int, int] = {}
    for i, node in enumerate(protocol.nodes):
        if not used[i]:
            continue
        match node.kind:
            case "constant":
                value = dag.const(node.a)
            case "advice":
                value = dag.leaf(f"A_EVAL_{node.a}")
            case "fixed":
                value = dag.leaf(f"F_EVAL_{node.a}")
            case "instance":
                query = protocol.instance_queries[node.a]
                value = _instance(dag, instance(query.column, query.rotation))
            case "challenge":
                value = dag.leaf(f"CHALLENGE_{node.a}")
            case "neg":
                value = dag.neg(out[node.a])
            case "sum":
                value = dag.add(out[node.a], out[node.b])
            case "product":
                value = dag.mul(out[node.a], out[node.b])
            case "scaled":
                value = dag.mul(out[node.a], dag.const(node.b))
            case _:
                raise AssertionError(f"a Protocol holds no {node.kind}")
        out[i] = value
    return out


def _permutation(protocol: Protocol, dag: Dag, instance: InstanceName) -> list[Identity]:
    columns, chunk, products = protocol.permutation.columns, protocol.permutation.chunk, protocol.num_products
    if not columns:
        return []
    advice = {q.column: i for i, q in enumerate(protocol.advice_queries) if q.rotation == 0}
    fixed = {q.column: i for i, q in enumerate(protocol.fixed_queries) if q.rotation == 0}
    values = []
    for column in columns:
        match column.kind:
            case "advice":
                values.append(dag.leaf(f"A_EVAL_{advice[column.number]}"))
            case "fixed":
                values.append(dag.leaf(f"F_EVAL_{fixed[column.number]}"))
            case "instance":
                values.append(_instance(dag, instance(column.number, 0)))
    l_0, l_last, active = dag.leaf("L_0"), dag.leaf("L_LAST"), dag.leaf("ACTIVE")
    beta, gamma = dag.leaf("BETA"), dag.leaf("GAMMA")
    z = [dag.leaf(f"Z_EVAL_{j}") for j in range(products)]
    last = z[-1]
    out = [
        Identity(6, "l_0·(1 − z_0)", dag.mul(l_0, dag.sub(dag.const(1), z[0]))),
        Identity(6, f"l_last·(z_{products - 1}² − z_{products - 1})", dag.mul(l_last, dag.sub(dag.mul(last, last), last))),
    ]
    for j in range(1, products):
        carried = dag.leaf(f"Z_LAST_EVAL_{j - 1}")
        out.append(Identity(6, f"l_0·(z_{j} − z_{j - 1}(ω^last·x))", dag.mul(l_0, dag.sub(z[j], carried))))
    beta_x = dag.mul(beta, dag.leaf("X"))
    for j in range(products):
        left, right = dag.leaf(f"Z_NEXT_EVAL_{j}"), z[j]
        for c in range(j * chunk, min((j + 1) * chunk, len(columns))):
            shifted = dag.add(values[c], gamma)
            left = dag.mul(left, dag.add(dag.mul(beta, dag.leaf(f"SIGMA_EVAL_{c}")), shifted))
            right = dag.mul(right, dag.add(dag.mul(beta_x, dag.const(pow(DELTA, c, R))), shifted))
        title = f"active·( z_{j}(ωx)·∏(v_c + β·σ_c + γ) − z_{j}·∏(v_c + β·δ^c·x + γ) )"
        out.append(Identity(6, title, dag.mul(active, dag.sub(left, right))))
    return out


def _compressed(dag: Dag, entries: Sequence[int], nodes: dict[int, int]) -> int:
    acc, theta = dag.const(0), dag.leaf("THETA")
    for entry in entries:
        acc = dag.add(dag.mul(acc, theta), nodes[entry])
    return dag.add(acc, dag.leaf("BETA"))


def _lookup(dag: Dag, i: int, lookup: Lookup, nodes: dict[int, int]) -> list[Identity]:
    phi, phi_next, m = (dag.leaf(f"{name}_{i}") for name in ("PHI_EVAL", "PHI_NEXT_EVAL", "M_EVAL"))
    tau = _compressed(dag, lookup.table, nodes)
    product, sum_without_one = dag.const(1), dag.const(0)
    for row in lookup.inputs:
        f = _compressed(dag, row, nodes)
        sum_without_one = dag.add(dag.mul(sum_without_one, f), product)
        product = dag.mul(product, f)
    # τ·(∏f·(φ(ωx) − φ) − Σ_i ∏_{j≠i} f_j) + m·∏f
    inner = dag.sub(dag.mul(product, dag.sub(phi_next, phi)), sum_without_one)
    step = dag.add(dag.mul(tau, inner), dag.mul(m, product))
    return [
        Identity(7, f"l_0·φ_{i}", dag.mul(dag.leaf("L_0"), phi)),
        Identity(7, f"l_last·φ_{i}", dag.mul(dag.leaf("L_LAST"), phi)),
        Identity(
            7,
            f"active·( τ̂·∏f·(φ_{i}(ωx) − φ_{i}) − (τ̂·Σ_a ∏_{{b≠a}} f_b − m_{i}·∏f) )",
            dag.mul(dag.leaf("ACTIVE"), step),
        ),
    ]


def identities(protocol: Protocol, dag: Dag, instance: InstanceName) -> list[Identity]:
    """Return the polynomials of all three steps, in the order in which step 8 folds them."""
    nodes = _circuit_nodes(protocol, dag, instance)
    out = [Identity(5, f"gate {i}", nodes[gate]) for i, gate in enumerate(protocol.gates)]
    out += _permutation(protocol, dag, instance)
    for i, lookup in enumerate(protocol.lookups):
        out += _lookup(dag, i, lookup, nodes)
    return out
