"""Fitted scikit-learn models are exported, rewritten and computed as scikit-learn does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from zkml.errors import ModelError, SampleError, UsageError
from zkml.model import check_rewritten, from_proto, make_samples, normalise
from zkml.model.operators import support
from zkml.model.run import run_float
from zkml.model.source import export

pytest.importorskip("skl2onnx")

IRIS, IRIS_CLASS = load_iris(return_X_y=True)
TUMOURS, BENIGN = load_breast_cancer(return_X_y=True)

CLASSIFIERS = [
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(MinMaxScaler(), Normalizer(), LinearSVC()),
    make_pipeline(StandardScaler(), SVC()),
    make_pipeline(StandardScaler(), SVC(kernel="poly")),
    RandomForestClassifier(15, max_depth=4, random_state=0),
    ExtraTreesClassifier(10, random_state=0),
    GradientBoostingClassifier(n_estimators=8, random_state=0),
    DecisionTreeClassifier(random_state=0),
    MLPClassifier((6,), max_iter=40, random_state=0),
]


def short(model: Any) -> str:
    return "-".join(type(step).__name__ for _, step in model.steps) if hasattr(model, "steps") else type(model).__name__


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", CLASSIFIERS, ids=short)
@pytest.mark.parametrize("data", [(IRIS, IRIS_CLASS), (TUMOURS, BENIGN)], ids=["three", "two"])
def test_a_classifier_gives_its_own_labels(model: Any, data: tuple[np.ndarray, np.ndarray]) -> None:
    table, classes = data
    model.fit(table, classes)
    made = export(model, table[::7])
    given = from_proto(made.proto)
    normal = normalise(given)
    assert support(normal) == ()
    samples = make_samples(made.arrays, normal)
    assert check_rewritten(given, normal, samples) == ()
    labels = run_float(normal, samples)[normal.outputs[0].name].reshape(-1)
    assert (labels == model.predict(made.arrays["features"])).mean() > 0.95


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
        make_pipeline(StandardScaler(), SVR()),
        RandomForestRegressor(10, max_depth=5, random_state=0),
    ],
    ids=short,
)
def test_a_regression_gives_its_own_values(model: Any) -> None:
    model.fit(IRIS[:, :3], IRIS[:, 3])
    made = export(model, IRIS[::5, :3])
    normal = normalise(from_proto(made.proto))
    got = run_float(normal, make_samples(made.arrays, normal))[normal.outputs[0].name].reshape(-1)
    np.testing.assert_allclose(got, model.predict(made.arrays["features"]).reshape(-1), atol=2e-4)


def test_classes_that_have_names_are_numbered_and_named() -> None:
    model = LogisticRegression(max_iter=500).fit(IRIS, np.array(["ant", "bee", "cow"])[IRIS_CLASS])
    given = from_proto(export(model, IRIS[:4]).proto)
    assert any("the classes are 'ant', 'bee', 'cow'" in note for note in given.notes)


def test_what_is_not_fitted_or_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="not fitted"):
        export(Ridge(), IRIS)
    fitted = Ridge().fit(IRIS, IRIS_CLASS)
    with pytest.raises(SampleError, match="takes"):
        export(fitted, IRIS[:, :2])
    with pytest.raises(SampleError, match="sample 0, feature 1"):
        export(fitted, np.array([[0.0, np.nan, 0.0, 0.0]]))
    with pytest.raises(UsageError, match="samples"):
        export(fitted, None)
    with pytest.raises(UsageError, match="cannot be compiled"):
        export(object(), IRIS)


def test_an_export_of_another_function_is_caught() -> None:
    model = Ridge().fit(IRIS, IRIS_CLASS)
    honest = model.predict
    model.predict = lambda table: 2 * np.asarray(honest(table))
    with pytest.raises(ModelError, match="computes something else") as e:
        export(model, IRIS)
    assert e.value.code == "export-differs"
