"""Support vector machines beside constant columns of any size, and intercepts of any scale: the optimum, unwarned."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.linear_model import LogisticRegression
from fastml.linear_model.columns import joined_constants
from fastml.svm import LinearSVC

KINDS = [{"loss": "hinge"}, {"loss": "squared_hinge"}, {"multi_class": "crammer_singer"}, {"dual": True}]


def table(n=200, d=4, classes=2):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d))
    return X, np.searchsorted(np.linspace(-0.5, 0.5, classes - 1), X[:, 0] + 0.3 * rng.normal(size=n))


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_joined_columns_have_the_same_scores_and_the_same_penalty(layout):
    X, _ = table()
    X[:, 1], X[:, 3] = 3.0, -2.0
    rows = joined_constants(layout(X), 0.5, 1.0)
    W = np.random.default_rng(0).normal(size=(3, 5))
    W[:, [1, 3]] = 0.0
    coef, intercept = rows.weights(W)
    joined = rows.X.toarray() if sp.issparse(rows.X) else rows.X
    scores = joined @ W[:, :-1].T + rows.bias * W[:, -1]
    np.testing.assert_allclose(X @ coef.T + intercept, scores, rtol=1e-12)
    np.testing.assert_allclose((coef**2).sum(axis=1) + (intercept / 0.5) ** 2, (W**2).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(rows.point(coef, intercept), W, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_a_large_constant_column_is_a_free_intercept(layout, kind, classes):
    X, y = table(classes=classes)
    free = LinearSVC(**kind, intercept_scaling=1e4).fit(layout(X), y)
    for value in (1e7, -1e15, 1e100, 1e300):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LinearSVC(**kind).fit(layout(np.column_stack([X, np.full(len(X), value)])), y)
        np.testing.assert_allclose(model.coef_[:, :-1], free.coef_, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(model.coef_[:, -1] * value + model.intercept_, free.intercept_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", [*KINDS, {"penalty": "l1"}])
@pytest.mark.parametrize("scaling", [1e-308, 1e-200, 1e150, 1e308])
def test_intercepts_of_any_scale(kind, scaling):
    X, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearSVC(**kind, intercept_scaling=scaling).fit(X, y)
        like = LinearSVC(**kind, intercept_scaling=1e4 if scaling > 1 else 1e-6).fit(X, y)
        logistic = LogisticRegression(solver="liblinear", intercept_scaling=scaling).fit(X, y)
    np.testing.assert_allclose(model.coef_, like.coef_, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(model.intercept_, like.intercept_, rtol=1e-3, atol=1e-3)
    assert np.isfinite(logistic.coef_).all()
    assert (np.abs(logistic.intercept_) > 1e-50).all() == (scaling > 1)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_rows_of_weight_0_are_as_if_they_were_not_there(layout):
    X, y = table(2000, 120)
    weight = np.arange(2000) % 2
    for C in (0.1, 10.0):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LinearSVC(loss="hinge", C=C).fit(layout(X), y, sample_weight=weight)
            half = LinearSVC(loss="hinge", C=C).fit(layout(X[1::2]), y[1::2])
        np.testing.assert_allclose(model.coef_, half.coef_, rtol=1e-3, atol=1e-4)
