"""Fits whose input needs no conversion: nothing may pass that scikit-learn's checks refuse or change."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._sklearn import InvalidParameterError
from fastml.base import NO_TARGET, Estimator
from fastml.linear_model import Ridge
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier
from fastml.plain import ValidSettings, is_plain_table, is_plain_target


class Table(Estimator):
    """An estimator that keeps what it is given."""

    _parameter_constraints: dict = {}
    _sparse = False

    def fit(self, X, y=NO_TARGET, **options):
        self.read_ = self._check_fit(X, y, **options)
        return self

    def slow(self, X, y=NO_TARGET, **options):
        self.read_ = self._convert(X, y, options)
        return self


VALUES = [0.0, 1.0, -0.0, 1e300, 1e-320, np.nan, np.inf]
ARRAYS = {
    "C": lambda X: X,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "swapped": lambda X: X.astype(X.dtype.newbyteorder()),
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "one dimension": lambda X: X.ravel(),
    "three": lambda X: X[None],
    "subclass": lambda X: X.view(np.matrix) if X.ndim == 2 else X,
    "objects": lambda X: X.astype(object),
}


@pytest.mark.filterwarnings("ignore")
@given(
    rows=st.lists(st.lists(st.sampled_from(VALUES), min_size=2, max_size=2), max_size=4),
    form=st.sampled_from(sorted(ARRAYS)),
    y=st.sampled_from(
        [[0, 1], [0.5, 1.5], ["a", "b"], [True, False], [np.nan, 1.0], [None, "a"], [2**60, 1], [[0], [1]]]
    ),
    numeric=st.booleans(),
)
def test_plain_input_is_read_as_scikit_learns_checks_read_it(rows, form, y, numeric):
    with np.errstate(all="ignore"):
        X = ARRAYS[form](np.array(rows, float).reshape(len(rows), 2))
    y = np.array((y * 2)[: len(rows)])
    if not (is_plain_table(X, {"y_numeric": numeric}) and is_plain_target(y, len(X), numeric)):
        return
    read_X, read_y = Table().slow(X, y, y_numeric=numeric).read_
    assert read_X is X
    assert read_y is y or (read_y.dtype == y.dtype and np.array_equal(read_y, y))


def test_what_is_plain():
    X = np.ones((3, 2))
    assert is_plain_table(X, {})
    assert is_plain_table(X.astype(np.float32), {"accept_sparse": "csr", "y_numeric": True})
    assert not is_plain_table(X, {"reset": False})
    assert not is_plain_table(X, {"ensure_min_samples": 5})
    for other in (X.T, X.astype(int), X[:0], X[:, :0], X.tolist(), pd.DataFrame(X), X.view(np.matrix)):
        assert not is_plain_table(other, {})
    assert is_plain_target(np.array(["a", "b", "c"]), 3)
    for other in (
        [1, 2, 3],
        np.ones((3, 1)),
        np.ones(2),
        np.array([1.0, np.nan, 2]),
        np.array([1, None, 2]),
        np.ones(3) * 1j,
    ):
        assert not is_plain_target(other, 3)
    assert not is_plain_target(np.array(["a", "b", "c"]), 3, numeric=True)


def test_names_of_an_earlier_fit_are_forgotten():
    X, y = np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    model = GaussianNB().fit(pd.DataFrame(X, columns=list("abc")), y)
    assert not hasattr(model.fit(X, y), "feature_names_in_")
    assert model.fit(X[:, :2].copy(), y).n_features_in_ == 2


def test_settings_that_passed_once_are_checked_again_when_a_type_or_value_changes():
    X, y = np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    Ridge(alpha=1.0).fit(X, y)
    for alpha in (-1.0, "1.0", None):
        with pytest.raises(InvalidParameterError, match="alpha"):
            Ridge(alpha=alpha).fit(X, y)
    KNeighborsClassifier(n_neighbors=1).fit(X, y)
    for k in (1.0, 0):
        with pytest.raises((InvalidParameterError, TypeError), match="n_neighbors"):
            KNeighborsClassifier(n_neighbors=k).fit(X, y).predict(X)


def test_settings_that_are_no_scalars_are_checked_each_time():
    settings = ValidSettings()
    assert settings.key(GaussianNB(priors=[0.5, 0.5])) is None
    key = settings.key(GaussianNB())
    assert key not in settings
    settings.add(key)
    assert settings.key(GaussianNB()) in settings
    assert settings.key(GaussianNB(var_smoothing=1)) not in settings
