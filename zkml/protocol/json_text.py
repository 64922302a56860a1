"""JSON from strangers: bounded in depth before it is parsed.

Python's scanner is bounded by the recursion limit alone, which any library may have raised (py-ecc does) beyond what the stack
holds: a file of a million brackets would then end the process.
"""

from __future__ import annotations

import re
from typing import Any

from zkml.errors import MalformedArtifact
from zkml.files import parse_json

MAX_DEPTH = 64

# A string, closed or not, so that the scan is linear on any input; or one bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_shallow(data: bytes, *, what: str) -> Any:
    """Return the parsed value. Raises `MalformedArtifact` on bad syntax, duplicate keys, or more than 64 levels."""
    depth = 0
    for token in _TOKEN.finditer(data):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedArtifact(f"{what} is nested deeper than {MAX_DEPTH} levels", code="json")
        elif first in b"]}":
            depth -= 1
    return parse_json(data, what=what)
