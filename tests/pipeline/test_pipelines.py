"""Pipeline: the same answers with and without its short ways, scikit-learn's where it is asked, and files."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.pipeline
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer

import fastml
from fastml.decomposition import PCA, TruncatedSVD
from fastml.discriminant_analysis import LinearDiscriminantAnalysis
from fastml.feature_selection import SelectKBest, VarianceThreshold
from fastml.impute import SimpleImputer
from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, SGDClassifier
from fastml.linear_model.base import LinearModel
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier
from fastml.neural_network import MLPClassifier, MLPRegressor
from fastml.pipeline import Pipeline, make_pipeline
from fastml.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from fastml.svm import LinearSVC
from fastml.tree import DecisionTreeClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 3)),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
]
MODELS = [
    LogisticRegression(),
    LinearSVC(),
    Perceptron(),
    SGDClassifier("log_loss", random_state=0),
    LinearRegression(),
    Ridge(),
    KNeighborsClassifier(3),
    DecisionTreeClassifier(max_depth=3),
    KNeighborsRegressor(3, weights="distance"),
    RadiusNeighborsClassifier(5.0, outlier_label=0),
    MLPClassifier(hidden_layer_sizes=(5,), max_iter=2, random_state=0),
    MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, random_state=0),
    GaussianNB(),
]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def tables(random, n_classes=2, dtype=np.float64, offset=0.0):
    X = random.normal(size=(80, 5)) * [1, 10, 0.1, 1, 100] + offset
    y = np.digitize(X[:, 0] + X[:, 1] / 10, np.quantile(X[:, 0] + X[:, 1] / 10, np.arange(1, n_classes) / n_classes))
    return X.astype(dtype), y


@given(
    st.sampled_from(SCALERS),
    st.sampled_from(MODELS),
    st.sampled_from([2, 3]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([0.0, 1e4]),
    st.integers(0, 2**32),
)
def test_folded_answers_are_those_of_the_steps(scaler, model, n_classes, dtype, offset, seed):
    X, y = tables(np.random.default_rng(seed), n_classes, dtype, offset)
    short = make_pipeline(clone(scaler), clone(model)).fit(X, y)
    steps = Pipeline(short.steps, fold=False)
    rounding = rounding_of(short, X)
    for rows in (X, X[:1], X[::2], pd.DataFrame(X)):
        for method in METHODS:
            assert hasattr(short, method) == hasattr(steps, method)
            if hasattr(steps, method):
                found, expected = getattr(short, method)(rows), getattr(steps, method)(rows)
                assert found.shape == expected.shape
                assert found.dtype == expected.dtype
                if method == "predict" and np.issubdtype(found.dtype, np.integer):
                    assert np.mean(found == expected) >= 0.95
                else:
                    np.testing.assert_allclose(found, expected, rtol=rounding, atol=rounding)


FRONTS = [
    [StandardScaler()],
    [MinMaxScaler(clip=True)],
    [RobustScaler(), MaxAbsScaler()],
    [SimpleImputer(), StandardScaler()],
    [StandardScaler(), SimpleImputer(strategy="median")],
    [SelectKBest(k=3), MinMaxScaler()],
    [VarianceThreshold(), Normalizer()],
    [StandardScaler(), PCA(3)],
    [PCA(3, whiten=True), StandardScaler()],
    [TruncatedSVD(3, random_state=0)],
    [LinearDiscriminantAnalysis()],
    [StandardScaler(), SelectKBest(k=4), PCA(2), MinMaxScaler((-1, 1))],
]
ROUNDED = {
    "PCA",
    "TruncatedSVD",
    "LinearDiscriminantAnalysis",
}  # bits depend on the number of rows


@pytest.mark.parametrize("front", FRONTS, ids=lambda front: "+".join(type(step).__name__ for step in front))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_tables_have_the_answers_of_the_steps(front, dtype):
    random = np.random.default_rng(0)
    X, y = tables(random, 3, dtype, 5.0)
    many = np.concatenate([X + random.normal(size=X.shape).astype(dtype) * dtype(0.1) for _ in range(500)])
    for model in MODELS:
        short = make_pipeline(*map(clone, front), clone(model)).fit(X, y)
        steps, last = Pipeline(short.steps, fold=False), short[-1]
        linear = isinstance(last, LinearModel)
        rows = many[:7000] if "eighbors" in type(model).__name__ else many
        for method in METHODS:
            if not hasattr(steps, method):
                continue
            found, expected = getattr(short, method)(rows), getattr(steps, method)(rows)
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            if not linear and not any(type(step).__name__ in ROUNDED for step in front):
                assert np.array_equal(found, expected)
            elif found.dtype.kind in "iU":
                assert np.mean(found == expected) > 0.999
            else:
                size = np.abs(expected[np.isfinite(expected)]).max() + 1
                rtol, atol = (1e-3, 1e-4 * size) if dtype == np.float32 else (1e-9, 1e-10 * size)
                np.testing.assert_allclose(found, expected, rtol, atol)


FOUR = [DecisionTreeClassifier(max_depth=3), KNeighborsClassifier(), GaussianNB(), Ridge()]


@pytest.mark.parametrize("model", FOUR, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("front", FRONTS[:8], ids=lambda front: "+".join(type(step).__name__ for step in front))
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
@pytest.mark.parametrize("n", [1, 9000])
def test_long_and_short_tables_are_refused_as_by_the_steps(model, front, value, n):
    random = np.random.default_rng(0)
    X, y = tables(random)
    if value == 1e308 and isinstance(model, LinearModel):
        return  # which the scaler makes infinite, and the folded weights do not
    short = make_pipeline(*map(clone, front), clone(model)).fit(X, y)
    rows = np.resize(X, (n, X.shape[1])).copy()
    rows[-1, 2] = value
    outcomes = []
    for pipeline in (short, Pipeline(short.steps, fold=False)):
        try:
            with np.errstate(all="ignore"):
                outcomes.append(pipeline.predict(rows))
        except ValueError as error:
            outcomes.append(str(error))
    assert type(outcomes[0]) is type(outcomes[1])
    if isinstance(outcomes[0], str):
        assert outcomes[0] == outcomes[1]
    else:
        np.testing.assert_allclose(*outcomes, rtol=1e-9)


def test_a_step_that_is_fitted_anew_or_asked_for_frames_counts_at_once():
    random = np.random.default_rng(0)
    X, y = tables(random)
    many = np.resize(X, (9000, X.shape[1]))
    for model in (DecisionTreeClassifier(max_depth=4), KNeighborsClassifier(), LogisticRegression(), GaussianNB()):
        short = make_pipeline(StandardScaler(), PCA(5), StandardScaler(), model).fit(X, y)
        steps = Pipeline(short.steps, fold=False)
        assert np.array_equal(short.predict(many), steps.predict(many))
        short[0].fit(X * 3 + 1)
        assert np.array_equal(short.predict(many), steps.predict(many))
        short[2].with_mean = False
        assert np.array_equal(short.predict(many), steps.predict(many))
        short[-1].fit(short[:-1].transform(X[::2]), y[::2])
        assert np.array_equal(short.predict(many), steps.predict(many))
        short[0].set_output(transform="pandas")
        with pytest.warns(UserWarning, match="feature names"):
            short.predict(many)


def test_a_class_of_the_users_transforms_in_its_own_way():
    class Doubled(StandardScaler):
        def transform(self, X, copy=None):
            return 2 * super().transform(X, copy)

    X, y = tables(np.random.default_rng(0))
    many = np.resize(X, (9000, X.shape[1]))
    for model in (DecisionTreeClassifier(max_depth=4), KNeighborsClassifier(), LogisticRegression(), GaussianNB()):
        short = make_pipeline(Doubled(), model).fit(X, y)
        for rows in (many, X[:1]):
            assert np.array_equal(short.predict(rows), model.predict(2 * StandardScaler().fit(X).transform(rows)))


def rounding_of(pipeline, X):
    """The bound that is stated, times what exponentials and quotients may make of it: eps of what is added."""
    scaler, model = pipeline[0], pipeline[1]
    if not isinstance(model, LinearModel):
        return 0.0
    centre, scale = (np.ones(X.shape[1]) if each is None else np.abs(each) for each in scaler._centre_and_scale(X))
    added = (np.abs(X).astype(float) + centre) / scale @ np.abs(np.atleast_2d(model.coef_)).T.astype(float)
    return 16 * X.shape[1] * np.finfo(np.float32).eps * added.max() if X.dtype == np.float32 else 1e-13 * added.max()


def test_a_large_offset_costs_no_digits():
    random = np.random.default_rng(0)
    X, y = tables(random, offset=1e7)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    exact = (X.astype(np.longdouble) - model[0].mean_) / model[0].scale_ @ model[1].coef_[0] + model[1].intercept_[0]
    np.testing.assert_allclose(model.decision_function(X), exact.astype(float), atol=1e-10)


def test_what_is_changed_by_hand_counts_at_once():
    X, y = tables(np.random.default_rng(0))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    before = model.decision_function(X)
    model[1].coef_ *= 2
    model[1].intercept_ = model[1].intercept_ * 2
    np.testing.assert_allclose(model.decision_function(X), 2 * before, rtol=1e-9)
    model[0].mean_ += 1.0
    assert not np.allclose(model.decision_function(X), 2 * before)
    model[1].sparsify()
    np.testing.assert_allclose(model.decision_function(X), model[1].decision_function(model[0].transform(X)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_rows_are_refused_in_the_words_of_the_step(value):
    X, y = tables(np.random.default_rng(0))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    X[3, 1] = value
    with pytest.raises(ValueError, match=r"X\[3, 1\] is (NaN|inf)"):
        model.predict(X)
    with pytest.raises(ValueError, match="4 features"):
        model.predict(X[:, :4])
    with pytest.raises(NotFittedError):
        make_pipeline(StandardScaler(), LogisticRegression()).predict(X[:2])


def test_longer_pipelines_and_those_with_strangers():
    X, y = tables(np.random.default_rng(0))
    X[::7, 2] = np.nan
    own = make_pipeline(SimpleImputer(), StandardScaler(), Normalizer(), LogisticRegression()).fit(X, y)
    theirs = sklearn.pipeline.Pipeline(own.steps)
    for method in METHODS:
        assert np.array_equal(getattr(own, method)(X), getattr(theirs, method)(X))
    assert np.array_equal(own[:-1].transform(X), theirs[:-1].transform(X))
    stranger = make_pipeline(SimpleImputer(), FunctionTransformer(), LogisticRegression()).fit(X, y)
    assert np.array_equal(stranger.predict(X), sklearn.pipeline.Pipeline(stranger.steps).predict(X))
    without = Pipeline([("a", SimpleImputer()), ("b", "passthrough"), ("c", None)]).fit(X)
    assert np.isfinite(without.transform(X)).all()
    assert not hasattr(without, "predict")


def test_frames_keep_their_names():
    X, y = tables(np.random.default_rng(0))
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcde")
    expected = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y).predict(X)
    assert np.array_equal(model.predict(frame), expected)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("bacde")])
    named = model.set_output(transform="pandas").fit(frame, y)
    assert named[-1].feature_names_in_.tolist() == list("abcde")
    assert np.array_equal(named.predict(frame), expected)


def test_scikit_learns_contract(tmp_path):
    X, y = tables(np.random.default_rng(0))
    model = make_pipeline(StandardScaler(), LogisticRegression(), fold=False)
    assert isinstance(model, sklearn.pipeline.Pipeline)
    assert clone(model).fold is False
    assert model[:1].fold is False
    assert "fold" in model.get_params()
    with pytest.raises(ValueError, match="fold"):
        model.set_params(fold="perhaps").fit(X, y)
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1, 10]})
    assert search.fit(X, y).best_estimator_.score(X, y) > 0.9
    model = model.set_params(fold=True).fit(X, y)
    for again in (pickle.loads(pickle.dumps(model)), kept(model, tmp_path)):
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        assert type(again) is Pipeline
    assert type(kept(clone(model), tmp_path)) is Pipeline


def kept(model, folder):
    fastml.save(model, folder / "m.fml")
    return fastml.load(folder / "m.fml")


def test_a_step_that_no_file_can_hold_is_named(tmp_path):
    X, y = tables(np.random.default_rng(0))
    model = make_pipeline(FunctionTransformer(), LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match=r"steps\[0\].*FunctionTransformer"):
        fastml.save(model, tmp_path / "m.fml")


def test_a_fit_that_fails_changes_nothing():
    X, y = tables(np.random.default_rng(0))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    before, mean = model.predict_proba(X), model[0].mean_
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X + 1, y[:-1])
    assert model[0].mean_ is mean
    assert np.array_equal(model.predict_proba(X), before)


def test_a_class_in_the_place_of_a_step_is_told_of():
    with pytest.raises(TypeError, match="instance"):
        Pipeline([("scale", StandardScaler), ("model", Ridge())]).fit([[1.0], [2.0]], [1.0, 2.0])


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def test_names_and_steps_that_do_not_go_are_refused_as_by_scikit_learn():
    X, y = tables(np.random.default_rng(0))
    wrong = [
        [("a", StandardScaler()), ("a", Ridge())],
        [("steps", StandardScaler()), ("b", Ridge())],
        [("a__b", StandardScaler()), ("b", Ridge())],
        [("a", Ridge()), ("b", Ridge())],
        [("a", StandardScaler()), ("b", object())],
        [],
    ]
    for steps in wrong:
        found = outcome(lambda steps=steps: Pipeline(steps).fit(X, y))
        assert isinstance(found, tuple)
        assert found == outcome(lambda steps=steps: sklearn.pipeline.Pipeline(steps).fit(X, y))


@pytest.mark.parametrize("last", [Ridge(), MinMaxScaler(), DecisionTreeClassifier(max_depth=2), "passthrough", None])
def test_fits_with_and_without_short_ways_are_one(last, tmp_path, capsys):
    X, y = tables(np.random.default_rng(0))
    last = last if last is None or last == "passthrough" else clone(last)
    steps = [("a", SimpleImputer()), ("b", "passthrough"), ("c", StandardScaler()), ("d", last)]
    plain = Pipeline(steps)
    for options in ({"fold": False}, {"verbose": True}, {"memory": str(tmp_path)}):
        other = Pipeline(
            [(name, step if isinstance(step, str) or step is None else clone(step)) for name, step in steps]
        )
        other.set_params(**options)
        assert plain.fit(X, y) is plain
        assert other.fit(X, y) is other
        for method in ("predict", "transform"):
            if hasattr(plain, method):
                assert np.array_equal(getattr(plain, method)(X), getattr(other, method)(X))
        if hasattr(plain, "transform"):
            assert np.array_equal(plain.fit_transform(X, y), other.fit_transform(X, y))
    assert "Pipeline" in capsys.readouterr().out


def test_parameters_of_a_fit_and_metadata_reach_the_steps():
    X, y = tables(np.random.default_rng(0))
    weight = np.random.default_rng(1).uniform(0, 2, len(X))
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, y, ridge__sample_weight=weight)
    expected = Ridge().fit(StandardScaler().fit_transform(X), y, weight)
    assert np.array_equal(model[-1].coef_, expected.coef_)
    with sklearn.config_context(enable_metadata_routing=True):
        steps = StandardScaler().set_fit_request(sample_weight=False), Ridge().set_fit_request(sample_weight=True)
        routed = make_pipeline(*steps).fit(X, y, sample_weight=weight)
    assert np.array_equal(routed[-1].coef_, expected.coef_)
