"""The parser of manifests takes what we write and answers anything else with `MalformedArtifact`."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml.bundle.artifacts import BY_NAME
from zkml.bundle.manifest import Record, encode_manifest, manifest_dict, parse_manifest
from zkml.errors import MalformedArtifact
from zkml.files import parse_json

RECORDS = {
    "model": Record("model", 1, "a" * 64, 5, {}),
    "circuit": Record("circuit", 1, "b" * 64, 7, {"model": "a" * 64}, facts={"logrows": 17}),
}
GOOD = manifest_dict(RECORDS)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def changed(path: tuple[str, ...], value: Any) -> Any:
    manifest = copy.deepcopy(GOOD)
    here = manifest
    for key in path[:-1]:
        here = here[key]
    if value is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return manifest


def paths(value: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [prefix] if prefix else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*prefix, key))
    return found


def test_what_is_written_reads_back() -> None:
    assert parse_manifest(parse_json(encode_manifest(RECORDS), what="it")) == RECORDS


CIRCUIT = ("artifacts", "circuit")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("kind",), "zkml.proof", "manifest"),
        (("version",), 2, "unknown-version"),
        (("version",), True, "unknown-version"),
        (("version",), 1.0, "unknown-version"),
        (("version",), ..., "unknown-version"),
        (("artifacts",), [], "manifest"),
        (("artifacts", "pkk"), {}, "unknown-kind"),
        (("artifacts", "../x"), {}, "unknown-kind"),
        (("artifacts", "\x1b[2J"), {}, "unknown-kind"),
        (CIRCUIT, None, "manifest"),
        ((*CIRCUIT, "kind"), "model", "manifest"),
        ((*CIRCUIT, "format"), 2, "unknown-version"),
        ((*CIRCUIT, "format"), True, "unknown-version"),
        ((*CIRCUIT, "format"), "1" * 10_000, "unknown-version"),
        ((*CIRCUIT, "sha256"), "B" * 64, "manifest"),
        ((*CIRCUIT, "sha256"), "b" * 63, "manifest"),
        ((*CIRCUIT, "sha256"), ["b"] * 64, "manifest"),
        ((*CIRCUIT, "size"), -1, "manifest"),
        ((*CIRCUIT, "size"), True, "manifest"),
        ((*CIRCUIT, "size"), 7.0, "manifest"),
        ((*CIRCUIT, "size"), BY_NAME["circuit"].max_bytes + 1, "manifest"),
        ((*CIRCUIT, "size"), 10**400, "manifest"),
        ((*CIRCUIT, "made_from"), ["model"], "manifest"),
        ((*CIRCUIT, "made_from"), {"model": "short"}, "manifest"),
        ((*CIRCUIT, "made_from"), {str(i): "a" * 64 for i in range(65)}, "manifest"),
        ((*CIRCUIT, "made_from"), {"k" * 1000: "a" * 64}, "manifest"),
        ((*CIRCUIT, "tools"), {"zkml": 1}, "manifest"),
        ((*CIRCUIT, "tools"), {"zkml": "v" * 1000}, "manifest"),
        ((*CIRCUIT, "facts"), [], "manifest"),
    ],
)
def test_each_field_is_checked(path: tuple[str, ...], value: Any, code: str) -> None:
    with pytest.raises(MalformedArtifact) as e:
        parse_manifest(changed(path, value))
    assert e.value.code == code
    assert "\x1b" not in e.value.message
    assert len(e.value.message) < 300


@given(json_values)
def test_any_value_is_parsed_or_malformed(value: Any) -> None:
    with pytest.raises(MalformedArtifact):
        parse_manifest(value)


@given(st.sampled_from(paths(GOOD)), json_values)
def test_any_value_in_any_place_is_parsed_or_malformed(path: tuple[str, ...], value: Any) -> None:
    try:
        records = parse_manifest(changed(path, value))
    except MalformedArtifact:
        return
    for name, record in records.items():
        assert name in BY_NAME
        assert 0 <= record.size <= BY_NAME[name].max_bytes
        assert len(record.sha256) == 64


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedArtifact):
        parse_manifest(parse_json(data, what="it"))
