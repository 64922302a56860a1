"""Protocols as bytes: one canonical form, and nothing but `MalformedArtifact` for anything else."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors import read
from zkml.errors import MalformedArtifact
from zkml.protocol import canonical_bytes, decode
from zkml.protocol.encoding import from_data
from zkml.protocol.field import P, R

KINDS = ("linear", "matmul_freivalds", "simulated_three_phases")


def data(kind: str = "simulated_three_phases") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(read.protocol_bytes(kind))
    return value


@pytest.mark.parametrize("kind", read.KINDS)
def test_what_is_decoded_is_encoded_to_the_same_bytes(kind: str) -> None:
    assert canonical_bytes(read.protocol(kind)) == read.protocol_bytes(kind)


def test_white_space_key_order_and_audit_do_not_change_the_circuit_id() -> None:
    value = data()
    before = from_data(value).circuit_id
    reordered = json.dumps(dict(reversed(value.items())), indent=1).encode()
    assert decode(reordered).circuit_id == before
    assert from_data(value | {"audit": {"findings": [{"code": "x"}]}}).circuit_id == before


def test_anything_else_changes_the_circuit_id() -> None:
    value = data()
    before = from_data(value).circuit_id
    for change in (
        {"transcript_digest": "0x" + "0" * 64},
        {"source": {"compiler": "others"}},
        {"degree": value["degree"] + 1},
        {"gates": value["gates"][1:]},
    ):
        assert from_data(value | change).circuit_id != before


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_needed_and_no_other_is_allowed(kind: str) -> None:
    value = data(kind)
    for key in value:
        with pytest.raises(MalformedArtifact, match=key):
            from_data({k: v for k, v in value.items() if k != key})
    with pytest.raises(MalformedArtifact, match="extra"):
        from_data(value | {"extra": 1})


def edit(path: str, change: Any) -> dict[str, Any]:
    """Return the data with the value at `path` replaced, by a function of the old one or by a value."""
    value = copy.deepcopy(data())
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    target: Any = value
    for part in parents:
        target = target[part]
    target[last] = change(target[last]) if callable(change) else change
    return value


def longer(item: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda old: [*old, item]


BAD: list[tuple[str, Any]] = [
    ("kind", "other"),
    ("version", 2),
    ("version", True),
    ("k", 0),
    ("k", 29),
    ("k", 5.0),
    ("k", True),
    ("k", 2),
    ("num_fixed", 3),
    ("num_fixed", 70_000),
    ("advice_phases.0", 256),
    ("advice_phases.0", -1),
    ("challenge_phases", [0] * 1025),
    ("advice_queries.0", [4, 0]),
    ("advice_queries.0", [0, 32]),
    ("advice_queries.0", [0, 0, 0]),
    ("advice_queries.0", [0, 1]),
    ("advice_queries.1", [0, -31]),
    ("advice_queries", longer([3, -30])),
    ("instance_queries.0", [2, 0]),
    ("nodes.7", ["product", 7, 1]),
    ("nodes.7", ["product", 0, -1]),
    ("nodes.7", ["selector", 0]),
    ("nodes.7", ["product", 0]),
    ("nodes.7", []),
    ("nodes.7", ["scaled", 0, "0x" + f"{R:064x}"]),
    ("nodes.0", ["advice", 7]),
    ("nodes.5", ["challenge", 4]),
    ("nodes.14", ["constant", 3]),
    ("gates.0", 21),
    ("gates.0", -1),
    ("lookups.0.inputs", []),
    ("lookups.0.inputs.0", [0]),
    ("lookups.0.table", []),
    ("lookups.0.table.0", 99),
    ("permutation.chunk", 0),
    ("fixed_queries.2", [0, 1]),
    ("permutation.columns.0", ["selector", 0]),
    ("permutation.columns.0", ["advice", 9]),
    ("permutation.columns.0", ["advice", 3]),
    ("blinding_factors", 0),
    ("blinding_factors", 31),
    ("degree", 2),
    ("degree", 65),
    ("degree", 5),
    ("instance_rows.0", 40),
    ("instance_rows.0", 4),
    ("fixed_commitments.1", "0x" + "0" * 127 + "1"),
    ("fixed_commitments.1", "0x" + f"{P:064x}" + "0" * 64),
    ("fixed_commitments.1", "0x" + "A" * 128),
    ("fixed_commitments.1", "0x" + "0" * 126),
    ("fixed_commitments", longer("0x" + "0" * 128)),
    ("permutation_commitments", longer("0x" + "0" * 128)),
    ("transcript_digest", f"0x{R:064x}"),
    ("transcript_digest", 5),
    ("srs.g1", "0x" + "0" * 128),
    ("srs.g2", lambda old: old[:-1] + ("0" if old[-1] != "0" else "1")),
    ("srs.tau_g2", "0x" + "0" * 256),
    ("srs.tau_g2", lambda old: old[:-1] + ("0" if old[-1] != "0" else "1")),
    ("statement.tensors.0.name", "c"),
    ("statement.tensors.0.name", ""),
    ("statement.tensors.0.name", "é"),
    ("statement.tensors.0.role", "weights"),
    ("statement.tensors.0.visibility", "private"),
    ("statement.tensors.0.shape", [3]),
    ("statement.tensors.0.shape", [-1, -2]),
    ("statement.tensors.0.scale", 129),
    ("statement.tensors.0.row", 1),
    ("statement.tensors.0.column", 1),
    ("statement.tensors.0.domain", ["8", "-8"]),
    ("statement.tensors.0.domain", ["08", "9"]),
    ("statement.tensors.0.domain", ["1"]),
    ("statement.tensors.0.domain", [1, 2]),
    ("statement.tensors.0.domain", ["0", str(R)]),
    ("statement.tensors", lambda old: old[:-1]),
    ("source", {"a": 1.5}),
    ("source", {"a": True}),
    ("source", {"a": [1]}),
    ("source", {"a": 1 << 63}),
    ("source", {str(i): 1 for i in range(33)}),
    ("source", []),
    ("audit", []),
    ("audit", {"a": 0.5}),
    ("audit", {"a": "x" * (1 << 20)}),
    ("audit", {"a": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}),
]


@pytest.mark.parametrize(("path", "change"), BAD, ids=[f"{i}-{path}" for i, (path, _) in enumerate(BAD)])
def test_a_broken_bound_is_malformed(path: str, change: Any) -> None:
    with pytest.raises(MalformedArtifact):
        from_data(edit(path, change))


def test_the_degree_covers_the_permutation_s_chunks() -> None:
    value = data()
    columns = value["permutation"]["columns"]
    assert from_data(value | {"degree": 6, "permutation": {"columns": columns, "chunk": 4}}).degree == 6
    with pytest.raises(MalformedArtifact, match="degree"):
        from_data(value | {"degree": 6, "permutation": {"columns": columns, "chunk": 5}})


def test_numbers_with_fraction_or_exponent_and_duplicate_keys_are_malformed() -> None:
    text = read.protocol_bytes("linear").decode()
    for old, new in (('"k":9', '"k":9.0'), ('"k":9', '"k":9e0'), ('"k":9', '"k":9,"k":9'), ('"k":9', '"k":NaN')):
        assert old in text
        with pytest.raises(MalformedArtifact):
            decode(text.replace(old, new).encode())


def test_a_point_of_the_twist_outside_the_subgroup_is_malformed() -> None:
    # x = 1 + 0·i lies on the twist after a search over small x; such points are almost never in the subgroup.
    from zkml.protocol.points import in_g2

    point = twist_point()
    assert not in_g2(point)
    with pytest.raises(MalformedArtifact, match="tau_g2"):
        from_data(edit("srs.tau_g2", "0x" + "".join(f"{c:064x}" for c in point)))


def twist_point() -> tuple[int, int, int, int]:
    """Return a point of the twist: y is a square root in Fp² of x³ + b for the first x = t + 0·i that has one."""
    from zkml.protocol.points import TWIST_B

    def root(a: int) -> int | None:
        r = pow(a, (P + 1) // 4, P)
        return r if r * r % P == a % P else None

    for x in range(1, 1000):
        a, b = (x**3 + TWIST_B[0]) % P, TWIST_B[1]
        norm = root((a * a + b * b) % P)
        if norm is None:
            continue
        for sign in (1, -1):
            half = root((a + sign * norm) * pow(2, -1, P) % P)
            if half:
                y = (half, b * pow(2 * half, -1, P) % P)
                if ((y[0] ** 2 - y[1] ** 2) % P, 2 * y[0] * y[1] % P) == (a, b):
                    return (x, 0, *y)
    raise AssertionError("no small x lies on the twist")


def nodes_of(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) below a JSON value."""
    out: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        children = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        for key, child in children:
            out.append((item, key))
            stack.append(child)
    return out


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(seed=st.integers(0, 1 << 32), junk=JUNK)
@settings(max_examples=150, deadline=None)
def test_junk_anywhere_is_decoded_or_malformed(seed: int, junk: Any) -> None:
    value = data()
    places = nodes_of(value)
    container, key = places[random.Random(seed).randrange(len(places))]
    container[key] = junk
    try:
        protocol = from_data(value)
    except MalformedArtifact:
        return
    assert decode(canonical_bytes(protocol)) == protocol


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_are_decoded_or_malformed(seed: int) -> None:
    rng = random.Random(seed)
    raw = bytearray(read.protocol_bytes("simulated_gates_only"))
    for _ in range(rng.randrange(1, 4)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    try:
        decode(bytes(raw))
    except MalformedArtifact:
        return
