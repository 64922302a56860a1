"""Samples: the forms that are read, and each thing that is refused."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from zkml.errors import SampleError
from zkml.model import Model, from_proto, load_samples, make_samples, run_float, to_ezkl_json, write_ezkl_json


@pytest.fixture
def model() -> Model:
    graph = helper.make_graph(
        [helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT), helper.make_node("Add", ["a", "c"], ["y"])],
        "g",
        [
            helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 2]),
            helper.make_tensor_value_info("b", TensorProto.INT64, [1, 2]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
    )
    return from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def arrays(count: int = 3) -> dict[str, np.ndarray]:
    return {
        "a": np.arange(count * 2, dtype=np.float32).reshape(count, 1, 2),
        "b": np.arange(count * 2, dtype=np.int64).reshape(count, 1, 2),
    }


def test_npz_json_and_stdin_give_the_same_samples(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "s.npz", a=arrays(1)["a"], b=arrays(1)["b"])
    (tmp_path / "s.json").write_text(json.dumps({"input_data": [[0, 1], [0, 1]]}))
    text = json.dumps({"a": [[0, 1]], "b": [[0, 1]]}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    read = [load_samples(source, model) for source in (tmp_path / "s.npz", tmp_path / "s.json", "-")]
    for samples in read:
        assert len(samples) == 1
        assert samples[0]["a"].dtype == np.float32
        np.testing.assert_array_equal(samples[0]["b"], [[0, 1]])


def test_the_float_run_keeps_samples_along_the_first_axis(model: Model) -> None:
    outputs = run_float(model, make_samples(arrays(), model))
    np.testing.assert_array_equal(outputs["y"], 2 * arrays()["a"])


def test_ezkl_input_is_flat_and_private(tmp_path: Path, model: Model) -> None:
    sample = make_samples(arrays(), model)[1]
    assert json.loads(to_ezkl_json(sample, model))["input_data"] == [[2.0, 3.0], [2, 3]]
    write_ezkl_json(tmp_path / "input.json", sample, model)
    assert stat.S_IMODE((tmp_path / "input.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"a": np.zeros((3, 1, 3), dtype=np.float32)}, "sample-shape"),
        ({"a": np.zeros((2, 1, 2), dtype=np.float32)}, "sample-count"),
        ({"b": np.full((3, 1, 2), 0.5, dtype=np.float32)}, "sample-type"),
        ({"b": np.full((3, 1, 2), 2.0**80)}, "sample-range"),
        ({"a": np.full((3, 1, 2), 1e300)}, "sample-range"),
        ({"a": np.full((3, 1, 2), 1j)}, "sample-type"),
        ({"c": np.zeros(1)}, "sample-names"),
        ({"a": np.asarray([["x", "y"]])}, "sample-type"),
    ],
)
def test_what_does_not_fit_is_refused(model: Model, change: dict[str, Any], code: str) -> None:
    with pytest.raises(SampleError) as e:
        make_samples(arrays() | change, model)
    assert e.value.code == code


def test_nan_is_refused_with_its_place(model: Model) -> None:
    values = arrays()
    values["a"][2, 0, 1] = np.nan
    with pytest.raises(SampleError, match=r"sample 2, index \[0, 1\]") as e:
        make_samples(values, model)
    assert e.value.code == "sample-not-finite"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("s.npz", b"not a zip"),
        ("s.npz", b""),
        ("s.npy", b"\x93NUMPY"),
        ("s.json", b"[1, 2]"),
        ("s.json", b'{"input_data": [[NaN, 1], [1, 2]]}'),
        ("s.json", b'{"input_data": [[1, 2]]}'),
        ("s.json", b'{"input_data": [[1, [2]], [1, 2]]}'),
        ("s.csv", b"1,2"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, model: Model, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SampleError):
        load_samples(tmp_path / name, model)


def test_pickled_objects_are_never_loaded(tmp_path: Path, model: Model) -> None:
    np.savez(tmp_path / "s.npz", a=np.asarray([{"x": 1}], dtype=object), b=arrays()["b"])
    with pytest.raises(SampleError):
        load_samples(tmp_path / "s.npz", model)


def test_a_missing_file_is_an_error(tmp_path: Path, model: Model) -> None:
    with pytest.raises(SampleError) as e:
        load_samples(tmp_path / "absent.npz", model)
    assert e.value.code == "missing"
    assert isinstance(model.proto, onnx.ModelProto)
