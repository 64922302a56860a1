"""Both decoders take the same files: what one reads the other reads to the same value, what one refuses the other refuses."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.vectors.read import proof_bytes, protocol_bytes
from zkml._core import verifier as native
from zkml.errors import MalformedArtifact
from zkml.protocol import canonical_bytes, decode, read_proof
from zkml.verifier.native import proof_from_json

EDITS = 400
KINDS = ("linear", "matmul_freivalds", "simulated_three_phases", "hashed_input")


def outcome(read: Callable[[bytes], Any], data: bytes) -> Any:
    """Return what is read, None where the file is malformed."""
    try:
        return read(data)
    except MalformedArtifact:
        return None


def plain_protocol(data: bytes) -> tuple[str, bytes]:
    protocol = decode(data)
    return protocol.circuit_id, canonical_bytes(protocol, with_audit=False)


def native_protocol(data: bytes) -> tuple[str, bytes]:
    return native.Verifier(data).circuit_id, native.canonical_protocol(data)


def with_key(data: bytes, text: str) -> bytes:
    """Return the JSON object with one more key, its value spelled as given."""
    return data.rstrip()[:-1] + b',"more":' + text.encode() + b"}"


IGNORED = {
    "-0": True,
    "-0.0": True,
    "1e999": False,
    "-1e999": False,
    "1e-999": True,
    "0e999999999999": True,
    "1.7976931348623158e308": True,
    "1.7976931348623159e308": False,
    "9" * 308: True,
    "9" * 400: False,
    "9" * 5000: False,
    "-" + "9" * 25: True,
    "18446744073709551616": True,
    "01": False,
    "1.": False,
    ".5": False,
    "+1": False,
    "1e": False,
    "NaN": False,
    "Infinity": False,
    "-Infinity": False,
    '"\\ud800"': False,
    '"\\udc00"': False,
    '"\\ud800\\ud800"': False,
    '"\\udc00\\ud800"': False,
    '"\\ud83d\\ude00"': True,
    '"\\\\ud800"': True,
    '{"\\ud800":1}': False,
    '{"a":1,"\\u0061":2}': False,
    '"\\x41"': False,
    '"\\u00g0"': False,
    '"\t"': False,
    '"\x7f"': True,
    "[1,]": False,
    "[" * 63 + "]" * 63: True,
    "[" * 64 + "]" * 64: False,
    "'a'": False,
    "tru": False,
}
"""Values of a key that is not read, and whether the file parses all the same."""


@pytest.mark.parametrize(("text", "parses"), IGNORED.items(), ids=[repr(text[:30]) for text in IGNORED])
def test_a_key_that_is_not_read_must_still_be_json(text: str, parses: bool) -> None:
    data = with_key(b'{"instances":[],"proof":[1,2]}', text)
    assert (outcome(read_proof, data) is not None) == parses
    assert (outcome(proof_from_json, data) is not None) == parses


PLACES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "k": lambda d: d,
    "num_fixed": lambda d: d,
    "version": lambda d: d,
    "chunk": lambda d: d["permutation"],
    "scale": lambda d: d["statement"]["tensors"][0],
    "row": lambda d: d["statement"]["tensors"][0],
    "source": lambda d: d,
    "audit": lambda d: d,
    "role": lambda d: d["statement"]["tensors"][0],
    "srs": lambda d: d,
    "permutation": lambda d: d,
    "statement": lambda d: d,
    "lookups": lambda d: d,
    "nodes": lambda d: d,
}

ODD_VALUES = (
    "-0", "0.0", "1e0", "true", "null", '"1"', "[]", "{}", "1e999", "18446744073709551616", "-9223372036854775808",
    '{"a":-0}', '{"a":1e2}', '{"a":"\\ud800"}', '{"a":9223372036854775807}', '{"a":9223372036854775808}', '{"input":null}',
    '[["advice",0],1]',
)  # fmt: skip


@pytest.mark.parametrize("key", PLACES)
def test_odd_values_have_one_fate(key: str) -> None:
    for text in ODD_VALUES:
        value = json.loads(protocol_bytes("linear"))
        PLACES[key](value)[key] = "@"
        data = json.dumps(value).replace('"@"', text).encode()
        assert outcome(native_protocol, data) == outcome(plain_protocol, data), text


def test_an_array_is_no_object_and_an_object_no_word() -> None:
    good = json.loads(protocol_bytes("linear"))
    assert outcome(native_protocol, json.dumps(good).encode()) is not None
    fields = sorted(good)
    spellings: list[Any] = [[good[name] for name in fields]]
    for name in ("permutation", "srs", "statement"):
        spellings.append({**good, name: [good[name][key] for key in sorted(good[name])]})
    tensor = good["statement"]["tensors"][0]
    spellings.append({**good, "statement": {"tensors": [[tensor[key] for key in sorted(tensor)]]}})
    spellings.append({**good, "statement": {"tensors": [{**tensor, "role": {tensor["role"]: None}}]}})
    kind, *rest = good["nodes"][0]
    spellings.append({**good, "nodes": [[{kind: None}, *rest], *good["nodes"][1:]]})
    column = good["permutation"]["columns"][0]
    columns = [[{column[0]: None}, column[1]], *good["permutation"]["columns"][1:]]
    spellings.append({**good, "permutation": {**good["permutation"], "columns": columns}})
    for value in spellings:
        data = json.dumps(value).encode()
        assert outcome(plain_protocol, data) is None
        assert outcome(native_protocol, data) is None


def leaves(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value inside."""
    found: list[tuple[Any, Any]] = []
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        found += leaves(value[key])
    return found


def edited(value: Any, rng: random.Random) -> Any:
    """Return JSON data with up to three values deleted, repeated, moved or changed."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.randrange(1, 4)):
        places = leaves(value)
        if not places:
            return value
        container, key = rng.choice(places)
        old = container[key]
        match rng.randrange(6):
            case 0 if isinstance(container, list):
                del container[key]
            case 1 if isinstance(container, list):
                container.insert(key, old)
            case 2 if isinstance(old, int) and not isinstance(old, bool):
                container[key] = rng.choice([old + 1, old - 1, -old, 0, 1 << rng.randrange(70), old + 0.5])
            case 3 if isinstance(old, str) and old:
                at = rng.randrange(len(old))
                container[key] = old[:at] + rng.choice(["", "0", "f", "F", "g", "\x00", "é", old[at] * 2]) + old[at + 1 :]
            case 4:
                other, other_key = rng.choice(places)
                try:
                    container[key] = other[other_key]
                    json.dumps(value)
                except (ValueError, KeyError, IndexError, RecursionError):  # the place is gone, or holds itself
                    container[key] = old
            case _:
                container[key] = rng.choice([None, True, [], {}, "", 0, -1, [old], {"a": old}])
    return value


def assert_agreement(kind: str, count: int, seed: int) -> None:
    rng = random.Random(f"decoders {kind} {seed}")
    protocol, proof = json.loads(protocol_bytes(kind)), json.loads(proof_bytes(kind))
    for at in range(count):
        data = json.dumps(edited(protocol, rng)).encode()
        assert outcome(native_protocol, data) == outcome(plain_protocol, data), (at, data)
        data = json.dumps(edited(proof, rng)).encode()
        assert outcome(proof_from_json, data) == outcome(read_proof, data), (at, data)


@pytest.mark.parametrize("kind", KINDS)
def test_edited_files_are_read_alike(kind: str) -> None:
    assert_agreement(kind, 60, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_edited_files_in_number_are_read_alike(kind: str) -> None:
    assert_agreement(kind, 2000, seed=1)


def test_bounds_on_the_verifiers_own_work_are_the_same() -> None:
    good = json.loads(protocol_bytes("linear"))
    k, rows = 20, 1 << 19
    tensors = [{**good["statement"]["tensors"][0], "shape": [rows], "length": rows, "domain": None}]
    big = {**good, "k": k, "instance_rows": [rows], "statement": {"tensors": tensors}}
    count = len(good["advice_queries"])
    rotations = [[0, i] for i in range(2, 140)]
    cases = {
        "as many blinding rows as allowed": ({**big, "blinding_factors": 1 << 16}, True),
        "one more": ({**big, "blinding_factors": (1 << 16) + 1}, False),
        "32 queries of 2^19 instances": ({**big, "instance_queries": [[0, i] for i in range(32)]}, True),
        "33 queries": ({**big, "instance_queries": [[0, i] for i in range(33)]}, False),
        "128 rotations": ({**big, "advice_queries": [*good["advice_queries"], *rotations[:120]]}, True),
        "more rotations": ({**big, "advice_queries": [*good["advice_queries"], *rotations]}, False),
    }
    assert count < 128
    for name, (value, parses) in cases.items():
        data = json.dumps(value).encode()
        assert (outcome(plain_protocol, data) is not None) == parses, name
        assert outcome(native_protocol, data) == outcome(plain_protocol, data), name


def test_a_file_beyond_its_bound_is_not_parsed() -> None:
    for size, readers in ((16 << 20, (plain_protocol, native_protocol)), (64 << 20, (read_proof, proof_from_json))):
        data = b" " * size + b"{}"
        for read in readers:
            with pytest.raises(MalformedArtifact, match=r"larger|more than"):
                read(data)
