"""LogisticRegression's settings as scikit-learn understands them: liblinear's objective, what each solver refuses."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.model_selection import GridSearchCV as TheirSearch
from sklearn.pipeline import make_pipeline

from fastml.linear_model import LogisticRegression
from fastml.model_selection import GridSearchCV, cross_val_score
from fastml.preprocessing import StandardScaler

IRIS, SPECIES = load_iris(return_X_y=True)
X, y = IRIS[50:], SPECIES[50:]


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("options", [{}, {"l1_ratio": 1}, {"dual": True}])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scaling", [0.5, 1, 20.0])
def test_the_intercept_of_liblinear_is_penalised(container, options, fit_intercept, scaling):
    settings = {"solver": "liblinear", "fit_intercept": fit_intercept, "intercept_scaling": scaling, **options}
    for C in (0.05, 3.0):
        theirs = sklearn.linear_model.LogisticRegression(C=C, tol=1e-12, max_iter=10**6, random_state=0, **settings)
        theirs.fit(container(X), y)
        ours = LogisticRegression(C=C, tol=1e-10, max_iter=5000, **settings).fit(container(X), y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=2e-3, atol=2e-4)


def test_liblinear_on_many_columns():
    """Where rows are fewer than columns, and columns stand far from 0, the intercept is penalised all the same."""
    data, labels = load_breast_cancer(return_X_y=True)
    rows = (data[:25] - data.mean(axis=0)) / data.std(axis=0) + 3
    theirs = sklearn.linear_model.LogisticRegression(solver="liblinear", tol=1e-12, max_iter=10**5)
    theirs.fit(rows, labels[:25])
    ours = LogisticRegression(solver="liblinear", tol=1e-10, max_iter=1000).fit(rows, labels[:25])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_liblinear_works_in_float64(container):
    single = container(X.astype(np.float32))
    model = LogisticRegression(solver="liblinear").fit(single, y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float64
    assert model.predict_proba(single).dtype == np.float64
    np.testing.assert_array_equal(model.predict(single), model.predict(container(X.astype(np.float32).astype(float))))


REFUSED = [
    ({"l1_ratio": 1}, "Solver lbfgs supports only 'l2' or None penalties, got l1 penalty"),
    ({"solver": "newton-cg", "l1_ratio": 0.5}, "Solver newton-cg supports only 'l2' or None penalties, got elasticnet"),
    ({"solver": "newton-cholesky", "penalty": "l1"}, "Solver newton-cholesky supports only 'l2' or None"),
    ({"solver": "sag", "l1_ratio": 1}, "Solver sag supports only 'l2' or None penalties"),
    ({"dual": True}, "Solver lbfgs supports only dual=False, got dual=True"),
    ({"solver": "saga", "dual": True}, "Solver saga supports only dual=False, got dual=True"),
    ({"solver": "liblinear", "l1_ratio": 0.5}, "Only 'saga' solver supports elasticnet penalty, got solver=liblinear"),
    ({"solver": "liblinear", "C": np.inf}, "penalty=None is not supported for the liblinear solver"),
    ({"solver": "liblinear", "l1_ratio": 1, "dual": True}, "Unsupported set of arguments: The combination of penalty"),
    ({"solver": "saga", "penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be specified when penalty is elas"),
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("settings", "words"), REFUSED)
def test_what_scikit_learn_refuses(settings, words):
    """In its words first, ours behind."""
    for module in (sklearn.linear_model.LogisticRegression, LogisticRegression):
        with pytest.raises(ValueError, match=words):
            module(**settings).fit(X, y)


def test_liblinear_refuses_several_classes_and_huge_values():
    for module in (sklearn.linear_model.LogisticRegression, LogisticRegression):
        with pytest.raises(ValueError, match="'liblinear' solver does not support multiclass classification"):
            module(solver="liblinear").fit(IRIS, SPECIES)
        with pytest.raises(ValueError, match="maximum value > 1e30 results in a frozen fit"):
            module(solver="liblinear").fit(X * 1e31, y)


@pytest.mark.parametrize("solver", ["liblinear", "sag", "saga", "lbfgs", "newton-cg", "auto"])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array, sp.coo_array])
def test_wide_indices(solver, container):
    rows = container(X)
    for name in ("indices", "indptr") if hasattr(rows, "indptr") else ("coords",):
        wide = getattr(rows, name)
        setattr(rows, name, tuple(at.astype(np.int64) for at in wide) if name == "coords" else wide.astype(np.int64))
    model = LogisticRegression(solver=solver, max_iter=1000, tol=1e-3)
    if solver in ("liblinear", "sag", "saga"):
        with pytest.raises(ValueError, match="Only sparse matrices with 32-bit integer indices are accepted"):
            model.fit(rows, y)
    else:
        assert model.fit(rows, y).score(rows, y) > 0.9


@pytest.mark.parametrize("ratio", [0.5, 1])
@pytest.mark.parametrize("solver", ["auto", "newton", "saga"])
def test_own_solvers_take_every_penalty(solver, ratio):
    theirs = sklearn.linear_model.LogisticRegression(solver="saga", l1_ratio=ratio, tol=1e-9, max_iter=10**5)
    ours = LogisticRegression(solver=solver, l1_ratio=ratio, tol=1e-9, max_iter=5000)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(ours.fit(Z, y).coef_, theirs.fit(Z, y).coef_, atol=1e-5)


DEPRECATED = [
    ({"penalty": "l2"}, "'penalty' was deprecated"),
    ({"l1_ratio": None}, "'l1_ratio=None' was deprecated"),
    ({"n_jobs": 2}, "'n_jobs' has no effect"),
]


@pytest.mark.parametrize(("settings", "words"), DEPRECATED)
def test_what_scikit_learn_deprecates(settings, words):
    """One warning a fit, of the user's line, also where a pipeline, a search or a score made the fit."""
    model = LogisticRegression(**settings)
    for fit in (
        lambda: model.fit(X, y),
        lambda: make_pipeline(StandardScaler(), model).fit(X, y),
        lambda: GridSearchCV(model, {"C": [1.0]}, cv=2).fit(X, y),
        lambda: TheirSearch(model, {"C": [1.0]}, cv=2).fit(X, y),
        lambda: cross_val_score(model, X, y, cv=2),
    ):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            fit()
        assert {warning.filename for warning in seen} == {__file__}
        assert all(words in str(warning.message) and warning.category is FutureWarning for warning in seen)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert len(seen) == 1


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"penalty": "l1", "solver": "saga"}, "Inconsistent values: penalty=l1 with l1_ratio=0.0"),
        ({"penalty": "l2", "l1_ratio": 1}, "Inconsistent values: penalty=l2 with l1_ratio=1"),
        ({"C": np.inf, "l1_ratio": 0.5}, "l1_ratio parameter is only used when penalty is 'elasticnet'"),
        ({"penalty": None, "C": 3.0}, "Setting penalty=None will ignore the C and l1_ratio parameters"),
    ],
)
def test_settings_that_say_two_things(settings, words):
    for module in (sklearn.linear_model.LogisticRegression, LogisticRegression):
        with pytest.warns(UserWarning, match=words):
            module(max_iter=10**5, **settings).fit(X, y)
