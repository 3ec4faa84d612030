"""Frames of pandas that hold floats of one kind are read without scikit-learn's check, and told apart as by it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import validation

from fastml import _sklearn
from fastml.linear_model import Ridge
from fastml.preprocessing import StandardScaler

OPTIONS = {"dtype": "numeric", "order": "C", "ensure_all_finite": False}


def outcome(check, model, X, **options):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = check(model, X, **OPTIONS, **options)
        except Exception as error:
            found = str(error)
    names = getattr(model, "feature_names_in_", np.empty(0)).tolist()
    return found, names, model.n_features_in_, [str(each.message) for each in told]


@given(
    st.sampled_from([list("abc"), list("cab"), list("ab"), list("aab"), list("abd"), [0, 1, 2], ["a", "b", 3]]),
    st.sampled_from([np.float32, np.float64, np.int64]),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
)
def test_as_by_scikit_learn(names, dtype, n, mixed, reset):
    X = pd.DataFrame(np.arange(3.0 * n).reshape(n, 3)[:, : len(names)].astype(dtype), columns=names)
    if mixed:
        X = pd.concat([X.iloc[:, :-1], X.iloc[:, -1:].astype(float)], axis=1)
    found, expected = (
        outcome(check, StandardScaler().fit(pd.DataFrame(np.eye(3), columns=list("abc"))), X, reset=reset)
        for check in (_sklearn.validate_data, validation.validate_data)
    )
    assert found[1:] == expected[1:]
    assert type(found[0]) is type(expected[0])
    if isinstance(found[0], str):
        assert found[0] == expected[0]
    else:
        assert found[0].dtype == expected[0].dtype
        assert found[0].flags.c_contiguous
        assert np.array_equal(found[0], expected[0])


def test_with_a_target():
    X, y = pd.DataFrame(np.eye(3), columns=list("abc")), np.arange(3.0)
    model = Ridge().fit(X, y)
    assert model.feature_names_in_.tolist() == list("abc")
    assert np.array_equal(model.predict(X), Ridge().fit(np.eye(3), y).predict(np.eye(3)))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        Ridge().fit(X, y[:2])
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[list("bac")])
