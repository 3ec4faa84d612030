"""ColumnTransformer: the short way gives what the transformers give, and steps aside where it does not know."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.compose
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer

import fastml
from fastml.compose import ColumnTransformer, make_column_selector, make_column_transformer
from fastml.decomposition import PCA
from fastml.impute import SimpleImputer
from fastml.linear_model import LinearRegression, LogisticRegression, Ridge
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PiecewiseConstant,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from fastml.tree import DecisionTreeClassifier

NUMBERS = ["a", "b", "n"]
NUMERIC = [
    StandardScaler(),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    Normalizer(),
    "passthrough",
    make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
    make_pipeline(StandardScaler(), PCA(2, random_state=0)),
    KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
    KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
    make_pipeline(PolynomialFeatures(2), QuantileTransformer(n_quantiles=5)),
    PiecewiseConstant(3, encode="onehot"),
]
CATEGORIES = ["text", "kind", "object", "whole"]
ENCODERS = [
    OneHotEncoder(),
    OneHotEncoder(drop="first", sparse_output=False),
    OneHotEncoder(handle_unknown="ignore", dtype=np.float32),
    OneHotEncoder(min_frequency=12, handle_unknown="infrequent_if_exist"),
    OrdinalEncoder(),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
]


def frame(random, n=80, missing=False):
    found = pd.DataFrame(
        {
            "text": random.choice(["x", "y", "z"], n),
            "a": random.normal(size=n) * 10 + 5,
            "kind": pd.Categorical(random.choice(["u", "v"], n)),
            "n": random.integers(-3, 4, n),
            "object": random.choice(np.array(["p", "q", "r", "s"], object), n),
            "b": random.normal(size=n),
            "whole": random.integers(0, 4, n),
        }
    )
    found["object"] = found["object"].astype(object)
    if missing:
        for name in ("text", "kind", "object"):
            found.loc[random.random(n) < 0.2, name] = np.nan
    return found


def assert_same(found, expected):
    assert type(found) is type(expected)
    if issparse(found):
        assert np.array_equal(found.indptr, expected.indptr)
        assert np.array_equal(found.indices, expected.indices)
        found, expected = found.data, expected.data
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


def by_steps(transformer):
    """The same transformer, fitted, without its short way."""
    other = pickle.loads(pickle.dumps(transformer))
    other.fold = False
    return other


@given(
    st.sampled_from(NUMERIC),
    st.sampled_from(ENCODERS),
    st.sampled_from(["drop", "passthrough"]),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 2**32),
)
def test_the_short_way_gives_what_the_steps_give(numeric, encoder, remainder, missing, threshold, seed):
    random = np.random.default_rng(seed)
    X = frame(random, missing=missing)
    left = NUMBERS[:2] if remainder == "passthrough" else NUMBERS
    parts = [("e", clone(encoder), CATEGORIES), ("s", numeric if isinstance(numeric, str) else clone(numeric), left)]
    short = ColumnTransformer(parts, remainder=remainder, sparse_threshold=threshold).fit(X)
    steps, n = by_steps(short), len(X)
    theirs = sklearn.compose.ColumnTransformer(parts, remainder=remainder, sparse_threshold=threshold).fit(X)
    for rows in (X, X[:1], X[5:6], X[::2], X[X.columns[::-1]], X.assign(more=1)):
        assert_same(short.transform(rows), steps.transform(rows))
        assert_same(short.transform(rows), theirs.transform(rows))
    assert short._plan() is not None or numeric == "passthrough"
    few = X.sample(100, replace=True, random_state=seed % 1000).reset_index(drop=True)
    assert_same(short.transform(few), steps.transform(few))
    assert n == len(X)


def test_the_short_way_is_taken(monkeypatch):
    X = frame(np.random.default_rng(0))
    each = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES)).fit(X)
    expected = each.transform(X)
    monkeypatch.setattr(sklearn.compose.ColumnTransformer, "transform", None)
    for rows in (X[:1], X[:40], X):
        assert np.array_equal(each.transform(rows), expected[: len(rows)])
    monkeypatch.setattr(pd.DataFrame, "_get_column_array", None)  # a pandas that has no such name
    assert np.array_equal(each.transform(X[:1]), expected[:1])
    with pytest.raises(TypeError, match="NoneType"):
        each.set_params(fold=False).transform(X)


def test_unknown_and_missing_categories_are_told_of_in_the_words_of_the_step():
    X = frame(np.random.default_rng(0))
    for encoder in (OneHotEncoder(), OrdinalEncoder()):
        each = make_column_transformer((StandardScaler(), NUMBERS), (encoder, CATEGORIES)).fit(X)
        for value in ("new", None, np.nan, 7, b"x", pd.NA):
            row = X[:1].astype({"object": object})
            row["object"] = pd.Series([value], index=row.index, dtype=object)
            with pytest.raises((ValueError, TypeError)):
                each.transform(row)
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore")
    each = make_column_transformer((StandardScaler(), NUMBERS), (encoder, CATEGORIES)).fit(X)
    row = X[:1].assign(text="new")
    with pytest.warns(UserWarning, match="unknown categories"):
        found = each.transform(row)
    with pytest.warns(UserWarning, match="unknown categories"):
        assert_same(found, by_steps(each).transform(row))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint64, bool, "Float64", "Int64"])
def test_columns_of_every_width(dtype):
    random = np.random.default_rng(0)
    whole = random.integers(0, 2, (2, 50))
    X = pd.DataFrame({"a": whole[0], "b": whole[1], "c": random.choice(list("xy"), 50)})
    X = X.astype({"a": dtype})
    for numeric in (StandardScaler(), "passthrough", SimpleImputer()):
        for encoder in (OneHotEncoder(), OneHotEncoder(dtype=np.float32), OrdinalEncoder(dtype=np.int32)):
            for columns in (["a"], ["a", "b"]):
                each = make_column_transformer((encoder, ["c"]), (numeric, columns), sparse_threshold=0).fit(X)
                assert_same(each.transform(X), by_steps(each).transform(X))
                assert_same(each.transform(X[:1]), by_steps(each).transform(X[:1]))


def test_bad_rows_are_refused_in_the_words_of_the_step():
    X = frame(np.random.default_rng(0))
    each = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES)).fit(X)
    with pytest.raises(ValueError, match="columns are missing"):
        each.transform(X.drop(columns="a"))
    with pytest.raises(ValueError, match="inf"):
        each.transform(X[:1].assign(a=np.inf))
    with pytest.raises(ValueError, match="2\\*\\*53"):
        each.transform(X[:1].assign(n=2**53 + 1))
    with pytest.raises(ValueError, match="could not convert"):
        each.transform(X[:1].assign(a="seven"))
    with pytest.raises(NotFittedError):
        clone(each).transform(X)


def test_what_is_changed_by_hand_counts_at_once():
    X = frame(np.random.default_rng(0))
    each = make_column_transformer((StandardScaler(), NUMBERS), (OrdinalEncoder(), ["text"])).fit(X)
    before = each.transform(X[:1])
    each.named_transformers_["standardscaler"].mean_ += 1.0
    each.named_transformers_["ordinalencoder"].categories_ = [np.array(["a", "x", "y", "z"], object)]
    after = each.transform(X[:1])
    assert (before != after).all()
    assert_same(after, by_steps(each).transform(X[:1]))
    each.fit(X)
    assert_same(each.transform(X[:1]), before)


def test_polars_and_arrays():
    random = np.random.default_rng(0)
    X = pl.from_pandas(frame(random).astype({"kind": object, "text": object}))
    parts = (StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES)
    each = make_column_transformer(*parts).fit(X)
    for rows in (X, X[:1], X[3:4].select(X.columns[::-1])):
        assert_same(each.transform(rows), by_steps(each).transform(rows))
    table = random.integers(0, 3, (60, 3)).astype(float)
    each = make_column_transformer((StandardScaler(), [0, 1]), (OneHotEncoder(), slice(2, 3)), remainder="passthrough")
    each.fit(table)
    for rows in (table, table[:1], table[::2], np.asfortranarray(table), table.tolist()):
        assert_same(each.transform(rows), by_steps(each).transform(rows))
    with pytest.raises(ValueError, match="2 features"):
        each.transform(table[:, :2])


def test_names_that_change_are_seen():
    X = frame(np.random.default_rng(0))
    each = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES)).fit(X)
    expected = each.transform(X[:1])
    for rows in (X[:1], X[:1], X[X.columns[::-1]][:1], X[:1], X.iloc[[0]].copy()):
        assert_same(each.transform(rows), expected)
    rows = X[:1].copy()
    each.transform(rows)
    rows.columns = [name.upper() for name in rows.columns]
    with pytest.raises(ValueError, match="columns are missing"):
        each.transform(rows)
    rows.columns = X.columns[::-1]
    with pytest.raises((ValueError, TypeError)):  # texts where numbers were
        each.transform(rows)
    series = X["a"]
    with pytest.raises((ValueError, IndexError, TypeError)):
        each.transform(series)
    with pytest.raises(ValueError, match="0 sample"):
        each.transform(X[:0])


def test_strangers_vectors_and_weights_take_the_usual_way():
    X = frame(np.random.default_rng(0))
    parts = [("s", StandardScaler(), NUMBERS), ("e", OneHotEncoder(), CATEGORIES)]
    upright = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 1)})
    for other in (
        ColumnTransformer(parts, transformer_weights={"s": 2.0}),
        ColumnTransformer([*parts, ("f", FunctionTransformer(np.exp), ["a"])]),
        ColumnTransformer([*parts, ("f", upright, "a")]),
        ColumnTransformer([("none", "drop", NUMBERS)]),
        ColumnTransformer([("none", StandardScaler(), [])], remainder="passthrough"),
    ):
        other.fit(X.drop(columns=CATEGORIES) if len(other.transformers) == 1 else X)
        rows = X.drop(columns=CATEGORIES) if len(other.transformers) == 1 else X
        assert_same(np.asarray(other.transform(rows)), np.asarray(by_steps(other).transform(rows)))


def test_frames_come_out_where_they_are_asked_for():
    X = frame(np.random.default_rng(0))
    each = make_column_transformer(
        (StandardScaler(), NUMBERS), (OneHotEncoder(sparse_output=False), CATEGORIES), verbose_feature_names_out=False
    ).fit(X)
    expected = each.transform(X[:3])
    named = each.set_output(transform="pandas").transform(X[:3])
    assert named.columns.tolist() == each.get_feature_names_out().tolist()
    assert np.array_equal(named.to_numpy(), expected)


@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(max_depth=3), KNeighborsClassifier(3)])
def test_models_behind_it_answer_the_same(model):
    X = frame(np.random.default_rng(0))
    y = (X["a"] + 10 * (X["text"] == "x") > 8).to_numpy()
    short = make_pipeline(
        make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES)), model
    ).fit(X, y)
    steps = pickle.loads(pickle.dumps(short)).set_params(fold=False, columntransformer__fold=False)
    for rows in (X, X[:1], X[7:9]):
        assert np.array_equal(short.predict(rows), steps.predict(rows))
        np.testing.assert_allclose(short.predict_proba(rows), steps.predict_proba(rows), rtol=1e-12)


def test_files_and_pickles(tmp_path):
    X = frame(np.random.default_rng(0), missing=True)
    y = (X["a"] > 5).to_numpy()
    each = ColumnTransformer(
        [
            ("s", StandardScaler(), make_column_selector(dtype_include=[np.number, "float32"])),
            ("e", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["text", "kind"]),
            ("m", "passthrough", [name == "whole" for name in X.columns]),
            ("d", "drop", slice(0, 2)),
        ],
        remainder=OrdinalEncoder(),
    )
    model = make_pipeline(each, DecisionTreeClassifier(max_depth=3)).fit(X, y)
    fastml.save(model, tmp_path / "m.fml")
    for again in (fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again[0].get_feature_names_out().tolist() == model[0].get_feature_names_out().tolist()
        assert again[0].fold is True
        again[0].fold = False
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        assert clone(again).fit(X, y).score(X, y) == model.score(X, y)
    each = make_column_transformer((StandardScaler(), ["a"]), remainder="passthrough").fit(X[NUMBERS])
    fastml.save(each, tmp_path / "m.fml")
    again = fastml.load(tmp_path / "m.fml").set_output(transform="pandas")
    assert np.array_equal(again.transform(X[NUMBERS]), each.transform(X[NUMBERS]))
    with pytest.raises(TypeError, match="FunctionTransformer"):
        fastml.save(make_column_transformer((FunctionTransformer(), ["a"])), tmp_path / "m.fml")


def test_scikit_learns_contract():
    X = frame(np.random.default_rng(0))
    each = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES), fold=False)
    assert isinstance(each, sklearn.compose.ColumnTransformer)
    assert clone(each).fold is False
    with pytest.raises(ValueError, match="fold"):
        clone(each).set_params(fold="perhaps").fit(X)
    each.fit(X).set_params(fold=True)
    before, fitted = each.transform(X), each.transformers_
    with pytest.raises(ValueError, match="inf"):
        each.fit(X.assign(a=np.inf))
    assert each.transformers_ is fitted
    assert_same(each.transform(X), before)
    twin = fastml.to_sklearn(make_pipeline(each, LogisticRegression()).fit(X, np.arange(80) % 2))
    assert not any(
        type(part).__module__.startswith("fastml") for part in (twin, *twin, *twin[0].named_transformers_.values())
    )
    assert np.array_equal(twin[0].transform(X), before)


@given(
    st.sampled_from([each for each in NUMERIC if each != "passthrough"]),
    st.sampled_from(ENCODERS),
    st.sampled_from(
        [LogisticRegression(), LogisticRegression(C=0.1, fit_intercept=False), LinearRegression(), Ridge()]
    ),
    st.sampled_from([2, 3]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 2**32),
)
def test_a_linear_model_behind_it_needs_no_table(numeric, encoder, model, n_classes, threshold, seed):
    random = np.random.default_rng(seed)
    X = frame(random)
    y = np.arange(len(X)) % n_classes if hasattr(model, "C") else random.normal(size=(len(X), n_classes - 1)).squeeze()
    parts = [("e", clone(encoder), CATEGORIES), ("s", clone(numeric), NUMBERS)]
    short = make_pipeline(ColumnTransformer(parts, sparse_threshold=threshold), clone(model)).fit(X, y)
    steps = make_pipeline(by_steps(short[0]), short[-1], fold=False)
    more = X.sample(200, replace=True, random_state=seed % 1000).reset_index(drop=True)
    added = abs(short[0].transform(more)) @ np.abs(np.atleast_2d(short[-1].coef_)).T
    within = 1e-13 * (1 + added.max())
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(steps, method) and not (method == "predict" and hasattr(model, "C")):
            for rows in (X, more, X[:1], X[X.columns[::-1]]):
                found, expected = getattr(short, method)(rows), getattr(steps, method)(rows)
                assert found.shape == expected.shape
                assert found.dtype == expected.dtype
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=within)


def test_the_table_is_not_made_and_bad_rows_are_refused_as_ever(monkeypatch, tmp_path):
    random = np.random.default_rng(0)
    X, y = frame(random, 200), np.arange(200) % 2
    each = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), CATEGORIES))
    model = make_pipeline(each, LogisticRegression()).fit(X, y)
    fastml.save(model, tmp_path / "model")
    again = fastml.load(tmp_path / "model")
    expected = make_pipeline(model[0], model[-1], fold=False).predict_proba(X)
    with monkeypatch.context() as patch:
        patch.setattr(ColumnTransformer, "transform", None)
        for each in (model, again):
            np.testing.assert_allclose(each.predict_proba(X), expected, rtol=1e-12)
    model[-1].coef_ = 2 * model[-1].coef_
    assert np.abs(model.predict_proba(X) - expected).max() > 0.001  # what is changed by hand counts at once
    broken = X.copy()
    broken.loc[7, "a"] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(broken)
    broken = X.copy()
    broken.loc[7, "text"] = "new"
    with pytest.raises(ValueError, match="Found unknown categories"):
        model.predict(broken)
