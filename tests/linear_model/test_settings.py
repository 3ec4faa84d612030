"""Settings that do not go together, or are out of range, are refused by name; those that scikit-learn takes work."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

import fastml.linear_model
from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, SGDClassifier, SGDRegressor
from fastml.linear_model.objective import Objective
from fastml.svm import LinearSVC

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
NUMBERS = X[:, 0] + RANDOM.normal(size=60)
LABELS = (NUMBERS > 0).astype(int)
SQUARED = ["squared_hinge", "log_loss", "modified_huber", "perceptron", "squared_error", "huber"]


@pytest.mark.parametrize("rate", ["pa1", "pa2"])
def test_passive_aggressive_steps_are_for_their_loss(rate):
    for loss in (*SQUARED, "epsilon_insensitive", "squared_epsilon_insensitive"):
        with pytest.raises(ValueError, match=f"learning_rate='{rate}' is the passive-aggressive step of loss='hinge'"):
            SGDClassifier(loss, learning_rate=rate).fit(X, LABELS)
    for loss in ("squared_error", "huber", "squared_epsilon_insensitive", "quantile", "poisson"):
        with pytest.raises(ValueError, match=f"'{rate}' is the passive-aggressive step of loss='epsilon_insensitive'"):
            SGDRegressor(loss, learning_rate=rate).fit(X, abs(NUMBERS))
    model = SGDClassifier("hinge", learning_rate=rate, eta0=1.0)
    scores = [model.set_params(random_state=seed).fit(X, LABELS).score(X, LABELS) for seed in range(10)]
    assert np.mean(scores) > 0.6  # of a single order, the last rows decide
    SGDRegressor("epsilon_insensitive", learning_rate=rate).fit(X, NUMBERS)


@pytest.mark.parametrize("model", [SGDClassifier, SGDRegressor, Perceptron])
def test_partial_fit_never_stops_early(model):
    y = NUMBERS if model is SGDRegressor else LABELS
    options = {} if model is SGDRegressor else {"classes": [0, 1]}
    with pytest.raises(ValueError, match="early_stopping should be False with partial_fit"):
        model(early_stopping=True).partial_fit(X, y, **options)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (LogisticRegression, ["max_iter"]),
        (LinearSVC, ["max_iter"]),
        (LinearRegression, ["max_iter"]),
        (Ridge, ["max_iter"]),
        (Perceptron, ["max_iter", "n_iter_no_change"]),
        (SGDClassifier, ["max_iter", "n_iter_no_change", "average", "batch_size"]),
        (SGDRegressor, ["max_iter", "n_iter_no_change", "average", "batch_size"]),
    ],
)
@pytest.mark.parametrize("value", [2**63, 10**30, -(2**63)])
def test_integers_beyond_the_kernels_are_named(model, names, value):
    for name in names:
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            model(**{name: value}).fit(X, LABELS)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=2**63 - 1),
        LogisticRegression(solver="newton-cg", max_iter=10**12),
        LinearSVC(max_iter=2**63 - 1),
        LinearSVC(loss="hinge", max_iter=2**63 - 1),
        LinearSVC(multi_class="crammer_singer", max_iter=2**63 - 1),
        SGDClassifier(max_iter=2**63 - 1),
        Perceptron(max_iter=2**63 - 1),
    ],
)
def test_as_many_iterations_as_it_takes(model):
    assert model.fit(X, LABELS).score(X, LABELS) > 0.6


CLASSIFIERS = [LogisticRegression(), LinearSVC(), LinearSVC(loss="hinge"), SGDClassifier(), Perceptron()]


@pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", [*CLASSIFIERS, LinearRegression(), Ridge(), SGDRegressor()], ids=str)
def test_weights_as_large_and_as_small_as_floats(model):
    """Weights that leave no room for a sum of losses are refused by name; no warning of NumPy's leaks."""
    y = LABELS if model in CLASSIFIERS else NUMBERS
    for size in (1e308, 1e301, 1e-305, 5e-324):
        with pytest.raises(ValueError, match="sample_weight sums to .* scale sample_weight"):
            model.fit(X, y, sample_weight=np.full(60, size))
    with pytest.raises(ValueError, match=r"sample_weight sums to 1e\+308"):
        model.fit(X, y, sample_weight=np.append(np.ones(59), 1e308))
    for size in (1e290, 1e160, 1e-160, 1e-290):
        assert np.isfinite(model.fit(X, y, sample_weight=np.full(60, size)).coef_).all()


@pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", CLASSIFIERS, ids=str)
def test_class_weights_as_large_as_floats(model):
    model = clone(model)
    for factors in ({0: 1e308, 1: 1}, {0: 1e308, 1: 1e308}, {0: 1e-308, 1: 1e-308}):
        with pytest.raises(ValueError, match="class_weight sums to .* scale class_weight"):
            model.set_params(class_weight=factors).fit(X, LABELS)
    assert np.isfinite(model.set_params(class_weight={0: 1e290, 1: 1.0}).fit(X, LABELS).coef_).all()


@pytest.mark.parametrize(
    ("model", "y", "held"),
    [
        (SGDRegressor(), [1.0], "1 of 1 samples, but needs 2 to score, 1 to learn from"),
        (SGDRegressor(), [1.0, 2.0, 3.0], "1 of 3 samples"),
        (SGDRegressor(validation_fraction=0.99), NUMBERS[:20], "20 of 20 samples"),
        (SGDClassifier(), [0, 1], "1 of 2 samples, but needs a sample of each of 2 classes in both parts"),
        (SGDClassifier(validation_fraction=0.5), [0, 1, 1, 1, 1], "3 of 5 samples"),
        (Perceptron(), [0, 0, 1, 1], "1 of 4 samples"),
    ],
)
def test_early_stopping_with_too_few_samples(model, y, held):
    """Which setting asks for a validation set, how large it would be, and the three ways out."""
    cure = "give more samples, choose another validation_fraction, or set early_stopping=False"
    with pytest.raises(ValueError, match=f"early_stopping=True with validation_fraction=.* holds out {held}.*{cure}"):
        model.set_params(early_stopping=True).fit(X[: len(y)], y)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_logistic_regression_without_a_share_of_l1():
    plain = LogisticRegression().fit(X, LABELS)
    np.testing.assert_array_equal(LogisticRegression(l1_ratio=None).fit(X, LABELS).coef_, plain.coef_)
    with pytest.raises(ValueError, match="l1_ratio=None with penalty='elasticnet'"):
        LogisticRegression("elasticnet", l1_ratio=None, solver="saga").fit(X, LABELS)
    with pytest.warns(UserWarning, match="penalty=None will ignore the C"):
        LogisticRegression(None, C=3.0).fit(X, LABELS)


@pytest.mark.parametrize(
    ("solver", "l1_ratio"),
    [*((solver, 0) for solver in ("lbfgs", "newton-cholesky", "newton-cg", "gd")), ("saga", 1), ("auto", 1), ("gd", 1)],
)
def test_no_iterations(solver, l1_ratio):
    with pytest.warns(ConvergenceWarning, match="reached max_iter=0"):
        model = LogisticRegression(solver=solver, l1_ratio=l1_ratio, max_iter=0).fit(X, LABELS)
    np.testing.assert_array_equal(model.coef_, 0)
    assert model.n_iter_.tolist() == [0]


def test_ridges_solvers():
    with pytest.raises(ValueError, match="solver='svd' does not support positive fitting"):
        Ridge(positive=True, solver="svd").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="'lbfgs' can be used only when positive=True"):
        Ridge(solver="lbfgs").fit(X, NUMBERS)
    assert (Ridge(positive=True, solver="lbfgs").fit(X, NUMBERS).coef_ >= 0).all()


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.coo_array])
def test_what_scikit_learn_refuses_of_sparse_rows(container):
    rows = container(X)
    for module in (sklearn.linear_model, fastml.linear_model):
        for solver in ("svd", "cholesky", "saga"):
            with pytest.raises(ValueError, match=f"solver='{solver}' does not support fitting the intercept on sparse"):
                module.Ridge(solver=solver).fit(rows, NUMBERS)
        with pytest.raises(TypeError, match="SVD solver does not support sparse inputs currently"):
            module.Ridge(solver="svd", fit_intercept=False).fit(rows, NUMBERS)
        with pytest.raises(TypeError, match=r"Sparse data was passed.*, but dense data is required"):
            module.LinearRegression(positive=True).fit(rows, NUMBERS)
    dense = LinearRegression(positive=True).fit(X, NUMBERS)
    sparse = Ridge(alpha=0, positive=True).fit(rows, NUMBERS)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-9)
    for solver in ("cholesky", "saga", "lsqr", "sag", "sparse_cg", "auto"):
        model = Ridge(solver=solver, fit_intercept=False, tol=1e-10)
        np.testing.assert_allclose(model.fit(rows, NUMBERS).coef_, model.fit(X, NUMBERS).coef_, atol=1e-8)


def test_what_scikit_learn_says_of_sag_on_sparse_rows():
    for module in (sklearn.linear_model, fastml.linear_model):
        with pytest.warns(UserWarning, match='"sag" solver requires many iterations to fit an intercept'):
            module.Ridge(solver="sag", tol=1e-3, random_state=0).fit(sp.csr_array(X), NUMBERS)
    Ridge(solver="sag", tol=1e-3, fit_intercept=False).fit(sp.csr_array(X), NUMBERS)
    Ridge(solver="sag", tol=1e-3).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="'tol' parameter of Ridge"):
        Ridge(solver="sag", tol="low").fit(sp.csr_array(X), NUMBERS)


def test_a_column_of_targets_is_one_output():
    for module in (sklearn.linear_model, fastml.linear_model):
        with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
            model = module.SGDRegressor(random_state=0).fit(X, NUMBERS[:, None])
        assert model.coef_.shape == (X.shape[1],)
        assert model.predict(X).shape == NUMBERS.shape


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor", "Perceptron"])
def test_weights_of_0_everywhere_beside_rows_held_out(name):
    for module in (sklearn.linear_model, fastml.linear_model):
        model = getattr(module, name)(early_stopping=True, random_state=0)
        with pytest.raises(ValueError, match="weights for validation set are all zero|contain at least one non-zero"):
            model.fit(X, LABELS, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match="The sample weights for validation set are all zero, consider using a diff"):
        model.fit(X, LABELS, sample_weight=np.zeros(len(X)))


@pytest.mark.parametrize("model", [SGDClassifier, SGDRegressor, Perceptron])
def test_one_epoch_is_told(model):
    with pytest.warns(ConvergenceWarning, match="max_iter=1 epochs"):
        model(max_iter=1).fit(X, NUMBERS if model is SGDRegressor else LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model(max_iter=1, tol=None, eta0=1e-3).fit(X, NUMBERS if model is SGDRegressor else LABELS)


@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg", "lbfgs"])
@pytest.mark.parametrize("offset", [0, 50, 5000])
def test_rounding_ends_a_line_search(solver, offset, monkeypatch):
    """Single precision cannot show tol=1e-10; what is left to gain is below rounding, and that is the end."""
    calls, called = [], Objective.__call__
    monkeypatch.setattr(Objective, "__call__", lambda *given, **named: calls.append(1) or called(*given, **named))
    random = np.random.default_rng(1)
    rows = random.normal(size=(4000, 60)).astype(np.float32)
    y = rows[:, 0] + random.logistic(size=4000) > 0
    rows[:, 3] += offset
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression(solver=solver, tol=1e-10, max_iter=1000).fit(rows, y)
    assert len(calls) < 100


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, sp.csr_matrix, sp.csr_array])
def test_a_large_table_to_predict_may_not_hold_what_is_not_finite(value, n_classes, layout):
    X = np.random.default_rng(0).normal(size=(3000, 20))
    model = LogisticRegression().fit(X, np.arange(len(X)) % n_classes)
    model.coef_[:, 3] = 0  # not even where the weight is 0
    wrong = X.copy()
    wrong[1234, 3] = value
    for method in (model.predict, model.decision_function, model.predict_proba):
        with pytest.raises(ValueError, match=r"X\[1234, 3\] is"):
            method(layout(wrong))
    model.coef_[:] = 1e308  # while scores of finite rows may overflow
    assert not np.isfinite(model.decision_function(layout(X))).all()


def test_ridge_names_the_solver_that_was_asked_for():
    names = [Ridge(solver=solver).fit(X, NUMBERS).solver_ for solver in ("auto", "sag", "svd", "cholesky")]
    assert names == ["cholesky", "sag", "svd", "cholesky"]
    assert Ridge(solver="lsqr").fit(np.ones((2, 90)) * np.arange(90), [1.0, 2.0]).solver_ == "lsqr"


def test_a_warm_start_from_weights_that_are_not_finite():
    model = LogisticRegression(warm_start=True).fit(X, LABELS)
    model.coef_[:] = np.nan
    with pytest.raises(ValueError, match="Floating-point under-/overflow.*warm_start"):
        model.fit(X, LABELS)


def test_stochastic_gradients_say_which_settings_lead_nowhere():
    with pytest.warns(FutureWarning, match="Negative values for `power_t`"):
        SGDClassifier(power_t=-1.0).fit(X, LABELS)
    labels, weight = np.arange(40) % 2, np.zeros(40)
    weight[:2] = 1
    with pytest.raises(ValueError, match="weights for validation set are all zero"):
        SGDClassifier(early_stopping=True, random_state=0).fit(np.arange(40.0)[:, None], labels, sample_weight=weight)
