"""Models straight from Python are compiled in one line, proved and verified, and a proof says what onnxruntime says."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import zkml
from zkml import Policy, RunArgs
from zkml.bundle import Bundle
from zkml.circuit.compile import Compilation
from zkml.keys.srs import generate_unsafe
from zkml.model import make_samples
from zkml.model.run import run_float

pytest.importorskip("skl2onnx")

pytestmark = [pytest.mark.slow, pytest.mark.ezkl]

IRIS, IRIS_CLASS = load_iris(return_X_y=True)
TUMOURS, BENIGN = load_breast_cancer(return_X_y=True)
R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
LENIENT = Policy(allow_unsafe_srs=True)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder and a home of this test's own."""
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def args(scale: int, **changes: Any) -> RunArgs:
    """Run arguments for values below 2^24 units: fixed, so that nothing is searched for."""
    common: dict[str, Any] = {"logrows": 13, "decomp_base": 256, "decomp_legs": 3, "lookup_range": (-8000, 8000)}
    return RunArgs(input_scale=scale, param_scale=scale, **(common | changes))


def proved(result: Compilation, inputs: np.ndarray, workplace: Path, tolerance: float) -> None:
    """Set up, prove one sample, verify, and compare what the proof says with onnxruntime."""
    srs = generate_unsafe(workplace / "unsafe.srs", result.run_args.logrows)
    zkml.setup(result.bundle, srs, allow_unsafe_srs=True)
    sample = {result.model.inputs[0].name: inputs.astype(np.float32)}
    zkml.prove(result.bundle, sample, srs=srs)
    assert zkml.verify(result.bundle, policy=LENIENT).accepted
    expected = run_float(result.model, make_samples(sample, result.model))
    for tensor, values in zip(result.model.outputs, said(result.bundle), strict=True):
        np.testing.assert_allclose(values, expected[tensor.name].reshape(-1), atol=tolerance, err_msg=tensor.name)


def said(bundle: Bundle) -> list[np.ndarray]:
    """Return what the bundle's proof says of each output, in order, as real numbers by the statement of its protocol."""
    protocol = json.loads(bundle.path("protocol").read_bytes())
    instances = [row for column in json.loads(bundle.path("proof").read_bytes())["instances"] for row in column]
    numbers = [int.from_bytes(bytes.fromhex(felt.removeprefix("0x")), "little") for felt in instances]
    signed = [n - R if n > R // 2 else n for n in numbers]
    return [
        np.asarray(signed[t["row"] : t["row"] + t["length"]], dtype=np.float64) / 2.0 ** t["scale"]
        for t in protocol["statement"]["tensors"]
        if t["role"] == "output"
    ]


def test_a_scaler_and_a_logistic_regression_are_calibrated_in_one_line(workplace: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS[::2], IRIS_CLASS[::2])
    result = zkml.compile(model, IRIS[1::2], labels=IRIS_CLASS[1::2])
    assert result.bundle.folder.name == "Pipeline.zkml"
    proved(result, IRIS[51:52], workplace, 0.1)


@pytest.mark.parametrize(
    ("model", "table", "classes", "arguments", "tolerance"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), TUMOURS, BENIGN, args(8), 0.02),
        (make_pipeline(StandardScaler(), LinearSVC()), TUMOURS, BENIGN, args(10), 0.15),
        (RandomForestClassifier(50, random_state=0), IRIS, IRIS_CLASS, args(7), 0.01),
        (make_pipeline(StandardScaler(), SVC()), IRIS, IRIS_CLASS, args(9), 0.1),
    ],
    ids=["logistic", "linear svm", "forest of 50", "rbf svm"],
)
def test_what_scikit_learn_fits_is_proved(
    model: Any, table: np.ndarray, classes: np.ndarray, arguments: RunArgs, tolerance: float, workplace: Path
) -> None:
    model.fit(table[::2], classes[::2])
    proved(zkml.compile(model, table[1:4], run_args=arguments), table[51:52], workplace, tolerance)


def test_what_xgboost_fits_is_proved_from_its_file(workplace: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    pytest.importorskip("onnxmltools")
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1).fit(TUMOURS[::2], BENIGN[::2])
    model.save_model(workplace / "tumours.ubj")
    result = zkml.compile(workplace / "tumours.ubj", run_args=args(8))
    assert result.bundle.folder == workplace / "tumours.zkml"
    proved(result, TUMOURS[51:52], workplace, 0.02)


@pytest.mark.parametrize(
    ("name", "shape", "arguments"),
    [
        ("dilated", (4, 1, 7, 7), args(7)),
        ("both_ways", (4, 3, 3), args(8)),
    ],
)
def test_what_torch_trains_is_proved(name: str, shape: tuple[int, ...], arguments: RunArgs, workplace: Path) -> None:
    """A dilated convolution, a recurrence in both directions."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    modules = importlib.import_module("tests.model.source.test_torch_module")
    samples = modules.drawn(*shape)
    result = zkml.compile(getattr(modules, name)(), samples, run_args=arguments)
    proved(result, samples[:1], workplace, 0.1)


EXPORTS = [("dynamo", v) for v in range(13, 24)] + [("torchscript", v) for v in range(14, 24)]
"""Exporters of torch and opsets; the older one has no attention before opset 14."""


@pytest.mark.parametrize(("exporter", "opset"), EXPORTS)
def test_a_transformer_block_is_proved_from_both_exporters_at_every_opset(exporter: str, opset: int, workplace: Path) -> None:
    """Attention, GELU and two layer normalisations, whose roots are bound."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    modules = importlib.import_module("tests.model.source.test_torch_module")
    samples = modules.drawn(4, 3, 8)
    result = zkml.compile(modules.block(), samples, run_args=args(8, logrows=15), exporter=exporter, opset=opset)
    assert {f.code for f in result.audit.findings if f.severity == "unsound"} == set()
    proved(result, samples[:1], workplace, 0.05)


def test_an_int8_network_is_proved(workplace: Path) -> None:
    """A convolution and a dense layer, quantised by onnxruntime with `QuantizeLinear` and `DequantizeLinear` around both."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    rng = np.random.default_rng(0)
    weights = {"w": (2, 1, 3, 3), "v": (32, 3), "b": (3,)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), k) for k, s in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), workplace / "float.onnx")
    drawn = iter([{"x": rng.normal(size=(1, 1, 6, 6)).astype(np.float32)} for _ in range(10)])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(drawn, None)

    quantization.quantize_static(workplace / "float.onnx", workplace / "int8.onnx", Reader())
    result = zkml.compile(workplace / "int8.onnx", run_args=args(10, logrows=15))
    proved(result, rng.normal(size=(1, 1, 6, 6)), workplace, 0.3)
