"""xgboost's boosters, their scikit-learn wrappers, and its own model files, by `onnxmltools`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from zkml.errors import ModelError
from zkml.model.source.exported import TABLE_INPUT, Exported, compare, exported_by, extra, table_of

OPSET = 15
"""The newest that `onnxmltools` writes."""

EXTRA = "xgboost"
SECONDS = 300


def from_booster(model: Any, samples: Any) -> Exported:
    """Return the ONNX form of a `Booster` or of one of xgboost's scikit-learn wrappers, and its samples.

    Raises `ModelError` when it cannot be exported, or its export gives other predictions.
    """
    xgboost = extra("xgboost", EXTRA)
    booster = model if isinstance(model, xgboost.Booster) else exported_by("xgboost", model.get_booster)
    arrays = table_of(samples, int(booster.num_features()))
    proto = convert(model, int(booster.num_features()))
    table = arrays[TABLE_INPUT]
    last = len(proto.graph.output) - 1
    if model is booster:
        expected = {last: completed(booster.predict(xgboost.DMatrix(table, feature_names=booster.feature_names)), last)}
    elif hasattr(model, "classes_"):
        expected = {0: np.asarray(model.predict(table)), 1: np.asarray(model.predict_proba(table))}
    else:
        expected = {0: np.asarray(model.predict(table))}
    return Exported(proto, arrays, type(model).__name__, compare("onnxmltools", proto, arrays, expected))


def from_booster_file(data: bytes, name: str, suffix: str) -> Exported:
    """Return the ONNX form of the bytes of a model file, read in a process of its own.

    The export is compared with the booster on drawn samples, at and around the thresholds of its trees. Raises `ModelError` when
    the bytes are no model, or xgboost dies of them.
    """
    extra("xgboost", EXTRA)
    with tempfile.TemporaryDirectory(prefix="zkml-xgboost-") as folder:
        source, out = Path(folder) / f"model{suffix}", Path(folder) / "model.onnx"
        source.write_bytes(data)
        command = [sys.executable, "-m", "zkml.model.source.xgboost_child", str(source), str(out)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as e:
            raise ModelError(f"{name}{suffix} took xgboost more than {SECONDS} s to read", code="malformed") from e
        if done.returncode < 0 or not done.stdout:
            raise ModelError(f"{name}{suffix} is no model file of xgboost: its reader died of it", code="malformed")
        said = json.loads(done.stdout)
        if done.returncode != 0:
            raise ModelError(str(said["message"]), hint=said["hint"], code=str(said["code"]))
        return Exported(onnx.load_model_from_string(out.read_bytes()), {}, name, tuple(said["notes"]))


def load_booster(file: Path) -> Any:
    """Return the booster in a file. Raises `ModelError` when xgboost refuses it."""
    xgboost = extra("xgboost", EXTRA)
    booster = xgboost.Booster()
    try:
        booster.load_model(file)
        width = int(booster.num_features())
    except (xgboost.core.XGBoostError, ValueError, TypeError) as e:
        text = " ".join(str(e).split())[:200]
        raise ModelError(f"this is no model file of xgboost: {text}", code="malformed") from e
    if width < 1:
        raise ModelError("this model of xgboost takes no features", code="malformed")
    return booster


def from_loaded(booster: Any, name: str) -> Exported:
    """Return the ONNX form of a booster, compared with it on drawn samples."""
    made = from_booster(booster, drawn_samples(booster, int(booster.num_features())))
    return Exported(made.proto, {}, name, made.notes)


def convert(model: Any, width: int) -> onnx.ModelProto:
    """Return what `onnxmltools` makes of a model, for tables of one row. The names of features are its own."""
    convert_xgboost = extra("onnxmltools.convert", EXTRA).convert_xgboost
    kind = extra("onnxmltools.convert.common.data_types", EXTRA).FloatTensorType([1, width])
    proto = exported_by("onnxmltools", lambda: convert_xgboost(model, initial_types=[(TABLE_INPUT, kind)], target_opset=OPSET))
    if not isinstance(proto, onnx.ModelProto):
        raise ModelError("onnxmltools gave something else than a model", code="export")
    return proto


def completed(scores: Any, last: int) -> np.ndarray:
    """Return a booster's predictions as its export gives them: of two classes a classifier gives both."""
    values = np.asarray(scores)
    return np.stack([1 - values, values], axis=1) if last and values.ndim == 1 else values


def drawn_samples(booster: Any, width: int, count: int = 32) -> np.ndarray:
    """Return drawn rows whose features lie between and on the thresholds of the booster's trees."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, width)).astype(np.float32)
    names = booster.feature_names or [f"f{i}" for i in range(width)]
    place = {name: i for i, name in enumerate(names)}
    for line in "\n".join(booster.get_dump(dump_format="text")).splitlines():
        condition = line.partition("[")[2].partition("]")[0]
        name, _, threshold = condition.partition("<")
        if name in place and threshold:
            try:
                value = np.float32(threshold)
            except ValueError:
                continue
            rows[int(rng.integers(count)), place[name]] = value + np.float32(rng.integers(-1, 2)) * (abs(value) * 0.1 + 0.1)
    return rows
