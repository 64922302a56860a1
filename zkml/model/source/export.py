"""Chooses the exporter for a model by the library that its class comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zkml.errors import MalformedArtifact, ModelError, UsageError
from zkml.files import read_bounded
from zkml.model.external import MAX_MODEL_BYTES
from zkml.model.source.exported import Exported, names_in
from zkml.model.source.sklearn_estimator import from_estimator
from zkml.model.source.torch_module import from_module
from zkml.model.source.xgboost_booster import from_booster, from_booster_file

BOOSTER_FILES = (".json", ".ubj")
"""Files of xgboost's own, which hold no pickled objects."""

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".sav")


def export(model: Any, samples: Any, *, opset: int | None = None, exporter: str = "auto") -> Exported:
    """Return the ONNX form of a torch module, a scikit-learn estimator or pipeline, an xgboost booster or wrapper.

    `samples` is what the model is called with, samples along the first axis; the export is compared with the model on it.
    `exporter` (`dynamo` or `torchscript`) chooses between torch's two. Raises `UsageError` for another kind of object,
    `EnvironmentFault` when an extra is missing, `ModelError` when the exporter fails or makes another function, `SampleError`.
    """
    kinds = type(model).__mro__
    if exporter not in ("auto", "dynamo", "torchscript"):
        raise UsageError(f"there is no exporter {exporter!r}", hint="dynamo or torchscript", code="exporter")
    if samples is None:
        raise UsageError(
            "a model in memory is exported with samples", hint="give samples: compile(model, samples)", code="no-samples"
        )
    if names_in(kinds, "torch"):
        return from_module(model, samples, opset=opset, exporter=exporter)
    if names_in(kinds, "xgboost"):
        return from_booster(model, samples)
    if names_in(kinds, "sklearn"):
        return from_estimator(model, samples, opset=opset)
    raise UsageError(
        f"a model of type {type(model).__module__}.{type(model).__qualname__} cannot be compiled",
        hint="give an ONNX file, a torch module, a scikit-learn estimator or an xgboost model",
        code="model-type",
    )


def is_exportable(path: Path) -> bool:
    """Return whether a file is a model of another library that can be read without unpickling; ONNX files are not.

    Raises `ModelError` for a file that only unpickling could read: that would run whatever is in it.
    """
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise ModelError(
            f"{path.name} is a pickle, which runs code when it is read",
            hint="load it yourself if you trust it, and call zkml.compile(model, samples), or export it to ONNX",
            code="pickle",
        )
    return suffix in BOOSTER_FILES


def export_file(path: Path) -> Exported:
    """Return the ONNX form of a model file of xgboost (`.json`, `.ubj`), without samples.

    Raises `ModelError` when it is none, `EnvironmentFault` when the extra is missing.
    """
    try:
        data = read_bounded(path, what="model", max_bytes=MAX_MODEL_BYTES)
    except MalformedArtifact as e:
        raise ModelError(e.message, hint=e.hint, code=e.code) from e
    return from_booster_file(data, path.stem, path.suffix.lower())
