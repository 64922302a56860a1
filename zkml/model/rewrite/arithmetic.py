"""Integer division, remainders, shifts and casts, which EZKL takes for operations on real numbers."""

from __future__ import annotations

import numpy as np
import onnx

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

FLOATS = ("float", "double", "float16", "bfloat16")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
WHOLE = (*SIGNED, *UNSIGNED)
BITS = {kind: int(kind.lstrip("uint")) for kind in WHOLE}


def floor_quotient(site: Site, a: str, b: str) -> str:
    """Return ⌊a/b⌋ of floats that hold integers, b positive: ⌊(a + ½)/b⌋, whose argument is never near an integer from below."""
    half = site.const(np.asarray(0.5, dtype=np.float32), "half")
    return site.op_("Floor", site.div(site.add(a, half), b))


def divide(site: Site) -> list[str] | None:
    """Precondition: integers. Truncates: the sign times the quotient of the magnitudes."""
    kind = site.dtype(site.node.output[0]) or site.dtype(site.input(0))
    if kind not in WHOLE:
        return None
    a, b = site.cast(site.input(0), "float"), site.cast(site.input(1), "float")
    if kind in UNSIGNED:
        return [site.cast(floor_quotient(site, a, b), kind)]
    size = floor_quotient(site, site.op_("Abs", a), site.op_("Abs", b))
    return [site.cast(site.mul(site.mul(site.op_("Sign", a), site.op_("Sign", b)), size), kind)]


def modulo(site: Site) -> list[str] | None:
    """The remainder of the floored quotient or, with `fmod`, of the truncated one."""
    kind = site.dtype(site.input(0))
    a, b = site.input(0), site.input(1)
    if kind in FLOATS:
        quotient = site.div(a, b)
        whole = truncated(site, quotient) if site.attribute("fmod", 0) else site.op_("Floor", quotient)
        return [site.sub(a, site.mul(whole, b))]
    if kind not in WHOLE:
        return None
    a, b = site.cast(a, "float"), site.cast(b, "float")
    if site.attribute("fmod", 0):
        size = floor_quotient(site, site.op_("Abs", a), site.op_("Abs", b))
        whole = site.mul(site.mul(site.op_("Sign", a), site.op_("Sign", b)), size)
    elif kind in UNSIGNED:
        whole = floor_quotient(site, a, b)
    else:
        sign = site.op_("Sign", b)
        whole = floor_quotient(site, site.mul(a, sign), site.op_("Abs", b))
    return [site.cast(site.sub(a, site.mul(whole, b)), kind)]


def truncated(site: Site, value: str) -> str:
    """Return the value without its fraction."""
    return site.mul(site.op_("Sign", value), site.op_("Floor", site.op_("Abs", value)))


def cast(site: Site) -> list[str] | None:
    """Precondition: from a float to an integer, or from a number to a boolean."""
    source, x = site.dtype(site.input(0)), site.input(0)
    target = onnx.TensorProto.DataType.Name(site.attribute("to")).lower()
    if target == "bool" and source in (*FLOATS, *WHOLE):
        zero = site.like(0, x, "zero")
        return [site.op_("Greater", site.op_("Abs", x) if source not in UNSIGNED else x, zero)]
    if target in FLOATS and source in WHOLE:
        return _there_and_back(site, x, source)
    if target in WHOLE and source in FLOATS:
        if site.is_whole(x):
            return None
        return [site.cast(truncated(site, x), target)]
    return None


def _there_and_back(site: Site, x: str, kind: str) -> list[str] | None:
    """Precondition: the integer was cast from a float that held whole numbers, clipped to a small type."""
    maker = site.maker(x)
    if maker is None or maker.op_type != "Cast" or not site.is_whole(maker.input[0]):
        return None
    inner = site.maker(maker.input[0])
    clipped = inner is not None and inner.op_type == "Clip"
    if site.dtype(maker.input[0]) not in FLOATS or not (clipped or kind in ("int32", "int64")):
        return None
    return [maker.input[0]]


def shift(site: Site) -> list[str] | None:
    """Precondition: the shifts are constant, none negative nor as wide as the type; to the left, a type of at most 16 bits, or
    one without sign whose values the type does not cut short."""
    kind, by = site.dtype(site.input(0)), site.constant(site.input(1))
    if kind not in WHOLE or by is None:
        return None
    bits = BITS[kind]
    if (by < 0).any() or (by >= bits).any():
        return None
    x = site.cast(site.input(0), "float")
    powers = site.const(np.power(2.0, by.astype(np.float64)).astype(np.float32), "powers")
    if site.attribute("direction") == "RIGHT":
        return [site.cast(floor_quotient(site, x, powers), kind)]
    value = site.mul(x, powers)
    if bits > 16:
        return [site.cast(value, kind)] if kind in UNSIGNED else None
    turn = site.const(np.asarray(2.0**bits, dtype=np.float32), "turn")
    lowest = site.const(np.asarray(2.0 ** (bits - 1) if kind in SIGNED else 0, dtype=np.float32), "lowest")
    turns = floor_quotient(site, site.add(value, lowest), turn)
    return [site.cast(site.sub(value, site.mul(turns, turn)), kind)]


def bit_cast(site: Site) -> list[str] | None:
    """Precondition: between signed and unsigned integers of one size, of at most 16 bits."""
    source, x = site.dtype(site.input(0)), site.input(0)
    target = onnx.TensorProto.DataType.Name(site.attribute("to")).lower()
    if source not in WHOLE or target not in WHOLE or BITS[source] != BITS[target] or BITS[source] > 16:
        return None
    wide = site.cast(x, "int64")
    turn, edge = 1 << BITS[source], 1 << (BITS[source] - 1)
    if source in SIGNED and target in UNSIGNED:
        less = site.op_("Less", wide, site.const(np.asarray(0, dtype=np.int64), "zero"))
        wide = site.where(less, site.add(wide, site.const(np.asarray(turn, dtype=np.int64), "turn")), wide)
    elif source in UNSIGNED and target in SIGNED:
        less = site.op_("Less", wide, site.const(np.asarray(edge, dtype=np.int64), "edge"))
        wide = site.where(less, wide, site.sub(wide, site.const(np.asarray(turn, dtype=np.int64), "turn")))
    return [site.cast(wide, target)]


def bitwise_not(site: Site) -> list[str] | None:
    kind, x = site.dtype(site.input(0)), site.input(0)
    if kind not in SIGNED and kind not in ("uint8", "uint16"):
        return None
    top = -1 if kind in SIGNED else (1 << BITS[kind]) - 1
    return [site.sub(site.like(top, x, "ones"), x)]


RULES = (
    Rule(
        "integer-division",
        frozenset({"Div"}),
        "⌊a/b⌋ = ⌊(a + ½)/b⌋ for integers, and division of integers drops the fraction of the magnitudes' quotient",
        divide,
    ),
    Rule("modulo", frozenset({"Mod"}), "the definition: a − b·q with the floored or truncated quotient q", modulo),
    Rule(
        "cast",
        frozenset({"Cast"}),
        "sign(x)·⌊|x|⌋ is x without its fraction, a number is true when it is not 0, and whole floats survive being integers",
        cast,
    ),
    Rule(
        "bit-shift",
        frozenset({"BitShift"}),
        "a shift by k is a multiplication by 2^k less whole turns of the type, or the floored quotient",
        shift,
    ),
    Rule("bit-cast", frozenset({"BitCast"}), "in two's complement −x is 2^n − x", bit_cast),
    Rule("bitwise-not", frozenset({"BitwiseNot"}), "in two's complement ~x = −1 − x, without sign 2^n − 1 − x", bitwise_not),
)
