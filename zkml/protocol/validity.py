"""The bounds and counts that every Protocol keeps, and the degree that it must at least declare."""

from __future__ import annotations

import json
from collections.abc import Sequence

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import LEAVES, MAX_NODES, UNARY, degrees
from zkml.protocol.field import TWO_ADICITY, R
from zkml.protocol.points import on_g1
from zkml.protocol.protocol import Protocol
from zkml.protocol.statement import check_string

MAX_COLUMNS = 1 << 16
MAX_QUERIES = 1 << 18
MAX_ROTATION = 1 << 20
MAX_ROTATIONS = 128
MAX_INSTANCE_TERMS = 1 << 24
MAX_BLINDING_FACTORS = 1 << 16
MAX_LOOKUPS = 1 << 16
MAX_DEGREE = 64
MAX_CHALLENGES = 1024
MAX_PHASE = 255
MAX_SOURCE_KEYS = 32
MAX_AUDIT_BYTES = 1 << 20


def _fail(where: str, problem: str) -> MalformedArtifact:
    return MalformedArtifact(f"protocol {where}: {problem}", code="protocol", details={"where": where})


def _need(holds: bool, where: str, problem: str) -> None:
    if not holds:
        raise _fail(where, problem)


def check_protocol(protocol: Protocol) -> None:
    """Raise `MalformedArtifact`, naming the place, unless the Protocol is well formed."""
    _check_sizes(protocol)
    _check_queries(protocol)
    _check_nodes(protocol)
    _check_arguments(protocol)
    _check_commitments(protocol)
    _check_rotations(protocol)
    required = required_degree(protocol)
    _need(protocol.degree >= required, "degree", f"{protocol.degree} is below the {required} that its identities need")
    _check_labels(protocol)
    protocol.statement.check_rows(protocol.instance_rows)


def _check_sizes(protocol: Protocol) -> None:
    _need(1 <= protocol.k <= TWO_ADICITY, "k", f"{protocol.k} is not in 1..{TWO_ADICITY}")
    _need(
        1 <= protocol.blinding_factors <= min(protocol.n - 2, MAX_BLINDING_FACTORS),
        "blinding_factors",
        f"{protocol.blinding_factors} is not in 1..{min(protocol.n - 2, MAX_BLINDING_FACTORS)}",
    )
    for where, count, most in (
        ("advice_phases", len(protocol.advice_phases), MAX_COLUMNS),
        ("num_fixed", protocol.num_fixed, MAX_COLUMNS),
        ("instance_rows", len(protocol.instance_rows), MAX_COLUMNS),
        ("challenge_phases", len(protocol.challenge_phases), MAX_CHALLENGES),
        ("nodes", len(protocol.nodes), MAX_NODES),
        ("gates", len(protocol.gates), MAX_NODES),
        ("lookups", len(protocol.lookups), MAX_LOOKUPS),
        ("permutation.columns", len(protocol.permutation.columns), 3 * MAX_COLUMNS),
    ):
        _need(0 <= count <= most, where, f"{count} is more than {most}")
    for where, phases in (("advice_phases", protocol.advice_phases), ("challenge_phases", protocol.challenge_phases)):
        _need(all(0 <= p <= MAX_PHASE for p in phases), where, f"a phase is not in 0..{MAX_PHASE}")
    most_rows = protocol.n - protocol.blinding_factors - 1
    _need(all(0 <= r <= most_rows for r in protocol.instance_rows), "instance_rows", f"more than {most_rows} rows")
    _need(3 <= protocol.degree <= MAX_DEGREE, "degree", f"{protocol.degree} is not in 3..{MAX_DEGREE}")
    _need(1 <= protocol.permutation.chunk <= MAX_COLUMNS, "permutation.chunk", "not in 1..65536")
    _need(0 <= protocol.transcript_digest < R, "transcript_digest", "not a canonical scalar")


def _check_queries(protocol: Protocol) -> None:
    for where, queries, columns in (
        ("advice_queries", protocol.advice_queries, len(protocol.advice_phases)),
        ("fixed_queries", protocol.fixed_queries, protocol.num_fixed),
        ("instance_queries", protocol.instance_queries, len(protocol.instance_rows)),
    ):
        _need(len(queries) <= MAX_QUERIES, where, f"{len(queries)} is more than {MAX_QUERIES}")
        _need(len(set(queries)) == len(queries), where, "a query occurs twice")
        most = min(protocol.n - 1, MAX_ROTATION)
        for i, query in enumerate(queries):
            _need(0 <= query.column < columns, f"{where}[{i}]", f"column {query.column} does not exist")
            _need(abs(query.rotation) <= most, f"{where}[{i}]", f"rotation {query.rotation} is beyond ±{most}")
    rotations = len({q.rotation for q in (*protocol.advice_queries, *protocol.fixed_queries)})
    _need(rotations <= MAX_ROTATIONS, "advice_queries", f"{rotations} rotations, more than {MAX_ROTATIONS}")
    terms = sum(protocol.instance_rows[q.column] for q in protocol.instance_queries)
    _need(terms <= MAX_INSTANCE_TERMS, "instance_queries", f"{terms} rows in the queried columns, more than {MAX_INSTANCE_TERMS}")


def _check_nodes(protocol: Protocol) -> None:
    leaves = {
        "advice": len(protocol.advice_queries),
        "fixed": len(protocol.fixed_queries),
        "instance": len(protocol.instance_queries),
        "challenge": len(protocol.challenge_phases),
        "constant": R,
    }
    for i, node in enumerate(protocol.nodes):
        if node.kind in LEAVES:
            good = 0 <= node.a < leaves.get(node.kind, 0)
        elif node.kind in UNARY:
            good = 0 <= node.a < i and 0 <= node.b < R
        else:
            good = 0 <= node.a < i and 0 <= node.b < i
        if not good:
            raise _fail(f"nodes[{i}]", f"{node.kind} refers to something that does not exist before it")


def _check_arguments(protocol: Protocol) -> None:
    count = len(protocol.nodes)

    def nodes_exist(indices: Sequence[int], where: str) -> None:
        _need(all(0 <= g < count for g in indices), where, "a node does not exist")

    nodes_exist(protocol.gates, "gates")
    for i, lookup in enumerate(protocol.lookups):
        where = f"lookups[{i}]"
        nodes_exist(lookup.table, f"{where}.table")
        _need(len(lookup.table) >= 1 and len(lookup.inputs) >= 1, where, "a table or its inputs are empty")
        for row in lookup.inputs:
            nodes_exist(row, f"{where}.inputs")
            _need(len(row) == len(lookup.table), f"{where}.inputs", "a tuple is not as wide as the table")
    columns = protocol.permutation.columns
    _need(len(set(columns)) == len(columns), "permutation.columns", "a column occurs twice")
    queried = {
        "advice": {q.column for q in protocol.advice_queries if q.rotation == 0},
        "fixed": {q.column for q in protocol.fixed_queries if q.rotation == 0},
        "instance": set(range(len(protocol.instance_rows))),
    }
    for i, column in enumerate(columns):
        good = column.number in queried.get(column.kind, set())
        _need(good, f"permutation.columns[{i}]", "the column is not queried at rotation 0")


def _check_commitments(protocol: Protocol) -> None:
    for where, points, count in (
        ("fixed_commitments", protocol.fixed_commitments, protocol.num_fixed),
        ("permutation_commitments", protocol.permutation_commitments, len(protocol.permutation.columns)),
    ):
        _need(len(points) == count, where, f"{len(points)} commitments for {count} columns")
        for i, point in enumerate(points):
            _need(on_g1(point), f"{where}[{i}]", "not a point of the curve")


def rotations_in_use(protocol: Protocol) -> set[int]:
    """Return every rotation at which a proof opens some polynomial."""
    used = {0}
    for queries in (protocol.advice_queries, protocol.fixed_queries):
        used |= {q.rotation for q in queries}
    if protocol.num_products or protocol.lookups:
        used.add(1)
    if protocol.num_products > 1:
        used.add(protocol.last_rotation)
    return used


def _check_rotations(protocol: Protocol) -> None:
    # Two rotations that are equal modulo n would open one polynomial twice at one point: SHPLONK divides by zero there.
    used = rotations_in_use(protocol)
    _need(len({r % protocol.n for r in used}) == len(used), "k", "two rotations in use meet in one row")


def required_degree(protocol: Protocol) -> int:
    """Return the degree of the highest identity: gates, permutation, lookups (max(3 + tuples, table + Σ tuples + 2))."""
    degree = degrees(protocol.nodes)
    required = max((degree[g] for g in protocol.gates), default=0)
    for lookup in protocol.lookups:
        inputs = [max(degree[e] for e in row) for row in lookup.inputs]
        table = max(degree[e] for e in lookup.table)
        required = max(required, 3 + len(inputs), table + sum(inputs) + 2)
    columns = len(protocol.permutation.columns)
    if columns:
        required = max(required, min(protocol.permutation.chunk, columns) + 2)
    return required


def _check_labels(protocol: Protocol) -> None:
    _need(len(protocol.source) <= MAX_SOURCE_KEYS, "source", f"more than {MAX_SOURCE_KEYS} keys")
    for key, value in protocol.source.items():
        check_string(key, "source")
        if isinstance(value, str):
            check_string(value, f"source.{key}")
        elif value is not None:
            _need(isinstance(value, int) and not isinstance(value, bool), f"source.{key}", "not a string or integer")
            _need(abs(value) < 1 << 63, f"source.{key}", "an integer beyond 64 bits")
    if protocol.audit is not None:
        text = json.dumps(dict(protocol.audit), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        _need(len(text.encode()) <= MAX_AUDIT_BYTES, "audit", f"longer than {MAX_AUDIT_BYTES} bytes")
