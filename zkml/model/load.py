"""Reads a model from a file that may be anything at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from zkml.errors import MalformedArtifact, ModelError
from zkml.files import read_bounded
from zkml.model.dimensions import pin
from zkml.model.external import MAX_MODEL_BYTES, inline
from zkml.model.fold import settle
from zkml.model.model import Model, Rewritten, Tensor
from zkml.model.rewrite.ml_outputs import keep_numbers
from zkml.model.shapes import check_complete, infer, known_shapes, open_values, type_faults
from zkml.model.simplify import inlined, simplify
from zkml.model.structure import check_operators, check_sizes, check_structure, check_text, check_weights
from zkml.model.wire import why_unreadable

UNREADABLE = {
    "empty": "the file is empty",
    "truncated": "the file is cut short: it begins as an ONNX model and ends in the middle of one",
    "not-onnx": "the file is not an ONNX model",
}
HINTS = {
    "empty": "export the model again",
    "truncated": "copy or download the file again, and compare its size with the original's",
    "not-onnx": "export your model to ONNX first (torch.onnx.export, skl2onnx, tf2onnx)",
}


def load(path: str | Path, dims: Mapping[str, int] | None = None) -> Model:
    """Return the model in the ONNX file `path` with its named dimensions pinned to `dims` and its external weights inlined.

    Raises `ModelError`, each kind of fault under its own code, when the file is not a valid model with fixed shapes and finite
    weights; `UsageError` when `dims` names a dimension that the model does not have.
    """
    path = Path(path)
    try:
        data = read_bounded(path, what="model", max_bytes=MAX_MODEL_BYTES)
    except MalformedArtifact as e:
        raise ModelError(e.message, hint=e.hint, code=e.code) from e
    proto = _parse(data, path)
    check_sizes(proto)
    notes = tuple(f"weights inlined from {name}" for name in inline(proto, path.parent))
    return from_proto(proto, path=path, digest=hashlib.sha256(data).hexdigest(), dims=dims, notes=notes)


def from_proto(
    proto: onnx.ModelProto,
    *,
    path: Path = Path(),
    digest: str | None = None,
    dims: Mapping[str, int] | None = None,
    notes: tuple[str, ...] = (),
) -> Model:
    """Return a model in memory as a `Model`, under the same checks as `load`; `proto` is changed.

    `digest` is that of its serialised form unless given. External data must be inlined already.
    """
    digest = digest or hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest()
    check_structure(proto)
    check_sizes(proto)
    check_text(proto)
    check_operators(proto)
    _check_schema(proto)
    masked = check_weights(proto, masks=True)
    said = [*notes, *keep_numbers(proto), *pin(proto, dims or {})]
    _drop_weight_inputs(proto)
    said += type_faults(proto)
    inferred = infer(proto)
    check_sizes(inferred)
    folded = settle(inferred)
    check_sizes(folded)
    shapes = known_shapes(inferred) | known_shapes(folded)
    if masked or open_values(folded, shapes):
        folded = simplify(settle(inlined(inferred))).proto
        shapes = known_shapes(folded) | shapes
        check_weights(folded)
    check_complete(folded, shapes)
    return make_model(path, inferred, digest, shapes, tuple(said))


def make_model(
    path: Path,
    proto: onnx.ModelProto,
    digest: str,
    shapes: Mapping[str, Tensor],
    notes: tuple[str, ...],
    rewrites: tuple[Rewritten, ...] = (),
) -> Model:
    """Return the `Model` of a proto whose shapes are known, writing them into its outputs."""
    for output in proto.graph.output:
        if output.name in shapes:
            write_shape(output, shapes[output.name])
    return Model(
        path=path,
        proto=proto,
        digest=digest,
        opsets={o.domain or "ai.onnx": o.version for o in proto.opset_import},
        inputs=tuple(shapes[v.name] for v in proto.graph.input),
        outputs=tuple(_output(v, shapes) for v in proto.graph.output),
        shapes=shapes,
        notes=notes,
        rewrites=rewrites,
    )


def write_shape(value: onnx.ValueInfoProto, tensor: Tensor) -> None:
    """Write the numbers of `tensor.shape` into a value of the graph."""
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    shape.SetInParent()
    for size in tensor.shape:
        shape.dim.add().dim_value = size
    if not value.type.tensor_type.elem_type:
        value.type.tensor_type.elem_type = onnx.TensorProto.DataType.Value(tensor.dtype.upper())


def _output(value: onnx.ValueInfoProto, shapes: Mapping[str, Tensor]) -> Tensor:
    tensor = shapes.get(value.name)
    if tensor is None:
        raise ModelError(
            f"the shape of output {value.name!r} is not known",
            hint="pin dimensions with --dim, or export the model with shapes",
            code="dynamic-shape",
        )
    return tensor


def _parse(data: bytes, path: Path) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
        readable = proto.HasField("graph") and bool(proto.opset_import or proto.graph.node)
    except DecodeError:
        readable = False
    if not readable:
        reason = why_unreadable(data)
        raise ModelError(f"cannot read {path}: {UNREADABLE[reason]}", hint=HINTS[reason], code=reason)
    return proto


def _check_schema(proto: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(proto, full_check=False, skip_opset_compatibility_check=False)
    except onnx.checker.ValidationError as e:
        text = " ".join(str(e).split())
        node = next((n.name for n in proto.graph.node if n.name and n.name in text), None)
        raise ModelError(f"the model is not valid ONNX: {text[:500].rstrip('.')}", code="invalid", node=node) from e


def _drop_weight_inputs(proto: onnx.ModelProto) -> None:
    """Leave only real inputs among the graph's inputs: before IR version 4 the weights were listed there too."""
    weights = {t.name for t in proto.graph.initializer}
    kept = [v for v in proto.graph.input if v.name not in weights]
    if len(kept) != len(proto.graph.input):
        del proto.graph.input[:]
        proto.graph.input.extend(kept)
        proto.ir_version = max(proto.ir_version, 4)
