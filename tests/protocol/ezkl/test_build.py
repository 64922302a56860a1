"""EZKL's settings and keys become the Protocol that its verifier means; hostile ones end quickly and by name."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors import read
from tests.verifier import shared_cases
from zkml.errors import MalformedArtifact
from zkml.protocol import Protocol, canonical_bytes
from zkml.protocol.ezkl import digest_candidates, protocol_from_ezkl, vka_digest
from zkml.protocol.ezkl.build import split_depths
from zkml.protocol.ezkl.circuit import finish
from zkml.protocol.ezkl.digest import digest_text
from zkml.protocol.ezkl.settings import read_settings

EZKL_KINDS = [kind for kind in read.KINDS if not kind.startswith("simulated_")]
MAX_SECONDS = 30.0


def files(kind: str) -> tuple[dict[str, Any], bytes]:
    folder = read.ROOT / kind
    return json.loads((folder / "settings.json").read_bytes()), (folder / "vk.key").read_bytes()


def build(kind: str, data: dict[str, Any], vk: bytes) -> Protocol:
    return protocol_from_ezkl(data, vk, read.protocol(kind).points)


@pytest.mark.parametrize("kind", EZKL_KINDS)
def test_settings_and_key_give_the_protocol_with_ezkl_s_digest(kind: str) -> None:
    assert canonical_bytes(build(kind, *files(kind))) == read.protocol_bytes(kind)


@pytest.mark.skipif(not shared_cases.NAMES, reason="the shared fixtures are not on this machine")
def test_the_linear_fixture_has_its_published_numbers() -> None:
    typed = read_settings(shared_cases.settings("linear"))
    circuit = finish(typed, shared_cases.key("linear"))
    protocol = shared_cases.protocol("linear")
    assert len(digest_text(circuit)) == 18247
    assert protocol.transcript_digest == 0x1BB97B524E2E48D4E7A1DAF1119E5807A0C4E7EA9166B9DAA498A02DD94AF9F2
    assert (len(protocol.advice_phases), protocol.num_fixed, circuit.num_selectors) == (6, 12, 16)
    assert (protocol.degree, protocol.num_products, len(protocol.lookups), protocol.proof_length) == (5, 3, 4, 3072)
    assert list(protocol.advice_queries) == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (4, -1)]


def test_the_timestamp_does_not_change_the_circuit() -> None:
    data, vk = files("linear")
    assert build("linear", data | {"timestamp": 1}, vk).circuit_id == read.protocol("linear").circuit_id


def test_another_order_of_the_range_checks_is_another_circuit() -> None:
    data, vk = files("linear")
    data["required_range_checks"].reverse()
    assert build("linear", data, vk).transcript_digest != read.protocol("linear").transcript_digest


def test_a_wide_table_has_a_digest_for_each_depth_of_its_tree() -> None:
    typed = read_settings(files("lookup_three_columns")[0])
    assert split_depths(typed) == (None,)
    data = files("lookup_three_columns")[0]
    data["run_args"]["lookup_range"] = [0, 248 * 40 - 1]
    assert split_depths(read_settings(data)) == (None, 3, 4, 5)


def test_the_digest_depends_on_the_depth_only_where_it_cuts() -> None:
    if "sigmoid_mc11" not in shared_cases.NAMES:
        pytest.skip("the shared fixtures are not on this machine")
    candidates = digest_candidates(shared_cases.settings("sigmoid_mc11"), shared_cases.key("sigmoid_mc11"))
    assert [depth for depth, _ in candidates] == [None, 3]
    assert len({digest for _, digest in candidates}) == 2


HOSTILE: list[tuple[str, Any]] = [
    ("run_args.logrows", 200),
    ("run_args.logrows", 3),
    ("run_args.logrows", "9"),
    ("run_args.num_inner_cols", 0),
    ("run_args.num_inner_cols", 60_000),
    ("run_args.lookup_range", [0]),
    ("run_args.input_visibility", "Open"),
    ("run_args.input_visibility", {"Hashed": {}}),
    ("total_assignments", 10**18),
    ("total_assignments", 10**7),
    ("total_assignments", -1),
    ("total_const_size", 10**18),
    ("total_const_size", 10**11),
    ("num_shuffles", 10**18),
    ("module_sizes.polycommit", [10**12]),
    ("module_sizes.polycommit", [1] * 60_000),
    ("module_sizes.poseidon", [1]),
    ("required_range_checks", [[-(10**30), 10**30]]),
    ("required_range_checks", [[0, 10**6]]),
    ("required_range_checks", [[i, i] for i in range(60_000)]),
    ("required_range_checks", [[0, 1 << 127]]),
    ("required_lookups", ["Nothing"]),
    ("required_lookups", [{"Sigmoid": {}}]),
    ("required_lookups", [{"Sigmoid": {"scale": 1e300}}]),
    ("required_lookups", [{"Sigmoid": {"scale": float(i + 1)}} for i in range(60_000)]),
    ("einsum_params", {"equations": [["a->a", {"a": 1 << 32}]], "total_einsum_col_size": 1}),
    ("einsum_params", {"equations": [["abc,abc->ab", dict.fromkeys("abc", 3000)]], "total_einsum_col_size": 1}),
    ("einsum_params", {"equations": [["ab,b->a", {"a": 2}]], "total_einsum_col_size": 1}),
    ("einsum_params", {"equations": [["ab", {"a": 2, "b": 2}]], "total_einsum_col_size": 1}),
    ("model_instance_shapes", [[1, 3]]),
    ("model_instance_shapes", [[1, 1 << 39], [1, 2]]),
    ("model_instance_shapes", [[0], [1]]),
    ("model_input_scales", [1000]),
    ("version", None),
]


@pytest.mark.parametrize(("path", "value"), HOSTILE, ids=[f"{i}-{p}" for i, (p, _) in enumerate(HOSTILE)])
def test_hostile_settings_end_in_a_typed_error_in_time(path: str, value: Any) -> None:
    data, vk = files("linear")
    target = data
    *parents, last = path.split(".")
    for part in parents:
        target = target[part]
    target[last] = value
    started = time.process_time()
    with pytest.raises(MalformedArtifact):
        build("linear", data, vk)
    assert time.process_time() - started < MAX_SECONDS


@given(seed=st.integers(0, 1 << 32), junk=st.none() | st.booleans() | st.integers(-5, 300) | st.just([]) | st.just({}))
@settings(max_examples=120, deadline=None)
def test_junk_in_settings_is_built_or_malformed(seed: int, junk: Any) -> None:
    data, vk = copy.deepcopy(files("lookup_three_columns"))
    places: list[tuple[Any, Any]] = []
    stack: list[Any] = [data]
    while stack:
        item = stack.pop()
        for key, child in item.items() if isinstance(item, dict) else enumerate(item):
            places.append((item, key))
            if isinstance(child, (dict, list)):
                stack.append(child)
    container, key = random.Random(seed).choice(places)
    container[key] = junk
    try:
        build("lookup_three_columns", data, vk)
    except MalformedArtifact:
        return


@pytest.mark.parametrize(
    "change",
    [
        lambda vk: b"",
        lambda vk: vk[:6],
        lambda vk: vk[:-1],
        lambda vk: vk + b"\0",
        lambda vk: b"\x02" + vk[1:],
        lambda vk: vk[:1] + b"\x0a" + vk[2:],
        lambda vk: vk[:2] + b"\x02" + vk[3:],
        lambda vk: vk[:2] + b"\x00" + vk[3:],
        lambda vk: vk[:3] + b"\xff\xff\xff\xff" + vk[7:],
        lambda vk: vk[:7] + b"\x01" + vk[8:],
        lambda vk: vk[:7] + b"\xff" * 64 + vk[71:],
    ],
)
def test_a_broken_key_is_malformed(change: Any) -> None:
    data, vk = files("linear")
    with pytest.raises(MalformedArtifact):
        build("linear", data, change(vk))


def test_the_key_of_another_circuit_is_malformed() -> None:
    with pytest.raises(MalformedArtifact):
        build("linear", files("linear")[0], files("lookup_three_columns")[1])


def test_a_vka_states_its_length() -> None:
    assert vka_digest((1).to_bytes(8, "little") + bytes(31) + b"\x05") == 5
    for bad in (b"", (2).to_bytes(8, "little") + bytes(32), (1).to_bytes(8, "little") + bytes(33)):
        with pytest.raises(MalformedArtifact):
            vka_digest(bad)
