"""Weights of rows in parts: the bits of the fit in memory, however rows are cut, and what is told of bad weights."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.persistence
import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from fastml.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB
from fastml.pipeline import make_pipeline
from fastml.preprocessing import MinMaxScaler, StandardScaler
from fastml.svm import LinearSVC

N, D = 3 * 2**13 + 77, 3


def table(kind="real"):
    random = np.random.default_rng(4)
    X = (
        random.normal(size=(N, D)) * [1, 20, 0.1] + [0, 5, 30]
        if kind == "real"
        else random.integers(0, 6, (N, D)) * 1.0
    )
    y = (X[:, 0] + random.logistic(size=N) > 0).astype(int) + (random.random(N) < 0.1)
    weight = random.random(N) * (random.random(N) > 0.3)
    weight[2**13 : 2**14] = 0.0  # a block of nothing
    return X, y, weight


def in_chunks(columns, cuts):
    return [tuple(each[a:b] for each in columns) for a, b in pairwise([0, *sorted(cuts), N])]


CUTS = st.lists(st.integers(0, N), max_size=6)
COUNTED = [
    (GaussianNB(), "real"), (MultinomialNB(), "codes"), (ComplementNB(), "codes"), (BernoulliNB(), "codes"),
    (CategoricalNB(), "codes"), (MixedNB(), "real"), (MixedNB(categorical_features=[0], count_features=[1]), "codes"),
]  # fmt: skip


def state(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")}


def assert_same(one, other):
    assert state(one).keys() == state(other).keys()
    for name, value in state(one).items():
        pairs = (
            zip(value, state(other)[name], strict=True) if isinstance(value, list) else [(value, state(other)[name])]
        )
        for a, b in pairs:
            assert np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"), name


@pytest.mark.parametrize(("model", "kind"), COUNTED, ids=lambda each: type(each).__name__)
@settings(deadline=None, max_examples=8)
@given(cuts=CUTS, least=st.sampled_from([0.0, 0.1]))
def test_naive_bayes_with_weights_is_that_in_memory(model, kind, cuts, least):
    X, y, weight = table(kind)
    weight = weight + least
    parts = fastml.scale.chunks(in_chunks((X, y, weight), cuts), memory=2**18)
    assert_same(clone(model).fit(X, y, sample_weight=weight), clone(model).fit(parts))


def test_whole_weights_count_rows_twice():
    X, y, _ = table("codes")
    twice = np.arange(N) % 3
    one = MultinomialNB().fit(fastml.scale.arrays(X, y, sample_weight=twice))
    assert_same(MultinomialNB().fit(np.repeat(X, twice, axis=0), np.repeat(y, twice)), one)


SOLVED = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(alpha=2.0),
    LogisticRegression(),
    LinearSVC(),
]
SOLVED += [LogisticRegression(class_weight="balanced"), LogisticRegression(class_weight={0: 2.0, 1: 0.5, 2: 3.0})]


@pytest.mark.parametrize("model", SOLVED, ids=str)
@settings(deadline=None, max_examples=4)
@given(cuts=CUTS)
def test_linear_models_do_not_see_how_weighted_rows_are_cut(model, cuts):
    X, y, weight = table()
    if not hasattr(model, "classes_") and isinstance(model, LinearRegression | Ridge):
        y = X @ [1.0, 0.5, -3.0] + y
    X = (X - [0, 5, 30]) / [1, 20, 0.1]
    one = clone(model).fit(fastml.scale.arrays(X, y, sample_weight=weight, memory=2**18))
    other = clone(model).fit(fastml.scale.chunks(in_chunks((X, y, weight), cuts), memory=2**18))
    assert np.array_equal(one.coef_, other.coef_)
    assert np.array_equal(one.intercept_, other.intercept_)
    memory = clone(model)
    if hasattr(model, "max_iter") and hasattr(model, "C"):
        memory.set_params(tol=1e-9)
    memory.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(one.coef_, memory.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(one.intercept_, memory.intercept_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("model", [*SOLVED, StandardScaler()], ids=str)
def test_a_table_that_a_sample_holds_is_fitted_as_in_memory(model):
    X, y, weight = table()
    model = clone(model).set_params(random_state=0) if isinstance(model, LinearSVC) else clone(model)
    assert_same(
        clone(model).fit(X, y, sample_weight=weight), clone(model).fit(fastml.scale.arrays(X, y, sample_weight=weight))
    )


def test_classes_of_equal_weight_without_weights():
    X, y, _ = table()
    model = LogisticRegression(class_weight="balanced")
    one = clone(model).fit(fastml.scale.arrays(X, y, memory=2**18))
    np.testing.assert_allclose(one.coef_, clone(model).set_params(tol=1e-9).fit(X, y).coef_, rtol=1e-3, atol=1e-4)


def test_a_model_of_weighted_rows_is_saved_as_any_other(tmp_path):
    X, y, weight = table("codes")
    model = MultinomialNB().fit(X, y, sample_weight=weight)
    fastml.persistence.save(model, tmp_path / "m.fml")
    assert_same(model, fastml.persistence.load(tmp_path / "m.fml"))


def test_weighted_moments():
    X, _, weight = table()
    X[::7, 1] = np.nan
    one = StandardScaler().fit(fastml.scale.arrays(X, sample_weight=weight, memory=2**18))
    other = StandardScaler().fit(fastml.scale.chunks([(X[a:b], None, weight[a:b]) for a, b in [(0, 9), (9, N)]]))
    memory = StandardScaler().fit(X, sample_weight=weight)
    assert_same(memory, other)
    for name in ("mean_", "var_", "scale_", "n_samples_seen_"):
        np.testing.assert_allclose(getattr(one, name), getattr(memory, name), rtol=1e-10)


def test_weights_in_files(tmp_path):
    X, y, weight = table()
    for name, values in {"X": X, "y": y, "w": weight}.items():
        np.save(tmp_path / f"{name}.npy", values)
    expected = GaussianNB().fit(X, y, sample_weight=weight)
    parts = fastml.scale.npy(tmp_path / "X.npy", y=tmp_path / "y.npy", sample_weight=tmp_path / "w.npy")
    assert_same(expected, GaussianNB().fit(parts))
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, w=weight)
    frame[:9000].to_parquet(tmp_path / "1.parquet")
    frame[9000:].to_parquet(tmp_path / "2.parquet")
    parts = fastml.scale.parquet(tmp_path, target="y", sample_weight="w")
    assert parts.names == ["a", "b", "c"]
    model = GaussianNB().fit(parts)
    assert np.array_equal(model.var_, expected.var_)
    frame.assign(w=(weight > 0).astype(int)).to_csv(tmp_path / "t.csv", index=False)
    parts = fastml.scale.csv(tmp_path / "t.csv", target="y", sample_weight="w")
    assert np.allclose(GaussianNB().fit(parts).theta_, GaussianNB().fit(X, y, sample_weight=weight > 0).theta_)
    with pytest.raises(ValueError, match="sample_weight='w' is among columns, too"):
        fastml.scale.parquet(tmp_path, target="y", sample_weight="w", columns=["a", "w"])
    with pytest.raises(ValueError, match="X has 24653 rows, and sample_weight has shape"):
        fastml.scale.arrays(X, y, sample_weight=weight[1:])


def test_stochastic_gradients_take_weights():
    X, y, weight = table()
    weight = weight + 0.1
    parts = fastml.scale.arrays(X, y, sample_weight=weight)
    model = fastml.scale.partial_fit(SGDClassifier(random_state=0), parts, chunk=2**13)
    expected = SGDClassifier(random_state=0)
    for start in range(0, N, 2**13):
        part = slice(start, start + 2**13)
        expected.partial_fit(X[part], y[part], classes=np.unique(y), sample_weight=weight[part])
    assert np.array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_bad_weights_are_told_by_their_row(value):
    X, y, weight = table()
    weight[20_000] = value
    with pytest.raises(ValueError, match=rf"the weight of row 20000 of X is {value}, and weights are finite"):
        GaussianNB().fit(fastml.scale.arrays(X, y, sample_weight=weight))


@pytest.mark.parametrize("model", [GaussianNB(), LinearRegression(), LogisticRegression(), LinearSVC()], ids=str)
def test_no_weight_at_all_is_told(model):
    X, y, weight = table()
    for memory in (2**18, 2**28):
        with pytest.raises(ValueError, match="weight.* 0 everywhere|sample_weight"):
            clone(model).fit(fastml.scale.arrays(X, y, sample_weight=0 * weight, memory=memory))


def test_who_takes_no_weights_says_so():
    X, y, weight = table()
    parts = fastml.scale.arrays(X, y, sample_weight=weight)
    with pytest.raises(TypeError, match="MinMaxScaler takes no weights of a table in parts"):
        MinMaxScaler().fit(parts)
    with pytest.raises(TypeError, match="Pipeline hands no weights to its steps"):
        make_pipeline(MinMaxScaler(), GaussianNB()).fit(parts)
    with pytest.raises(TypeError, match="their y and weights come with them"):
        GaussianNB().fit(fastml.scale.arrays(X, y), sample_weight=weight)
