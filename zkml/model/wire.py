"""Why bytes are not an ONNX file: empty, cut short, or something else altogether.

Walks the outermost protobuf fields of a `ModelProto` only; the real parse is protobuf's.
"""

from __future__ import annotations

from typing import Literal

WIRE_TYPES = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Wire type of every field of `ModelProto`: 0 varint, 2 length-delimited."""

Reason = Literal["empty", "truncated", "not-onnx"]


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    """Return (value, next position), or None where the bytes end first or the number has more than 64 bits."""
    value = 0
    for i in range(10):
        if at + i >= len(data):
            return None
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    return None


def why_unreadable(data: bytes) -> Reason:
    """Return the reason why `data`, which protobuf refused or which holds no graph, is not a model."""
    if not data:
        return "empty"
    at = 0
    fields = 0
    while at < len(data):
        tag = _varint(data, at)
        if tag is None:
            return "truncated" if fields else "not-onnx"
        key, at = tag
        if WIRE_TYPES.get(key >> 3) != key & 7:
            return "not-onnx"
        fields += 1
        value = _varint(data, at)
        if value is None:
            return "truncated"
        number, at = value
        if key & 7 == 2:
            at += number
    return "truncated" if at > len(data) else "not-onnx"
