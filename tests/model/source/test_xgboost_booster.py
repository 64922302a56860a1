"""xgboost's models and files are exported and computed as xgboost does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from zkml.cli.compile import command
from zkml.errors import ModelError
from zkml.model import check_rewritten, from_proto, make_samples, normalise
from zkml.model.operators import support
from zkml.model.run import run_float
from zkml.model.source import export, export_file, is_exportable

xgboost: Any = pytest.importorskip("xgboost")
pytest.importorskip("onnxmltools")


def fitted(kind: str) -> tuple[Any, np.ndarray]:
    """Return a small fitted model and its table."""
    table, target = {"two": load_breast_cancer, "three": load_iris, "value": load_diabetes}[kind](return_X_y=True)
    make = xgboost.XGBRegressor if kind == "value" else xgboost.XGBClassifier
    return make(n_estimators=6, max_depth=3, n_jobs=1).fit(table, target), table.astype(np.float32)


@pytest.mark.parametrize("kind", ["two", "three", "value"])
def test_a_wrapper_and_its_booster_give_their_own_values(kind: str) -> None:
    model, table = fitted(kind)
    expected = model.predict(table[::9]) if kind == "value" else model.predict_proba(table[::9])
    for source in (model, model.get_booster()):
        made = export(source, table[::9])
        given = from_proto(made.proto)
        normal = normalise(given)
        assert support(normal) == ()
        samples = make_samples(made.arrays, normal)
        assert check_rewritten(given, normal, samples) == ()
        got = run_float(normal, samples)[normal.outputs[-1].name].reshape(expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("suffix", [".ubj", ".json"])
def test_a_file_of_xgboost_is_taken_without_samples(tmp_path: Path, suffix: str) -> None:
    model, table = fitted("three")
    path = tmp_path / f"flowers{suffix}"
    model.save_model(path)
    assert is_exportable(path)
    normal = normalise(from_proto(export_file(path).proto))
    got = run_float(normal, make_samples({"features": table[:5]}, normal))[normal.outputs[-1].name].reshape(5, 3)
    np.testing.assert_allclose(got, model.predict_proba(table[:5]), atol=1e-5)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    for name, data in (("a.json", b'{"learner": 1}'), ("b.ubj", b"\x00" * 40)):
        path = tmp_path / name
        path.write_bytes(data)
        result = CliRunner().invoke(command, [str(path), "--data", "none.npz"])
        assert result.exit_code == 3, result.output


def test_an_objective_that_the_exporter_forgets_is_caught() -> None:
    table, target = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(n_estimators=5, objective="reg:logistic", n_jobs=1).fit(table, target > 150)
    with pytest.raises(ModelError) as e:
        export(model, table[:20])
    assert e.value.code == "export-differs"


@pytest.mark.parametrize("name", ["model.pkl", "model.pt", "model.joblib"])
def test_a_pickle_is_never_opened(name: str) -> None:
    with pytest.raises(ModelError, match="runs code") as e:
        is_exportable(Path(name))
    assert e.value.code == "pickle"
