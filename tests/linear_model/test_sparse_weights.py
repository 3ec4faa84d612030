"""An l1 penalty, by Newton's method on the columns that take part: the conditions of the optimum, on all shapes."""

import numpy as np
import pytest
from scipy import sparse

from fastml.linear_model import LogisticRegression
from fastml.svm import LinearSVC


def slopes(model, X, y):
    """The derivative of the sum of the losses by each weight and the intercept, from the definition."""
    signs = np.where(y == model.classes_[1], 1.0, -1.0)
    margins = signs * (np.asarray(X @ model.coef_[0]) + model.intercept_[0])
    if isinstance(model, LinearSVC):
        own = -2.0 * signs * np.maximum(0.0, 1.0 - margins)
    else:
        own = -signs / (1.0 + np.exp(margins))
    return np.asarray(own @ X), own.sum()


def models(C):
    yield LinearSVC(penalty="l1", dual=False, C=C, tol=1e-8)
    yield LogisticRegression(l1_ratio=1.0, solver="saga", C=C, tol=1e-8)


@pytest.mark.parametrize("C", [0.02, 0.3, 5.0])
@pytest.mark.parametrize("shape", [(60, 300), (300, 60), (40, 40), (200, 3)])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_the_optimum(shape, form, C):
    random = np.random.default_rng(sum(shape))
    X = random.normal(size=shape) * (random.random(shape) < 0.3)
    y = (X[:, :3].sum(axis=1) + 0.3 * random.normal(size=len(X)) > 0.2).astype(int)
    for model in models(C):
        model.fit(form(X), y)
        by_weight, by_intercept = slopes(model, X, y)
        weights = model.coef_[0]
        assert np.abs(C * by_weight + np.sign(weights))[weights != 0].max(initial=0.0) < 1e-5
        assert np.abs(C * by_weight).max() < 1 + 1e-5
        assert np.count_nonzero(weights) <= len(X)
        if isinstance(model, LogisticRegression):
            assert abs(C * by_intercept) < 1e-5
        else:  # the intercept is penalised, too
            b = model.intercept_[0]
            assert abs(C * by_intercept + np.sign(b)) < 1e-5 if b else abs(C * by_intercept) < 1 + 1e-5


def test_no_weight_but_the_intercept():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(100, 30)), np.arange(100) < 80
    model = LogisticRegression(l1_ratio=1.0, solver="saga", C=1e-4, tol=1e-10).fit(X, y)
    assert not model.coef_.any()
    assert model.intercept_[0] == pytest.approx(np.log(80 / 20), abs=1e-6)
    model = LinearSVC(penalty="l1", dual=False, C=0.01, tol=1e-10).fit(X * 1e-3, y)
    assert not model.coef_.any()
