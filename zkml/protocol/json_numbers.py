"""Numbers in the JSON of Protocols and proofs, read as readers without big integers do: the same files parse everywhere."""

from __future__ import annotations

import math

_LONGEST = 20
"""The characters of the longest integer of 64 bits, sign included."""


def integer(text: str) -> int | float:
    """Return the integer; a float (never a valid field) for −0 and what is beyond 64 bits. Raises `ValueError` beyond floats."""
    if len(text) <= _LONGEST and text != "-0":
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:32]} is too large")
    return value
