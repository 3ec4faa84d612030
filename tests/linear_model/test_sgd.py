"""SGDClassifier and SGDRegressor: what they learn, how they stop, and what they tell."""

import pickle
import signal
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from datasets import digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import fastml.linear_model
from fastml import autodiff as ad
from fastml.linear_model import SGDClassifier, SGDRegressor

pytestmark = pytest.mark.filterwarnings("ignore:SGD:sklearn.exceptions.ConvergenceWarning")
LOSSES = ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"]
RATES = ["optimal", "constant", "invscaling", "adaptive", "momentum", "adagrad", "adam"]


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(3)
    X = np.concatenate([rng.normal(c, 1.0, (100, 4)) for c in (-1.5, 0.0, 1.5)])
    return X, np.repeat(["a", "b", "c"], 100)


@pytest.fixture(scope="module")
def scaled_digits():
    X, y = digits()
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet", None])
def test_learns_digits_as_well_as_scikit_learn(scaled_digits, loss, penalty):
    X, y = scaled_digits
    options = {"loss": loss, "penalty": penalty, "max_iter": 10, "tol": None, "random_state": 0, "alpha": 1e-3}
    if loss in ("squared_error", "huber", "squared_hinge"):
        options |= {"learning_rate": "invscaling", "eta0": 0.002}
    ours = SGDClassifier(**options).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    theirs = sklearn.linear_model.SGDClassifier(**options).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    assert ours > theirs - 0.02


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("batch_size", [1, 10, "full"])
def test_every_step_lowers_the_objective(blobs, rate, batch_size):
    X, y = blobs
    eta0 = {"momentum": 0.002, "adam": 0.005}.get(rate, 0.05) if batch_size == 1 else 0.05
    model = SGDClassifier("log_loss", learning_rate=rate, eta0=eta0, batch_size=batch_size, max_iter=30, tol=None)
    history = model.set_params(random_state=0, alpha=0.1 if rate == "optimal" else 1e-4).fit(X, y).history_
    assert history["objective"][-1] < 0.9 * history["objective"][0]
    assert {len(values) for values in history.values()} == {30}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_sparse_is_dense(blobs, dtype, index, penalty):
    X, y = blobs
    X = np.where(np.abs(X) < 0.7, 0, X).astype(dtype)
    X[5] = 0
    S = sp.csr_matrix(X)
    S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)
    options = {"penalty": penalty, "alpha": 0.01, "max_iter": 5, "tol": None, "random_state": 0}
    dense, sparse = SGDClassifier(**options).fit(X, y), SGDClassifier(**options).fit(S, y)
    assert sparse.coef_.dtype == dtype
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-3, atol=1e-4 if dtype == np.float32 else 1e-10)
    assert np.array_equal(sparse.predict(S), sparse.predict(X))
    one = sparse.partial_fit(X, y), dense.partial_fit(S, y)  # from one layout to the other
    np.testing.assert_allclose(one[0].coef_, one[1].coef_, rtol=1e-3, atol=1e-3)


def test_full_batch_is_gradient_descent_on_the_mean_squared_loss():
    X, y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 3.0, 3.0])
    model = SGDRegressor(penalty=None, learning_rate="constant", eta0=0.1, batch_size="full", tol=None, max_iter=3).fit(
        X, y
    )
    w = b = 0.0
    for _ in range(3):
        r = w * X[:, 0] + b - y
        w, b = w - 0.1 * np.mean(r * X[:, 0]), b - 0.1 * np.mean(r)
    assert model.coef_ == pytest.approx([w], rel=1e-14)
    assert model.intercept_ == pytest.approx([b], rel=1e-14)
    model.set_params(max_iter=3000).fit(X, y)
    assert np.append(model.intercept_, model.coef_) == pytest.approx([1, 4 / 7], abs=1e-6)


def test_gradient_norm_of_full_batches_is_the_gradients():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    model = SGDRegressor(alpha=0.1, learning_rate="constant", batch_size="full", tol=None, max_iter=1).fit(X, y)
    gradient = np.append(X.T @ -y / 50, -y.mean())
    assert model.history_["gradient_norm"] == [pytest.approx(np.linalg.norm(gradient), rel=1e-12)]
    assert model.history_["step_size"] == [0.01]


def test_several_outputs_are_trained_at_once():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(300, 4)), rng.normal(size=(4, 3))
    Y = X @ W + [1.0, 2.0, 3.0]
    model = SGDRegressor(alpha=0, random_state=0, learning_rate="constant", eta0=0.05).fit(X, Y)
    np.testing.assert_allclose(model.coef_, W.T, atol=1e-2)
    assert model.predict(X).shape == (300, 3)
    single = SGDRegressor(
        alpha=0, random_state=0, learning_rate="constant", eta0=0.05, tol=None, max_iter=model.n_iter_
    )
    np.testing.assert_allclose(single.fit(X, Y[:, 1]).coef_, model.coef_[1], rtol=1e-9)


@pytest.mark.parametrize(("quantile", "low", "high"), [(0.1, 0.05, 0.15), (0.5, 0.45, 0.55), (0.9, 0.85, 0.95)])
def test_quantiles(quantile, low, high):
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (2000, 1))
    y = X[:, 0] * 3 + rng.exponential(1, 2000)
    model = SGDRegressor("quantile", quantile=quantile, alpha=0, eta0=0.1, average=5000, random_state=0, tol=None)
    assert low < np.mean(y <= model.set_params(max_iter=20).fit(X, y).predict(X)) < high


def test_poisson_finds_the_rates():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 2))
    y = rng.poisson(np.exp(X @ [0.5, -0.3] + 0.2))
    model = SGDRegressor("poisson", alpha=0, eta0=0.02, average=True, random_state=0, max_iter=20, tol=None).fit(X, y)
    np.testing.assert_allclose([*model.coef_, *model.intercept_], [0.5, -0.3, 0.2], atol=0.05)
    assert model.predict([[0.0, 0.0]]) == pytest.approx(np.exp(model.intercept_))


def cauchy(s, y):
    return np.log(1.0 + (s - y) ** 2)


def cauchy_slope(s, y):
    return 2.0 * (s - y) / (1.0 + (s - y) ** 2)


def test_a_users_own_loss():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = X @ [2.0, -1.0] + 0.1 * rng.normal(size=500)
    y[::10] += 50  # outliers that the squared loss would follow
    model = SGDRegressor(cauchy, derivative=cauchy_slope, alpha=0, learning_rate="constant", random_state=0)
    np.testing.assert_allclose(model.fit(X, y).coef_, [2, -1], atol=0.1)
    with pytest.raises(ValueError, match="derivative of loss=cauchy is .* differences of the loss give"):
        SGDRegressor(cauchy, derivative=lambda s, y: s - y).fit(X, y)
    found = SGDRegressor(lambda s, y: ad.log(1.0 + (s - y) ** 2), alpha=0, learning_rate="constant", random_state=0)
    np.testing.assert_allclose(found.fit(X, y).coef_, model.coef_, rtol=1e-9)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="does not compile"):
        SGDRegressor(lambda s, y: s.upper(), derivative=cauchy_slope).fit(X, y)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_classes_together(blobs, loss):
    X, y = blobs
    model = SGDClassifier(loss, multi_class="multinomial", random_state=0).fit(X, y)
    assert model.score(X, y) > 0.85
    if loss == "log_loss":
        proba = model.predict_proba(X)
        np.testing.assert_allclose(proba.sum(axis=1), 1)
        np.testing.assert_allclose(np.diff(np.log(proba)), np.diff(model.decision_function(X)), rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="multi_class='multinomial' is for the losses"):
        SGDClassifier("huber", multi_class="multinomial").fit(X, y)


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_probabilities_are_scikit_learns(blobs, loss):
    X, y = blobs
    ours = SGDClassifier(loss, random_state=0).fit(X, y)
    theirs = sklearn.linear_model.SGDClassifier(loss=loss, random_state=0).fit(X, y)
    theirs.coef_, theirs.intercept_ = ours.coef_, ours.intercept_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9, atol=1e-12)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(ours.predict_log_proba(X), np.log(ours.predict_proba(X)))
    assert not hasattr(SGDClassifier("hinge"), "predict_proba")


def test_class_and_sample_weights(blobs):
    X, y = blobs[0][:200], blobs[1][:200]
    plain = np.mean(SGDClassifier("log_loss", random_state=0).fit(X, y).predict(X) == "b")
    heavy = SGDClassifier("log_loss", random_state=0, class_weight={"a": 1, "b": 20}).fit(X, y)
    assert np.mean(heavy.predict(X) == "b") > plain + 0.05
    weight = np.where(y == "b", 20.0, 1.0)
    by_row = SGDClassifier("log_loss", random_state=0, tol=None, max_iter=3).fit(X, y, sample_weight=weight)
    by_class = SGDClassifier("log_loss", random_state=0, tol=None, max_iter=3, class_weight={"a": 1, "b": 20})
    np.testing.assert_allclose(by_row.coef_, by_class.fit(X, y).coef_)


def test_strength_of_a_columns_penalty(blobs):
    X, y = blobs[0][:200], blobs[1][:200]
    free = SGDClassifier("log_loss", alpha=1.0, penalty_strength=[0, 1, 1, 100], eta0=0.01, learning_rate="constant")
    weights = np.abs(free.set_params(random_state=0).fit(X, y).coef_[0])
    assert weights[0] > 3 * weights[1] > 3 * weights[3]
    with pytest.raises(ValueError, match=r"penalty_strength has shape \(2,\) for 4 columns"):
        SGDClassifier(penalty_strength=[1, 2]).fit(X, y)


def test_warm_start_goes_on(blobs):
    X, y = blobs
    options = {"loss": "log_loss", "learning_rate": "constant", "max_iter": 2, "tol": None, "shuffle": False}
    warm = SGDClassifier(**options, warm_start=True).fit(X, y).fit(X, y)
    long = SGDClassifier(**options | {"max_iter": 4}).fit(X, y)
    np.testing.assert_allclose(warm.coef_, long.coef_, rtol=1e-12)
    from_there = SGDClassifier(**options).fit(X, y, coef_init=long.coef_, intercept_init=long.intercept_)
    np.testing.assert_allclose(from_there.coef_, warm.fit(X, y).coef_, rtol=1e-12)
    with pytest.raises(ValueError, match=r"coef_init has shape \(2, 4\), but \(3, 4\)"):
        SGDClassifier().fit(X, y, coef_init=np.zeros((2, 4)))
    with pytest.raises(ValueError, match="warm_start from coef_ of shape"):
        warm.fit(X, np.where(y == "a", "b", y))


@pytest.mark.parametrize("rate", ["optimal", "adam", "momentum"])
def test_partial_fits_are_epochs(blobs, rate):
    X, y = blobs
    options = {"learning_rate": rate, "shuffle": False, "tol": None, "eta0": 0.01, "average": 100}
    whole = SGDClassifier("log_loss", max_iter=3, **options).fit(X, y)
    parts = SGDClassifier("log_loss", **options)
    for _ in range(3):
        parts.partial_fit(X, y, classes=["a", "b", "c"])
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)
    assert parts.t_ == whole.t_ == 901


def test_partial_fit_brings_new_columns():
    first = pd.DataFrame({"length": [1.0, -1.0, 2.0, -2.0]})
    y = [1, 0, 1, 0]
    model = SGDClassifier("log_loss", random_state=0).partial_fit(first, y, classes=[0, 1])
    before = model.coef_.copy()
    wide = pd.DataFrame({"digits": [3.0, -3.0, 3.0, -3.0], "length": [0.0, 0, 0, 0]})
    model.partial_fit(wide, y)
    assert model.feature_names_in_.tolist() == ["length", "digits"]
    assert model.coef_.shape == (1, 2)
    assert model.coef_[0, 0] == pytest.approx(before[0, 0], rel=0.1)  # only decayed
    assert model.coef_[0, 1] > 0
    with pytest.raises(ValueError, match=r"(?s)yet now missing:.*X lacks the columns \['length'\]"):
        model.partial_fit(wide[["digits"]], y)
    plain = SGDRegressor(learning_rate="adam").partial_fit([[1.0], [2.0]], [1.0, 2.0])
    assert plain.partial_fit(sp.csr_matrix([[0, 0, 1.0]]), [5.0]).coef_.shape == (3,)
    assert plain.coef_[1] == 0 < plain.coef_[2]


def test_labels_that_partial_fit_does_not_know():
    model = SGDClassifier().partial_fit([[0.0], [1.0]], ["b", "a"], classes=["a", "b"])
    with pytest.raises(ValueError, match=r"labels \['c', 'z'\], which are not among classes=\['a', 'b'\]"):
        model.partial_fit([[0.0], [1.0], [2.0]], ["c", "a", "z"])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        SGDClassifier().partial_fit([[0.0]], ["a"])


def test_stops_on_a_validation_set(blobs):
    X, y = blobs
    model = SGDClassifier("log_loss", early_stopping=True, random_state=0).fit(X, y)
    scores = model.history_["validation_score"]
    assert model.stopped_ == "tol"
    assert len(scores) == model.n_iter_ < 50
    given = SGDClassifier("log_loss", random_state=0).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert given.score(X[1::2], y[1::2]) == max(given.history_["validation_score"])
    numbers = SGDRegressor(early_stopping=True, random_state=0).fit(X, X[:, 0])
    assert max(numbers.history_["validation_score"]) > 0.9


def test_adaptive_steps_shrink(blobs):
    model = SGDClassifier("log_loss", learning_rate="adaptive", eta0=0.5, random_state=0, tol=1e-2).fit(*blobs)
    steps = model.history_["step_size"]
    assert steps[0] == 0.5
    assert model.eta_ <= 1e-6
    assert model.stopped_ == "tol"
    assert np.isin(np.round(np.array(steps[1:]) / steps[:-1], 6), [1, 0.2]).all()


def test_the_time_may_be_limited(blobs):
    model = SGDClassifier(max_iter=10**9, tol=None, max_time=0.1).fit(*blobs)
    assert model.stopped_ == "max_time"
    assert np.isfinite(model.coef_).all()


def test_callbacks_see_the_model_and_may_stop_it(blobs):
    seen = []

    def watch(model, epoch):
        seen.append((epoch["epoch"], epoch["loss"], model.coef_.copy()))
        return epoch["epoch"] == 3

    model = SGDClassifier("log_loss", callbacks=[watch], random_state=0, tol=None).fit(*blobs)
    assert [number for number, *_ in seen] == [1, 2, 3]
    assert model.stopped_ == "callback"
    assert [loss for _, loss, _ in seen] == model.history_["loss"]
    assert np.array_equal(seen[-1][2], model.coef_)
    assert not np.array_equal(seen[0][2], model.coef_)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to send to a thread")
def test_ctrl_c_keeps_the_best_model(blobs):
    def interrupt():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        SGDClassifier("log_loss", max_iter=2, tol=None, random_state=0).fit(*blobs)  # compiled before the signal comes
    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.warns(ConvergenceWarning, match="interrupted in epoch"):
        model = SGDClassifier("log_loss", max_iter=10**9, tol=None, random_state=0).fit(*blobs)
    assert model.stopped_ == "interrupted"
    assert model.score(*blobs) > 0.8


def test_divergence_restarts_with_smaller_steps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) * [1, 100, 1000]
    y = X @ [1.0, 0.1, 0.01]
    with pytest.warns(ConvergenceWarning, match="the loss diverged: restarted with steps .* times as large") as told:
        model = SGDRegressor(eta0=1.0, alpha=0, random_state=0, max_iter=50, tol=None).fit(X, y)
    assert len([w for w in told if "diverged" in str(w.message)]) == 1
    assert model.score(X, y) > 0.5
    assert 0 < model.eta_ < 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        huge = SGDClassifier(random_state=0, max_iter=5, tol=None).fit(X * 1e150, y > 0)
    assert np.isfinite(huge.coef_).all()


def test_one_order_for_one_seed(blobs):
    models = [SGDClassifier(random_state=5, n_jobs=n_jobs).fit(*blobs) for n_jobs in (1, 2, None)]
    assert all(np.array_equal(model.coef_, models[0].coef_) for model in models)
    assert not np.array_equal(SGDClassifier(random_state=6).fit(*blobs).coef_, models[0].coef_)


@pytest.mark.parametrize("seed", range(4))
def test_a_million_sparse_columns(seed):
    rng = np.random.default_rng(0)
    columns, starts = rng.integers(0, 1_000_000, 40_000), np.arange(0, 40_001, 20)
    X = sp.csr_matrix((rng.random(40_000), columns, starts), shape=(2000, 1_000_000))
    y = rng.integers(0, 2, 2000)
    model = SGDClassifier("log_loss", penalty="l1", alpha=1e-4, max_iter=3, tol=None, random_state=seed).fit(X, y)
    assert model.score(X, y) > 0.98
    assert model.sparsify().predict(X[:5]).tolist() == model.densify().predict(X[:5]).tolist()


def test_explanation_adds_up(blobs):
    X, y = blobs
    for target in (y, np.where(y == "a", "b", y)):
        model = SGDClassifier("log_loss", random_state=0).fit(pd.DataFrame(X, columns=list("pqrs")), target)
        why = model.explain(pd.DataFrame(X[:1], columns=list("pqrs")))
        np.testing.assert_allclose(why.contributions.sum(axis=1) + why.intercepts, why.scores, rtol=1e-6)
        assert why.prediction == model.predict(pd.DataFrame(X[:1], columns=list("pqrs")))[0]
        assert {row[0] for row in why.rows} == set("pqrs")
        assert str(why.prediction) in str(why)
    with pytest.raises(ValueError, match="x has 2 rows"):
        SGDClassifier(random_state=0).fit(X, y).explain(X[:2])


@pytest.mark.parametrize(
    ("coef", "x", "score"), [([2, 1, -0.2], [1, 3, 9], 3.2), ([1, 2, 4, 4, 3], [0, 0, 1, 0, 0], 4), ([3, 1], [1, 2], 5)]
)
def test_weights_given_by_hand(coef, x, score):
    assert SGDRegressor.from_weights(coef).predict([x]) == pytest.approx([score])


def test_classes_of_weights_given_by_hand():
    circle = SGDClassifier.from_weights([2, 2, -1], classes=["outside", "inside"][::-1])
    points = np.array([[1.0, 1.0], [2.9, 1.0], [1.0, -0.9], [0.0, 0.1]])
    phi = np.column_stack([points, (points**2).sum(axis=1)])
    inside = np.hypot(*(points - 1).T) < np.sqrt(2)
    assert SGDClassifier.from_weights([2, 2, -1]).predict(phi).tolist() == np.where(inside, 1, -1).tolist()
    assert circle.classes_.tolist() == ["inside", "outside"]
    named = SGDClassifier.from_weights([[1, 0], [0, 1], [0, 0]], [0, 0, 0.5], feature_names=["u", "v"])
    assert named.predict(pd.DataFrame({"u": [1.0, 0, 0], "v": [0.0, 1, 0]})).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="feature_names has 1 names for 2 weights"):
        SGDRegressor.from_weights([1, 2], feature_names=["u"])
    with pytest.raises(ValueError, match="classes has 3 labels"):
        SGDClassifier.from_weights([1, 2], classes=[1, 2, 3])
    with pytest.raises(ValueError, match="coef must be finite"):
        SGDRegressor.from_weights([1, np.nan])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (SGDClassifier(alpha=0), "alpha=0 with learning_rate='optimal'"),
        (SGDClassifier(penalty="elasticnet", l1_ratio=None), "l1_ratio=None with penalty='elasticnet'"),
        (SGDClassifier(validation_fraction=0.999, early_stopping=True), "choose another validation_fraction"),
        (SGDClassifier(batch_size="some"), "batch_size"),
        (SGDClassifier("quantile"), "loss"),
        (SGDRegressor("poisson"), "loss='poisson' is for counts"),
    ],
)
def test_bad_parameters_are_named(blobs, model, words):
    X, y = blobs
    with pytest.raises(ValueError, match=words):
        model.fit(X, X[:, 0] if isinstance(model, SGDRegressor) else y)


def test_one_class_only():
    with pytest.raises(ValueError, match=r"y has one class only, .*'a'"):
        SGDClassifier().fit([[1.0], [2.0]], ["a", "a"])


def test_constant_columns_and_zero_rows():
    X = np.array([[1.0, 0.0, 5.0], [1.0, 0.0, -5.0], [1.0, 0.0, 0.0]])
    model = SGDClassifier(random_state=0).fit(sp.csr_matrix(X), [1, 0, 1])
    assert model.coef_[0, 1] == 0
    assert model.predict(X)[:2].tolist() == [1, 0]


def test_names_that_fastml_does_not_write_are_scikit_learns():
    assert fastml.linear_model.Lasso is sklearn.linear_model.Lasso


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_several_classes_stop_by_their_mean(blobs, loss):
    """tol is of one class, however many there are: patience counts epochs whose mean objective falls by less."""
    X, y = blobs
    model = SGDClassifier(loss=loss, tol=1e-3, n_iter_no_change=5, random_state=0).fit(X, y)
    best, waits = np.inf, [0]
    for objective in model.history_["objective"]:
        mean = objective / len(model.classes_)
        waits.append(0 if mean < best - 1e-3 else waits[-1] + 1)
        best = min(best, mean)
    assert model.stopped_ == "tol"
    assert waits.index(5) == model.n_iter_


def test_longer_training_of_several_classes_is_not_paid_for():
    """On digits classes that stopped by the sum of their losses trained three times as long, and answered worse."""
    X, y = digits()
    X = StandardScaler().fit_transform(X)
    scores = [
        np.mean([cls(random_state=seed).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) for seed in range(5)])
        for cls in (SGDClassifier, sklearn.linear_model.SGDClassifier)
    ]
    assert scores[0] > scores[1] - 0.01


def test_a_frame_is_learnt_with_early_stopping_without_a_word(recwarn):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    model = SGDClassifier(early_stopping=True, max_iter=50, random_state=0).fit(X, X["a"] > 0)
    assert not [w for w in recwarn if "feature names" in str(w.message)]
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_a_parameter_of_no_kind_is_refused_as_that_before_a_first_partial_fit():
    with pytest.raises(ValueError, match="'early_stopping' parameter of SGDClassifier must be an instance of 'bool'"):
        SGDClassifier(early_stopping="sometimes").partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])
