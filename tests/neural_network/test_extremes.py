"""Values, weights and settings at the ends of their ranges: an answer, or a refusal that names the place."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastml.linear_model import SGDClassifier, SGDRegressor
from fastml.neural_network import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X @ np.array([1.0, -2.0, 0.5])
pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e6, 1e100, 1e155, 1e200, 1e307])
@pytest.mark.parametrize("of", ["X", "y"])
@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_huge_and_tiny_values(solver, scale, of, model):
    """A finite model, or a refusal that says which of the two is how large."""
    rows = X * scale if of == "X" else X
    y = LABELS if model is MLPClassifier else TARGET * scale if of == "y" else TARGET
    network = model(hidden_layer_sizes=(4,), solver=solver, max_iter=3, random_state=0)
    refusal = None
    try:
        network.fit(rows, y)
    except ValueError as error:
        refusal = str(error)
    if refusal is None:
        assert all(np.isfinite(part).all() for part in (*network.coefs_, *network.intercepts_))
        assert np.isfinite(network.predict(X)).all()
    else:
        assert scale >= 1e100
        assert f"X holds values up to {np.abs(rows).max():.3g}" in refusal
        assert model is MLPClassifier or f"y up to {np.abs(y).max():.3g}" in refusal


def test_rows_far_from_all_that_was_seen():
    for labels in (LABELS, LABELS + (X[:, 1] > 0)):
        network = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, labels)
        for far in (1e308, -1e308, 1e200, 1e-310):
            share = network.predict_proba(np.full((2, 3), far))
            assert np.isfinite(share).all()
            np.testing.assert_allclose(share.sum(axis=1), 1.0)


def test_weights_too_small_beside_the_penalty_are_named():
    with pytest.raises(ValueError, match="sample_weight goes up to 1e-312 only"):
        MLPClassifier((4,), solver="lbfgs", max_iter=3).fit(X, LABELS, np.full(200, 1e-312))


TOO_MANY = [9999999999, 2**63, 10**30, (9999999999,), (2**62, 2**62), (200000, 200000), np.array([2**40])]


@pytest.mark.parametrize("sizes", TOO_MANY, ids=str)
@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_layers_beyond_the_memory_are_refused_with_what_they_would_take(sizes, model):
    with pytest.raises(
        ValueError, match=r"hidden_layer_sizes=.* makes .* weights, which take .* GiB .*this machine has"
    ):
        model(hidden_layer_sizes=sizes).fit(X, LABELS)


@pytest.mark.parametrize("sizes", [(5, 0), (5, -1), (2.5,), (True,), ("5",), [None]])
def test_layers_that_are_no_counts(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes="):
        MLPClassifier(sizes).fit(X, LABELS)


@pytest.mark.parametrize("name", ["max_iter", "batch_size", "max_fun", "n_iter_no_change", "schedule_epochs"])
@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_counts_beyond_64_bits_are_counts(name, number, solver):
    options = {"tol": 1e9, "max_iter": 3, "n_iter_no_change": 1, "random_state": 0, "solver": solver, name: number}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a batch larger than the rows is said to be
        network = MLPClassifier((2,), **options).fit(X, LABELS)
    assert network.n_iter_ <= 3


def test_lines_where_no_terminal_shows_a_bar(capsys):
    for solver in ("adam", "lbfgs"):
        MLPRegressor(hidden_layer_sizes=(3,), solver=solver, max_iter=4, verbose=True, random_state=0).fit(X, TARGET)
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(",")[0] for line in lines] == [f"Iteration {k}" for k in range(1, 5)]
        assert all(", loss = " in line for line in lines)
    MLPClassifier((3,), max_iter=2, verbose=True, early_stopping=True, random_state=0).fit(X, LABELS)
    assert capsys.readouterr().out.count("validation score = ") == 2
    MLPClassifier((3,), max_iter=2, random_state=0).fit(X, LABELS)
    assert capsys.readouterr().out == ""


def test_no_standard_streams(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    MLPClassifier((3,), max_iter=2, verbose=True, random_state=0).fit(X, LABELS)


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_partial_fit_is_there_with_solvers_of_batches_only(model):
    assert hasattr(model(), "partial_fit")
    assert hasattr(model(solver="sgd"), "partial_fit")
    assert not hasattr(model(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="only for stochastic solvers, and solver='lbfgs'"):
        model(solver="lbfgs").partial_fit(X, LABELS)


def test_a_class_of_one_row_is_named_when_the_split_is_balanced():
    y = np.array(["no"] * 199 + ["yes"])
    with pytest.raises(ValueError, match=r"early_stopping=True .*only 1 member.*'yes'"):
        MLPClassifier(early_stopping=True).fit(X, y)
    with pytest.raises(ValueError, match="The validation set is too small"):
        MLPRegressor(early_stopping=True).fit(X[:2], TARGET[:2])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor, SGDClassifier, SGDRegressor])
def test_too_few_rows_to_hold_out_are_told_by_our_parameters(model, n):
    y = np.arange(n) % 2
    if model is SGDRegressor and n > 1:
        return
    with pytest.raises(ValueError, match="validation_fraction|one class") as refused:
        model(early_stopping=True).fit(X[:n], y)
    assert "test_size" not in str(refused.value)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_searches_of_several_outputs_as_scikit_learns(model, several):
    from sklearn.model_selection import GridSearchCV as Theirs

    from fastml.model_selection import GridSearchCV

    y = LABELS if model is MLPClassifier else TARGET
    y = np.column_stack([y, y[::-1]]) if several else y
    for scoring in (None, "f1_macro" if model is MLPClassifier else "neg_mean_squared_error"):
        arguments = model(hidden_layer_sizes=(4,), random_state=0), {"max_iter": [2, 5, 9]}
        ours, theirs = (search(*arguments, cv=3, scoring=scoring).fit(X, y) for search in (GridSearchCV, Theirs))
        np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
        assert ours.best_params_ == theirs.best_params_


def test_a_warning_of_training_that_did_not_end_is_told_once():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        MLPClassifier((3,), max_iter=2, random_state=0).fit(X, LABELS)


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_one_sample_cannot_be_held_out(model):
    with pytest.raises(ValueError, match="early_stopping=True .* n_samples=1"):
        model(early_stopping=True).fit([[1.0]], [0])
    with pytest.raises(ValueError, match="validation_fraction=0 of"):
        model(early_stopping=True, validation_fraction=0).fit(X, LABELS)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_beyond_the_range_of_the_numbers_are_refused(solver, dtype):
    rows, y = np.array([[1.0], [2.0]], dtype), [0, 1]
    for weight in (1e308, 1e-320):
        for model in (MLPClassifier(solver=solver), MLPRegressor(solver=solver)):
            with pytest.raises(ValueError, match="sample_weight"):
                model.fit(rows, y, sample_weight=[weight, weight])
    with pytest.raises(ValueError, match="class_weight"):
        MLPClassifier(solver=solver, class_weight={0: 1e300}).fit(rows, y)


def test_outputs_that_are_no_numbers_are_refused_with_their_row():
    """Infinity from two units of one layer can cancel to NaN in the next; a class must not be told from it."""
    rows, y = np.array([[1.0], [0.0]]), [1, 0]
    for model in (MLPRegressor(max_iter=1), MLPClassifier(max_iter=1)):
        model.fit(rows, y)
        model.coefs_ = [np.full((1, 100), 9.0), np.where(np.arange(100)[:, None] % 2, 9.0, -9.0)]
        for name in ("predict", "predict_proba") if hasattr(model, "predict_proba") else ("predict",):
            with pytest.raises(ValueError, match=r"X\[1\] are NaN"):
                getattr(model, name)([[0.0], [1e308]])


def test_targets_beyond_the_dtype_of_X_are_refused_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="y contains NaN, infinity, or a value too large"):
            MLPRegressor(max_iter=2).fit(np.ones((1, 1), np.float32), [1e308])
