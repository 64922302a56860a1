"""Operators that are affine in one variable input when the others are constants: a product with the matrix that they are.

The matrix is found by running the operator on the unit vectors. An axis-by-axis `Resize` has a matrix for each axis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site
from zkml.model.session import session

OPS = frozenset({
    "Col2Im", "DFT", "DeformConv", "GridSample", "MaxUnpool", "Resize", "RoiAlign", "STFT", "TensorScatter", "Upsample",
})  # fmt: skip
MAX_INPUT = 2048
MAX_ENTRIES = 1 << 21
FLOATS = ("float", "double")


def affine(site: Site) -> list[str] | None:
    """Precondition: the first input alone varies, is a float and small; `RoiAlign` takes means."""
    x, shape, made = site.input(0), site.shape(site.input(0)), site.shape(site.node.output[0])
    if shape is None or made is None or site.dtype(x) not in FLOATS or len(site.node.output) > 1:
        return None
    if site.op == "RoiAlign" and site.attribute("mode", "avg") != "avg":
        return None
    if site.op == "Resize" and not ends_agree(site, shape):
        return None
    if any(n and not site.is_constant(n) for n in site.node.input[1:]):
        return None
    if site.op == "Resize" and (separate := by_axis(site)) is not None:
        return separate
    size, width = int(np.prod(shape)), int(np.prod(made))
    if size > MAX_INPUT or size * width > MAX_ENTRIES:
        return None
    found = matrix_of(site, shape, width)
    if found is None:
        return None
    matrix, offset = found
    flat = choice(site, site.reshape(x, [1, size]), matrix, 1, np.float32)
    if offset.any():
        flat = site.add(flat, site.like(offset.reshape(1, width), x, "offset"))
    return [site.reshape(flat, made)]


def choice(site: Site, value: str, matrix: np.ndarray, axis: int, kind: type) -> str:
    """Return the product of the last axis of `value` with a matrix, by a gather when each column chooses one element."""
    ones = (matrix == 1).sum(axis=0)
    if bool((ones == 1).all()) and bool(((matrix != 0).sum(axis=0) == 1).all()):
        return site.gather(value, matrix.argmax(axis=0), axis)
    return site.op_("MatMul", value, site.const(matrix.astype(kind), "matrix"))


def matrix_of(site: Site, shape: tuple[int, ...], width: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the matrix [inputs, outputs] and the offset of the operator, None when nothing here can run it."""
    size = int(np.prod(shape))
    run = runner(site.node, shape, {n: site.constant(n) for n in site.node.input[1:] if n}, site)
    if run is None:
        return None
    offset = run(np.zeros(shape, dtype=np.float32)).astype(np.float64)
    if offset.size != width:
        return None
    offset = offset.reshape(width)
    matrix = np.empty((size, width))
    for i in range(size):
        unit = np.zeros(size, dtype=np.float32)
        unit[i] = 1
        matrix[i] = run(unit.reshape(shape)).reshape(width) - offset
    if not np.isfinite(matrix).all() or not np.isfinite(offset).all():
        return None
    matrix[np.abs(matrix) < 1e-9] = 0
    return matrix, offset


def runner(node: onnx.NodeProto, shape: tuple[int, ...], constants: Mapping[str, np.ndarray | None], site: Site):  # type: ignore[no-untyped-def]
    """Return a function that runs the node on a first input, in onnxruntime or ONNX's own reference; None when neither can."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[0] = "x"
    graph = helper.make_graph(
        [made],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(shape))],
        [onnx.ValueInfoProto(name=node.output[0])],
        [numpy_helper.from_array(_float(v), n) for n, v in constants.items() if v is not None],
    )
    version = min(site.opset, onnx.defs.onnx_opset_version())
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
    zero = np.zeros(shape, dtype=np.float32)
    for make in (lambda: session(proto.SerializeToString()), lambda: ReferenceEvaluator(proto)):
        try:
            runs = make()
            runs.run(None, {"x": zero})
        except Exception:  # noqa: S112  neither engine's errors share a base; the other may have the operator
            continue
        return lambda x, runs=runs: np.asarray(runs.run(None, {"x": x})[0])
    return None


def _float(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def ends_agree(site: Site, shape: tuple[int, ...]) -> bool:
    """Return whether a `Resize` that aligns corners makes whole sizes: else ONNX and onnxruntime place the last corner apart."""
    scales = site.constant(site.input(2)) if site.input(2) else None
    if site.attribute("coordinate_transformation_mode") != "align_corners" or scales is None or not scales.size:
        return True
    axes = site.attribute("axes", list(range(len(shape))))
    exact = np.asarray([shape[a] for a in axes]) * scales.astype(np.float64).reshape(-1)
    return bool(np.allclose(exact, np.round(exact), atol=1e-6))


def by_axis(site: Site) -> list[str] | None:
    """Return a `Resize` one axis after another, None unless each axis is resized by itself."""
    x, shape, made = site.input(0), site.shape(site.input(0)) or (), site.shape(site.node.output[0]) or ()
    if site.attribute("coordinate_transformation_mode") == "tf_crop_and_resize" or site.attribute("axes") is not None:
        return None
    if site.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        return None
    scales = site.constant(site.input(2)) if site.input(2) else None
    value, current = x, list(shape)
    for axis, (n, m) in enumerate(zip(shape, made, strict=True)):
        factor = float(scales.reshape(-1)[axis]) if scales is not None and scales.size else m / n
        if factor == 1:
            continue
        matrix = _axis_matrix(site, n, m, factor, sized=scales is None or not scales.size)
        if matrix is None:
            return None
        rest = [a for a in range(len(shape)) if a != axis]
        perm = [*rest, axis]
        moved = site.transpose(value, perm)
        done = choice(site, moved, matrix, len(shape) - 1, np.float32)
        back = [perm.index(a) for a in range(len(shape))]
        value = site.transpose(done, back)
        current[axis] = m
    return [value] if tuple(current) == tuple(made) else None


def _axis_matrix(site: Site, n: int, m: int, factor: float, *, sized: bool) -> np.ndarray | None:
    """Return the matrix [n, m] of a resize of one axis: the operator on an image whose columns are the unit vectors."""
    node = onnx.NodeProto()
    node.CopyFrom(site.node)
    del node.input[:]
    constants: dict[str, np.ndarray | None]
    if sized:
        node.input.extend(["x", "", "", "sizes"])
        constants = {"sizes": np.asarray([n, 1, 1, m], dtype=np.int64)}
    else:
        node.input.extend(["x", "", "scales"])
        constants = {"scales": np.asarray([1, 1, 1, factor], dtype=np.float32)}
    run = runner(node, (n, 1, 1, n), constants, site)
    if run is None:
        return None
    matrix = run(np.eye(n, dtype=np.float32).reshape(n, 1, 1, n))
    return matrix.reshape(n, m).astype(np.float64) if matrix.size == n * m else None


RULE = Rule(
    "affine",
    OPS,
    "with the other inputs fixed the operator is affine: its values on 0 and the unit vectors are its offset and matrix",
    affine,
)
