"""Logistic regression with fewer rows than columns, and by some of the rows first: no worse than scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model

from fastml.linear_model import LogisticRegression, Ridge, wide


def objective(model, X, y, C):
    scores = model.decision_function(X)
    scores = np.column_stack([np.zeros(len(y)), scores]) if scores.ndim == 1 else scores
    top = scores.max(axis=1)
    losses = top + np.log(np.exp(scores - top[:, None]).sum(axis=1)) - scores[np.arange(len(y)), y]
    return C * losses.sum() + 0.5 * (model.coef_.astype(float) ** 2).sum()


@pytest.mark.parametrize("shape", [(20, 200), (60, 80), (90, 60), (250, 300), (3500, 20), (4000, 5)])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_worse_than_scikit_learn(shape, C, n_classes, dtype):
    random = np.random.default_rng(0)
    X = random.normal(size=shape) * random.uniform(0.3, 2, shape[1]) + random.normal(size=shape[1])
    X = (X * (random.random(shape) < 0.5)).astype(dtype)
    scores = X[:, 0] + X[:, 1] + 0.3 * random.normal(size=len(X))
    y = np.digitize(scores, np.quantile(scores, [0.7] if n_classes == 2 else [0.3, 0.8]))
    theirs = objective(sklearn.linear_model.LogisticRegression(C=C, max_iter=1000).fit(X, y), X, y, C)
    for layout in (np.asarray, sp.csr_matrix):
        model = LogisticRegression(C=C, max_iter=1000).fit(layout(X), y)
        assert objective(model, X, y, C) <= theirs * (1 + 1e-5)
        assert model.converged_
        if shape[0] < min(shape[1], wide.MOST_ROWS) and n_classes == 2:
            assert model.solver_ == "newton-cholesky"


def test_weights_constants_and_no_intercept():
    random = np.random.default_rng(1)
    X, weight = random.normal(size=(30, 50)), random.integers(0, 3, 30)
    X[:, 7] = 0.1
    y = random.integers(0, 2, 30)
    for free in (True, False):
        model = LogisticRegression(fit_intercept=free, tol=1e-8)
        coef = model.fit(X, y, sample_weight=weight).coef_.copy()
        again = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight)).coef_
        np.testing.assert_allclose(coef, again, atol=1e-6)
        assert not free or coef[0, 7] == 0


def test_all_weights_of_a_class_are_0():
    X, y = np.random.default_rng(2).normal(size=(12, 20)), np.arange(12) % 2
    model = LogisticRegression().fit(X, y, sample_weight=y)
    assert np.isfinite(model.coef_).all()


def test_ridge_of_columns_beside_which_alpha_is_lost():
    X = np.array([[1.0, 1.0, 1.0], [2.0**62, 0.0, 2.0**53]])
    model = Ridge().fit(X, [0.1, 0.1])
    assert model.solver_ == "lstsq"
    np.testing.assert_allclose(model.predict(X), [0.1, 0.1])
