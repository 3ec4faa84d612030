"""Models of fastml in other packages, by way of scikit-learn's terms: the same answers there. Skipped without them."""

import importlib

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastml
from fastml.exchange import ExchangeError
from fastml.exchange.families import FAMILIES, class_in

RNG = np.random.default_rng(3)
NUMBERS, COUNTS = RNG.normal(size=(120, 5)), RNG.integers(0, 4, (120, 5)).astype(float)
LABELS = np.array(["a", "b", "c"])[(NUMBERS[:, 0] > 0).astype(int) + (NUMBERS[:, 1] > 0.5)]
TARGET = NUMBERS @ np.arange(5.0)
ELSEWHERE = "searches", "vectorizers", "steps", "compositions"
NAMES = [(row, name) for row in FAMILIES if row.how not in ELSEWHERE for name in row.names]

pytestmark = pytest.mark.filterwarnings("ignore")


def needs(name):
    return pytest.importorskip(name)


def fitted(row, name):
    X = COUNTS if name.endswith("NB") and name != "GaussianNB" else NUMBERS
    y = TARGET if name.endswith("Regressor") or name in ("Ridge", "LinearRegression") else LABELS
    settings = {"radius": 2.5} if name.startswith("Radius") else {"max_iter": 20} if name.startswith("MLP") else {}
    return class_in("fastml", row, name)(**settings).fit(X, y), X


def run(onnx, X):
    session = needs("onnxruntime").InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    dtype = np.float32 if given.type == "tensor(float)" else np.float64
    return session.run(None, {given.name: X.astype(dtype)})


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[name for _, name in NAMES])
def test_onnx_answers_the_same(row, name, tmp_path):
    needs("skl2onnx")
    model, X = fitted(row, name)
    if name.startswith(("Radius", "NearestNeighbors")):
        with pytest.raises(ExchangeError, match=name):
            model.to_onnx()
        return
    model.to_onnx(tmp_path / "model.onnx")
    labels, *shares = run((tmp_path / "model.onnx").read_bytes(), X)
    wanted = model.predict(X)
    if wanted.dtype.kind == "U":
        assert labels.tolist() == wanted.tolist()
    else:
        np.testing.assert_allclose(labels.ravel(), wanted, rtol=1e-6)
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(shares[0], model.predict_proba(X), atol=1e-6)


def test_onnx_of_a_pipeline():
    needs("skl2onnx")
    from fastml.exchange.onnx import to_onnx
    from fastml.linear_model import LogisticRegression

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, LABELS)
    labels, shares = run(to_onnx(model).SerializeToString(), NUMBERS)
    assert labels.tolist() == model.predict(NUMBERS).tolist()
    np.testing.assert_allclose(shares, model.predict_proba(NUMBERS), atol=1e-9)


def test_onnx_that_would_decide_otherwise_is_refused():
    needs("skl2onnx")
    from fastml.linear_model import SGDClassifier

    with pytest.raises(ExchangeError, match="probabilities"):
        SGDClassifier(loss="log_loss").fit(NUMBERS, LABELS).to_onnx()
    SGDClassifier(loss="log_loss").fit(NUMBERS, LABELS == "a").to_onnx()


def test_without_skl2onnx_the_error_says_what_to_install():
    if importlib.util.find_spec("skl2onnx"):
        pytest.skip("it is installed")
    from fastml.linear_model import Ridge

    with pytest.raises(ImportError, match="onnx"):
        Ridge().fit(NUMBERS, TARGET).to_onnx()


def test_shap_explains_trees():
    shap = needs("shap")
    for name, y in (("DecisionTreeClassifier", LABELS), ("DecisionTreeRegressor", TARGET)):
        row = next(row for row in FAMILIES if name in row.names)
        model = class_in("fastml", row, name)(max_depth=5).fit(NUMBERS, y)
        explainer = shap.TreeExplainer(fastml.to_sklearn(model))
        values = explainer.shap_values(NUMBERS[:7])
        answers = model.predict_proba(NUMBERS[:7]) if name.endswith("Classifier") else model.predict(NUMBERS[:7])
        np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, answers, atol=1e-9)
