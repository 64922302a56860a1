"""Outputs that no circuit has made tensors of numbers: maps (`ZipMap`) and labels that are text.

This is done once, when a model is read, and said aloud: a map becomes the tensor that it was made of, a text its class's index.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
OPSET = 17
"""The version of ai.onnx that is imported where a model has operators of ai.onnx.ml only."""

PASSING = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}
"""Operators that hand on the values of their first input."""

MAX_NAMED = 8


def keep_numbers(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Drop maps and text from the outputs of a model, in place; return a note on each output that changes.

    A model without nodes of ai.onnx.ml is left as it is, and so is text that the model computes with.
    """
    if not any(node.domain == ML for node in proto.graph.node):
        return ()
    _import_once(proto)
    return (*_drop_maps(proto.graph), *_number_labels(proto.graph))


def _import_once(proto: onnx.ModelProto) -> None:
    """Import every domain once, and ai.onnx where nothing of it was needed so far."""
    versions: dict[str, int] = {}
    for imported in proto.opset_import:
        domain = imported.domain if imported.domain != "ai.onnx" else ""
        versions[domain] = max(imported.version, versions.get(domain, 0))
    versions.setdefault("", OPSET)
    del proto.opset_import[:]
    proto.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in versions.items())


def _drop_maps(graph: onnx.GraphProto) -> list[str]:
    """Give outputs that `ZipMap` makes the tensor that it reads."""
    notes = []
    outputs = {o.name: o for o in graph.output}
    read = {name for node in graph.node for name in node.input}
    for node in graph.node:
        if node.domain != ML or node.op_type != "ZipMap" or len(node.output) != 1 or node.output[0] in read:
            continue
        output = outputs.get(node.output[0])
        labels = _labels(node)
        node.domain, node.op_type = "", "Identity"
        del node.attribute[:]
        if output is not None:
            output.type.Clear()
            output.type.tensor_type.elem_type = TensorProto.FLOAT
            notes.append(f"output {output.name!r} is given as a tensor, not as a map; its columns are {_listed(labels)}")
    return notes


def _number_labels(graph: onnx.GraphProto) -> list[str]:
    """Make the labels of classes that are text numbers, where they go to outputs and nowhere else."""
    texts = {t.name: t for t in graph.initializer if t.data_type == TensorProto.STRING}
    classes: dict[str, list[str]] = {}
    makers: list[onnx.NodeProto] = []
    for node in graph.node:
        labels = _labels(node)
        if node.domain == ML and node.op_type.endswith("Classifier") and labels and isinstance(labels[0], str):
            classes[node.output[0]] = [str(label) for label in labels]
            makers.append(node)
        elif node.op_type in ("ArrayFeatureExtractor", "Gather") and node.input[0] in texts:
            values = numpy_helper.to_array(texts[node.input[0]]).reshape(-1)
            classes[node.output[0]] = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values]
        elif node.op_type in PASSING and node.input and node.input[0] in classes:
            classes[node.output[0]] = classes[node.input[0]]
        elif set(node.input) & set(classes):
            return []
    if not classes:
        return []
    for node in makers:
        names = next(a for a in node.attribute if a.name == "classlabels_strings")
        count = len(names.strings)
        node.attribute.remove(names)
        field = "classlabels_int64s" if node.op_type.startswith("Tree") else "classlabels_ints"
        node.attribute.append(helper.make_attribute(field, list(range(count))))
    for name, tensor in texts.items():
        if any(name == node.input[0] and node.output[0] in classes for node in graph.node if node.input):
            numbers = np.arange(int(np.prod(tensor.dims)), dtype=np.int64).reshape(tuple(tensor.dims))
            tensor.CopyFrom(numpy_helper.from_array(numbers, name))
    notes = []
    for value in [*graph.value_info, *graph.output]:
        if value.name in classes:
            value.type.tensor_type.elem_type = TensorProto.INT64
    for output in graph.output:
        if output.name in classes:
            names_of = classes[output.name]
            notes.append(f"output {output.name!r} is the index of a class, not its name; the classes are {_listed(names_of)}")
    return notes


def _labels(node: onnx.NodeProto) -> list[int | str]:
    for a in node.attribute:
        if a.name == "classlabels_strings" and a.strings:
            return [s.decode(errors="replace") for s in a.strings]
        if a.name in ("classlabels_int64s", "classlabels_ints") and a.ints:
            return list(a.ints)
    return []


def _listed(labels: list[int | str] | list[str]) -> str:
    shown = ", ".join(repr(v)[:40] for v in labels[:MAX_NAMED])
    return shown + (f" and {len(labels) - MAX_NAMED} more" if len(labels) > MAX_NAMED else "")
