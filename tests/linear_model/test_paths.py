"""Logistic regression along a path of C: as good as separate fits, whatever the path carries along."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.linear_model import LogisticRegression

CS = [30.0, 0.01, 0.1, 1.0, 1.0, 3.0, 1000.0]  # in no order, one twice


def table(kind, classes, n=1500):
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(n, 140))
    if kind == "sparse":
        X = sp.random(n, 160, 0.05, "csr", random_state=rng)
    elif kind == "few columns":
        X = rng.lognormal(0.0, 1.0, (4 * n, 30)).astype(np.float32)
    scores = np.asarray(X @ rng.normal(size=X.shape[1]))
    scores = scores + 0.5 * scores.std() * rng.normal(size=len(scores))
    return X, np.searchsorted(np.quantile(scores, np.arange(1, classes) / classes), scores)


def objective(model, X, y, weight):
    scores = np.atleast_2d(model.decision_function(X).astype(float).T).T
    scores = np.column_stack([np.zeros(len(y)), scores]) if scores.shape[1] == 1 else scores
    top = scores.max(axis=1)
    losses = top + np.log(np.exp(scores - top[:, None]).sum(axis=1)) - scores[np.arange(len(y)), y]
    return model.C * weight @ losses + 0.5 * np.sum(model.coef_.astype(float) ** 2)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("kind", ["dense", "sparse", "few columns"])
def test_each_model_of_a_path_is_as_good_as_one_alone(kind, classes, fit_intercept):
    X, y = table(kind, classes)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    models = LogisticRegression(fit_intercept=fit_intercept, max_iter=1000).fit_path(X, y, CS, weight)
    assert [model.C for model in models] == CS
    for model in models:
        alone = LogisticRegression(C=model.C, fit_intercept=fit_intercept, max_iter=1000, tol=1e-6)
        best = objective(alone.fit(X, y, weight), X, y, weight)
        assert model.converged_
        assert model.coef_.dtype == X.dtype
        assert objective(model, X, y, weight) <= best * (1 + 2e-6)
        np.testing.assert_allclose(model.coef_, alone.coef_, atol=5e-3 * np.abs(alone.coef_).max())


def test_a_path_with_values_that_are_not_shared():
    X, y = table("dense", 2)
    free, held = LogisticRegression().fit_path(X, y, [np.inf, 0.1])
    np.testing.assert_allclose(free.coef_, LogisticRegression(C=np.inf).fit(X, y).coef_, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(held.coef_, LogisticRegression(C=0.1).fit(X, y).coef_, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 1.0, "solver": "saga", "C": 10.0}, {"warm_start": True}])
def test_columns_that_hold_no_value_have_no_weight(classes, settings):
    rng = np.random.default_rng(classes)
    X = sp.random(300, 200, 0.1, "csr", random_state=rng)
    y = np.searchsorted(np.linspace(-1, 1, classes + 1)[1:-1], np.asarray(X @ rng.normal(size=200)))
    places = np.sort(rng.choice(2**16, 200, replace=False)).astype(X.indices.dtype)
    wide = sp.csr_matrix((X.data, places[X.indices], X.indptr), (300, 2**16))
    few, many = (LogisticRegression(max_iter=1000, **settings).fit(Z, y) for Z in (X, wide))
    if settings.get("warm_start"):
        few, many = few.fit(X, y), many.fit(wide, y)
    np.testing.assert_allclose(many.coef_[:, places], few.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(many.intercept_, few.intercept_, rtol=1e-3, atol=1e-4)
    assert np.count_nonzero(many.coef_) == np.count_nonzero(few.coef_)
    assert many.coef_.shape == (1 if classes == 2 else classes, 2**16)
    assert (many.predict(wide) == few.predict(X)).all()
