"""Nested JSON from strangers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml.errors import MalformedArtifact
from zkml.files import MAX_DEPTH, parse_json

ROOT = Path(__file__).parents[1]


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_a_million_brackets_are_malformed_whatever_the_recursion_limit() -> None:
    program = "import sys; sys.setrecursionlimit(10**6)\nfrom zkml.files import parse_json\nparse_json(b'[' * 10**6, what='it')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "MalformedArtifact" in done.stderr
    assert done.returncode == 1


def test_depth_is_allowed_up_to_the_bound() -> None:
    assert parse_json(nested(MAX_DEPTH), what="it")
    with pytest.raises(MalformedArtifact, match="nested"):
        parse_json(nested(MAX_DEPTH + 1), what="it")


def test_brackets_in_strings_do_not_count() -> None:
    text = json.dumps({"a": "[" * 1000 + '"' + "\\" + "{" * 100})
    assert parse_json(text.encode(), what="it") == json.loads(text)


def test_importing_the_verifier_leaves_the_recursion_limit_alone() -> None:
    program = "import sys; a = sys.getrecursionlimit(); import zkml.verifier; print(sys.getrecursionlimit() - a)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@given(st.recursive(st.text(max_size=4) | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=20))
def test_ordinary_values_are_parsed(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), what="it") == value


def test_an_unclosed_string_of_escaped_quotes_is_scanned_once() -> None:
    with pytest.raises(MalformedArtifact):
        parse_json(b'"' + b'\\"' * 2_000_000, what="it")
