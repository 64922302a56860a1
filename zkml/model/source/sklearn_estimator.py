"""scikit-learn estimators and pipelines, by `skl2onnx`."""

from __future__ import annotations

from typing import Any

import numpy as np

from zkml.errors import ModelError
from zkml.model.source.exported import TABLE_INPUT, Exported, compare, exported_by, extra, names_in, table_of

OPSET, ML_OPSET = 18, 3
EXTRA = "sklearn"


def from_estimator(model: Any, samples: Any, *, opset: int | None = None) -> Exported:
    """Return the ONNX form of a fitted estimator or pipeline, and its samples.

    Raises `ModelError` when it is not fitted, cannot be exported, or its export gives other predictions.
    """
    skl2onnx = extra("skl2onnx", EXTRA)
    width = getattr(model, "n_features_in_", None)
    if not isinstance(width, int):
        raise ModelError(
            f"the {type(model).__name__} is not fitted, or does not say how many features it takes",
            hint="call fit first",
            code="not-fitted",
        )
    arrays = table_of(samples, width)
    _register_xgboost(model)
    kind = extra("skl2onnx.common.data_types", EXTRA).FloatTensorType([1, width])
    # skl2onnx asks the last step of a pipeline for maps unless options name its class, and some classes know no maps.
    last = model.steps[-1][1] if getattr(model, "steps", None) else model
    options: dict[type, dict[str, Any]] | None = {type(last): {}} if type(last).__name__ == "LinearSVC" else None
    proto = exported_by(
        "skl2onnx",
        lambda: skl2onnx.convert_sklearn(
            model,
            initial_types=[(TABLE_INPUT, kind)],
            target_opset={"": opset or OPSET, "ai.onnx.ml": ML_OPSET},
            options=options,
        ),
    )
    notes = compare("skl2onnx", proto, arrays, expected_of(model, arrays[TABLE_INPUT], len(proto.graph.output)))
    return Exported(proto, arrays, type(model).__name__, notes)


def expected_of(model: Any, table: np.ndarray, outputs: int) -> dict[int, np.ndarray]:
    """Return what the estimator itself says to the table, by the number of the export's output."""
    if hasattr(model, "classes_"):
        expected = {0: np.asarray(model.predict(table))}
        if hasattr(model, "predict_proba") and outputs > 1:
            expected[1] = np.asarray(model.predict_proba(table))
        return expected
    if hasattr(model, "predict"):
        return {0: np.asarray(model.predict(table))}
    return {0: np.asarray(model.transform(table))}


def _register_xgboost(model: Any) -> None:
    """Teach `skl2onnx` the wrappers of xgboost that stand in a pipeline."""
    steps = [step for _, step in getattr(model, "steps", [])]
    if not any(names_in(type(step).__mro__, "xgboost") for step in steps):
        return
    skl2onnx = extra("skl2onnx", EXTRA)
    shapes = extra("skl2onnx.common.shape_calculator", EXTRA)
    converter = extra("onnxmltools.convert.xgboost.operator_converters.XGBoost", "xgboost").convert_xgboost
    xgboost = extra("xgboost", "xgboost")
    classifier = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for name, shape, options in (
        ("XGBClassifier", shapes.calculate_linear_classifier_output_shapes, classifier),
        ("XGBRegressor", shapes.calculate_linear_regressor_output_shapes, None),
    ):
        skl2onnx.update_registered_converter(getattr(xgboost, name), f"XGBoost{name}", shape, converter, options=options)
