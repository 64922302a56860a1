"""Quantised operators by floats that hold integers: rounding, clipping, and products less their zero points."""

from __future__ import annotations

from typing import Any

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site

RANGES = {
    "uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767), "int32": (-(1 << 31), (1 << 31) - 1),
}  # fmt: skip

KEPT = 4.0
MAX_HALVINGS = 6


def quantize(site: Site) -> list[str] | None:
    """Precondition: constant scales and zero points; per tensor, per axis or in blocks; a type of whole numbers."""
    x, shape = site.input(0), site.shape(site.input(0))
    kind = site.dtype(site.node.output[0])
    scale = wide(site, 1, shape)
    zero = wide(site, 2, shape) if site.input(2) else np.zeros(1)
    if scale is None or zero is None or kind not in RANGES or not site.dtype(x):
        return None
    value = site.cast(x, "float") if site.dtype(x) != "float" else x
    return [site.cast(_rounded(site, value, scale, zero, RANGES[kind]), kind)]


def _rounded(site: Site, value: str, scale: np.ndarray, zero: np.ndarray, limits: tuple[int, int]) -> str:
    whole = site.op_("Round", times(site, value, 1 / scale.astype(np.float64)))
    if zero.any():
        whole = site.add(whole, site.const(zero.astype(np.float32), "zero-point"))
    low, high = (site.const(np.asarray(v, dtype=np.float32), n) for v, n in zip(limits, ("low", "high"), strict=True))
    return site.op_("Clip", whole, low, high)


def dequantize(site: Site) -> list[str] | None:
    """Precondition: constant scales and zero points. A quantised value that is only read here never becomes an integer."""
    x, shape = site.input(0), site.shape(site.input(0))
    scale = wide(site, 1, shape)
    zero = wide(site, 2, shape) if site.input(2) else np.zeros(1)
    if scale is None or zero is None:
        return None
    value = x
    maker = site.maker(x)
    if maker is not None and maker.op_type == "Cast" and site.dtype(maker.input[0]) == "float":
        value = maker.input[0]  # whole and clipped already: the cast changed nothing
    elif site.dtype(x) != "float":
        value = site.cast(x, "float")
    if zero.any():
        value = site.sub(value, site.const(zero.astype(np.float32), "zero-point"))
    return [times(site, value, scale.astype(np.float64))]


def times(site: Site, value: str, factor: np.ndarray) -> str:
    """Return the value times a constant factor. A small one is taken in steps of which all but the first are powers of two: those
    a fixed-point number holds exactly, and the first holds most digits when it is about `KEPT`."""
    most = float(np.abs(factor).max())
    halvings = max(0, int(np.ceil(np.log2(KEPT / most)))) if 0 < most < 0.5 else 0
    product = site.mul(value, site.const((factor * 2.0**halvings).astype(np.float32), "factor"))
    while halvings:
        step = min(halvings, MAX_HALVINGS)
        product = site.mul(product, site.const(np.asarray(2.0**-step, dtype=np.float32), "power-of-two"))
        halvings -= step
    return product


def wide(site: Site, index: int, shape: tuple[int, ...] | None) -> np.ndarray | None:
    """Return a constant scale or zero point so that it broadcasts over a value of `shape`, None when it is not constant."""
    array = site.constant(site.input(index))
    if array is None:
        return None
    array = array.astype(np.float32)
    block = site.attribute("block_size", 0)
    if array.size == 1:
        return array.reshape(())
    if shape is None:
        return None
    axis = site.attribute("axis", 1) % len(shape)
    if block:
        return np.repeat(array, block, axis=axis)[tuple(slice(0, s) for s in shape)]
    along = [1] * len(shape)
    along[axis] = array.size
    return array.reshape(along)


def centred(site: Site, index: int, zero: int, *, rows: bool | None = None) -> str | None:
    """Return an integer input as floats less its constant zero point, one for all or, as `rows` says, one a row or column."""
    name = site.input(index)
    point = np.zeros(()) if not site.input(zero) else site.constant(site.input(zero))
    shape = site.shape(name)
    if point is None or shape is None:
        return None
    known = site.constant(name)
    point = point.astype(np.float32)
    point = point.reshape(()) if point.size == 1 else point.reshape((-1, 1)) if rows and point.ndim == 1 else point
    if known is not None:
        return site.const(known.astype(np.float32) - point, "centred")
    value = site.cast(name, "float")
    return site.sub(value, site.const(point, "zero-point")) if point.any() else value


def matmul_integer(site: Site) -> list[str] | None:
    a, b = centred(site, 0, 2, rows=True), centred(site, 1, 3, rows=False)
    return None if a is None or b is None else [site.cast(site.op_("MatMul", a, b), "int32")]


def conv_integer(site: Site) -> list[str] | None:
    a, b = centred(site, 0, 2), centred(site, 1, 3)
    if a is None or b is None or site.constant(site.input(1)) is None:
        return None
    return [site.cast(site.make("Conv", [a, b], **_window(site))[0], "int32")]


def _window(site: Site) -> dict[str, Any]:
    return {n: site.attribute(n) for n in ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")}


def qlinear(site: Site) -> list[str] | None:
    """`QLinearMatMul` and `QLinearConv`. Precondition: constant scales and zero points, one for each tensor or for each output
    channel of the kernel."""
    conv = site.op == "QLinearConv"
    a, b = centred(site, 0, 2, rows=True), centred(site, 3, 5, rows=False)
    scales = [site.constant(site.input(i)) for i in (1, 4, 6)]
    zero = site.constant(site.input(7))
    kind = site.dtype(site.input(7))
    made = site.shape(site.node.output[0])
    if a is None or b is None or any(s is None for s in scales) or zero is None or kind not in RANGES or made is None:
        return None
    left, right, out = (np.asarray(s, dtype=np.float64) for s in scales)
    if left.size > 1 or out.size > 1 or zero.size > 1:
        return None
    if conv:
        if right.size > 1:
            right = right.reshape([1, -1] + [1] * (len(made) - 2))
        inputs = [a, b]
        if site.input(8):
            bias = site.constant(site.input(8))
            if bias is None:
                return None
            inputs.append(site.const(bias.astype(np.float32), "bias"))
        product = site.make("Conv", inputs, **_window(site))[0]
    else:
        product = site.op_("MatMul", a, b)
    scale = out.reshape(()) / (left.reshape(()) * (right.reshape(()) if right.size == 1 else right))
    rounded = _rounded(site, product, np.asarray(scale), zero.reshape(()), RANGES[kind])
    return [site.cast(rounded, kind)]


RULES = (
    Rule("quantize", frozenset({"QuantizeLinear"}), "the definition: round(x/s) + z, clipped to the type", quantize),
    Rule("dequantize", frozenset({"DequantizeLinear"}), "the definition: (q − z)·s", dequantize),
    Rule("matmul-integer", frozenset({"MatMulInteger"}), "integers below 2^24 are exact in floats", matmul_integer),
    Rule("conv-integer", frozenset({"ConvInteger"}), "integers below 2^24 are exact in floats", conv_integer),
    Rule(
        "qlinear",
        frozenset({"QLinearMatMul", "QLinearConv"}),
        "the product of (q − z)·s on both sides, quantised again",
        qlinear,
    ),
)
