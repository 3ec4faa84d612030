"""Every estimator of fastml can be kept in a file, fitted on tables and on whatever else it takes."""

import importlib
import inspect
import pickle
import pkgutil
import warnings

import numpy as np
import pytest
import scipy.sparse
from finding import reads_labels_alone
from sklearn.base import is_regressor

import fastml
from fastml.base import Estimator


def find_estimators():
    for module in pkgutil.iter_modules(fastml.__path__):
        if not module.name.startswith("_") and module.name != "base":
            loaded = importlib.import_module(f"fastml.{module.name}")
            for name in getattr(loaded, "__all__", ()):
                value = getattr(loaded, name)
                kept = isinstance(value, type) and issubclass(value, Estimator) and hasattr(value, "fit")
                if kept and has_defaults(value) and not reads_labels_alone(value):
                    yield value


def has_defaults(cls):
    """Whether it can be made as it is: no composition of others, which tests/pipeline and tests/compose keep."""
    return all(p.default is not p.empty for p in inspect.signature(cls).parameters.values())


ESTIMATORS = sorted(set(find_estimators()), key=lambda cls: cls.__name__)
METHODS = ("predict", "predict_proba", "decision_function", "transform")
TABLE = np.random.default_rng(0).integers(0, 5, (40, 3)).astype(float)
LABELS = np.array(["low", "high"])[(TABLE[:, 0] + TABLE[:, 1] > 4).astype(int)]
RECORDS = {  # of estimators that read no tables
    "CountVectorizer": [f"{a:.0f}{b:.0f} {c:.0f}{a:.0f}" for a, b, c in TABLE],
    "HashingVectorizer": [f"{a:.0f}{b:.0f} {c:.0f}{a:.0f}" for a, b, c in TABLE],
    "TfidfVectorizer": [f"{a:.0f}{b:.0f} {c:.0f}{a:.0f}" for a, b, c in TABLE],
    "DictVectorizer": [dict(zip("abc", row, strict=True)) for row in TABLE.tolist()],
}
SCORES = TABLE @ [1.0, -2.0, 0.5]


def fitted(model, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        return model.fit(X, SCORES if is_regressor(model) else LABELS)


def answers(model, X):
    return {method: getattr(model, method)(X[:7]) for method in METHODS if hasattr(model, method)}


def assert_equal(first, second):
    assert list(first) == list(second)
    for method in first:
        a, b = first[method], second[method]
        for one, other in zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]:
            one, other = (part.toarray() if scipy.sparse.issparse(part) else part for part in (one, other))
            assert np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"), method


def test_estimators_are_found():
    assert "KNeighborsClassifier" in [cls.__name__ for cls in ESTIMATORS]


@pytest.mark.parametrize(
    "X", [TABLE, TABLE.astype(np.float32), scipy.sparse.csr_array(TABLE)], ids=["f8", "f4", "sparse"]
)
@pytest.mark.parametrize("Model", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_files_answer_as_the_model_does(Model, X, tmp_path):
    model = Model()
    X = RECORDS.get(Model.__name__, X)
    try:
        fitted(model, X)
    except (TypeError, ValueError) as error:
        if scipy.sparse.issparse(X):
            pytest.skip(f"takes no sparse matrix: {error}")
        raise
    fastml.save(model, tmp_path / "m.fml")
    loaded = fastml.load(tmp_path / "m.fml")
    assert_equal(answers(loaded, X), answers(model, X))
    assert_equal(answers(pickle.loads(pickle.dumps(loaded)), X), answers(model, X))
    fastml.save(loaded, tmp_path / "again.fml")
    assert (tmp_path / "again.fml").read_bytes() == (tmp_path / "m.fml").read_bytes()
