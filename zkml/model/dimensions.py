"""Dimensions without a number: pinned by the caller, or 1 for the batch, or an error that names the flag."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from zkml.errors import ModelError, UsageError

MAX_ELEMENTS = 1 << 31


def free_dimensions(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Return the names of the dimensions of the inputs that have a name and no number, in order of appearance."""
    weights = {t.name for t in proto.graph.initializer}
    names: dict[str, None] = {}
    for value in proto.graph.input:
        if value.name not in weights:
            for d in value.type.tensor_type.shape.dim:
                if not d.HasField("dim_value") and d.dim_param:
                    names[d.dim_param] = None
    return tuple(names)


def pin(proto: onnx.ModelProto, dims: Mapping[str, int]) -> tuple[str, ...]:
    """Give every dimension of the inputs a number, in place; return notes on what was assumed.

    A dimension without a name can be pinned as `INPUT.AXIS`. The leading dimension of an input is the batch and becomes 1 when
    nothing is said. Shapes of outputs and inner values are dropped: they follow from the inputs. Raises `UsageError` on a name
    that the model does not have, `ModelError` when a dimension stays open.
    """
    weights = {t.name for t in proto.graph.initializer}
    values = [v for v in proto.graph.input if v.name not in weights]
    chosen = dict(dims)
    notes: dict[str, None] = {}
    used: set[str] = set()
    for name, size in chosen.items():
        if size < 1 or size >= MAX_ELEMENTS:
            raise UsageError(f"dimension {name} cannot be {size}: it must be at least 1", code="dimension")
    for value in values:
        if not value.type.HasField("tensor_type"):
            raise ModelError(f"input {value.name!r} is not a tensor", code="not-a-tensor")
        if not value.type.tensor_type.HasField("shape"):
            raise ModelError(
                f"input {value.name!r} has no shape",
                hint="export the model with input shapes; names for dimensions are fine",
                code="no-shape",
            )
        dim = value.type.tensor_type.shape.dim
        if dim and not dim[0].dim_value and not ({dim[0].dim_param, f"{value.name}.0"} & chosen.keys()):
            name = dim[0].dim_param or f"{value.name}.0"
            chosen[name] = 1
            notes[f"batch dimension {name} of input {value.name!r} taken as 1 (--dim {name}=N for another)"] = None
    missing: dict[str, str] = {}
    for value in values:
        for axis, d in enumerate(value.type.tensor_type.shape.dim):
            if d.HasField("dim_value") and d.dim_value > 0:
                continue
            names = [d.dim_param] if d.dim_param in chosen and d.dim_param else []
            names += [f"{value.name}.{axis}"] if f"{value.name}.{axis}" in chosen else []
            if names:
                used.update(names)
                d.dim_value = chosen[names[-1]]
            else:
                missing[d.dim_param or f"{value.name}.{axis}"] = f"axis {axis} of input {value.name!r}"
    if missing:
        raise ModelError(
            "dimensions without a number: " + ", ".join(f"{name} ({where})" for name, where in missing.items()),
            hint="pin them: " + " ".join(f"--dim {name}=N" for name in missing),
            code="dynamic-dimension",
            details={"dimensions": list(missing)},
        )
    unknown = [name for name in dims if name not in used]
    if unknown:
        have = sorted(used - set(unknown)) or ["none"]
        raise UsageError(
            f"the model has no open dimension {unknown[0]!r}",
            hint=f"open dimensions: {', '.join(have)}",
            code="dimension",
        )
    for value in values:
        size = 1
        for d in value.type.tensor_type.shape.dim:
            size *= d.dim_value
        if size > MAX_ELEMENTS:
            raise ModelError(f"input {value.name!r} has {size} elements", code="too-large")
    return tuple(notes)
