"""ColumnTransformer over tables in parts: the bits of memory for mixed columns, in as few passes as one step needs."""

import pickle
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler as SklearnScaler

import fastml.scale
from fastml.compose import ColumnTransformer, make_column_selector, make_column_transformer
from fastml.impute import MissingIndicator, SimpleImputer
from fastml.linear_model import LogisticRegression, Ridge
from fastml.naive_bayes import GaussianNB
from fastml.pipeline import make_pipeline
from fastml.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from fastml.scale.fitting import Checks
from fastml.svm import LinearSVC

N = 2**13 + 3000


def frame():
    random = np.random.default_rng(2)
    colour = np.array(["red", "blue", "grün", ""], object)[random.integers(0, 4, N)]
    size = random.normal(size=N)
    made = pd.DataFrame(
        {
            "colour": colour,
            "size": size.astype(np.float32),
            "weight": random.normal(size=N).astype(np.float32),
            "count": random.integers(0, 9, N),
            "share": random.random(N),
            "shop": random.integers(0, 3, N).astype(str),
            "y": np.where(size + (colour == "red") + 0.3 * random.normal(size=N) > 0.5, "yes", "no"),
        }
    )
    made.loc[::50, "colour"] = None
    made.loc[::7, "share"] = np.nan
    made.loc[N - 1, "shop"] = "new"
    return made


def in_files(folder, cuts, memory=2**28):
    for old in folder.glob("*.parquet"):
        old.unlink()
    for number, (a, b) in enumerate(pairwise([0, *sorted(cuts), N])):
        frame().iloc[a:b].to_parquet(folder / f"{number:02}.parquet", row_group_size=4000)
    return fastml.scale.parquet(folder, target="y", memory=memory)


def mixed(**options):
    return make_column_transformer(
        (StandardScaler(), ["size", "weight"]),
        (make_pipeline(SimpleImputer(strategy="median"), RobustScaler()), ["share", "count"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["colour"]),
        (OrdinalEncoder(), ["shop"]),
        **options,
    )


MIXED = [
    lambda: mixed(sparse_threshold=0),
    lambda: mixed(sparse_threshold=0).set_params(transformer_weights={"ordinalencoder": 0.5}),
    lambda: make_column_transformer(
        (
            make_pipeline(SimpleImputer(add_indicator=True), MinMaxScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (OneHotEncoder(drop="first"), ["shop"]),
        sparse_threshold=0,
    ),
    lambda: make_column_transformer(
        (OrdinalEncoder(), [5, 0]), ("drop", ["share"]), (StandardScaler(), slice(1, 2)), remainder="passthrough"
    ),
    lambda: make_column_transformer((OneHotEncoder(sparse_output=False), ["shop"]), (StandardScaler(), [])),
    lambda: make_column_transformer((OrdinalEncoder(), ["shop", "colour"]), remainder=SimpleImputer()),
]


@pytest.mark.parametrize("make", MIXED)
def test_columns_have_the_bits_of_memory(make, tmp_path):
    parts, X = in_files(tmp_path, [0, 10, 10, 5000]), frame().drop(columns="y")
    one, other = make().fit(X), make().fit(parts)
    expected = one.transform(X)
    assert np.array_equal(other.transform(X), expected, equal_nan=True)
    found = fastml.scale.transform(other, parts)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=True)
    assert other.get_feature_names_out().tolist() == one.get_feature_names_out().tolist()
    assert other.feature_names_in_.tolist() == one.feature_names_in_.tolist()
    assert other.output_indices_ == one.output_indices_
    assert np.array_equal(pickle.loads(pickle.dumps(other)).transform(X), expected, equal_nan=True)


@pytest.mark.parametrize("last", [LogisticRegression(), LinearSVC(random_state=0), GaussianNB(), Ridge()], ids=str)
def test_models_behind_mixed_columns(last, tmp_path):
    table = frame().assign(y=lambda each: each["count"] * 2.0) if isinstance(last, Ridge) else frame()
    table.to_parquet(tmp_path / "t.parquet", row_group_size=3000)
    parts = fastml.scale.parquet(tmp_path, target="y")
    X, y = table.drop(columns="y"), table["y"]
    model = make_pipeline(mixed(sparse_threshold=0), last)
    one = model.fit(X, y).predict(X)
    other = model.fit(parts)
    assert np.array_equal(other.predict(X), one)
    assert np.array_equal(fastml.scale.predict(other, parts), one)
    assert fastml.scale.score(other, parts) == pytest.approx(other.score(X, y), abs=1e-12)


@settings(deadline=None, max_examples=6)
@given(cuts=st.lists(st.integers(0, N), max_size=5))
def test_beyond_a_sample_cuts_do_not_matter(cuts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cuts")
    model = make_pipeline(mixed(), LogisticRegression())
    one = model.fit(in_files(folder, [], 2**17)).steps[-1][1].coef_
    assert np.array_equal(model.fit(in_files(folder, cuts, 2**17)).steps[-1][1].coef_, one)
    np.testing.assert_allclose(one, model.fit(frame().drop(columns="y"), frame()["y"]).steps[-1][1].coef_, atol=1e-2)


def test_steps_share_their_passes(tmp_path):
    parts = in_files(tmp_path, [5000], 2**17)
    reads = []
    pieces = type(parts).pieces
    type(parts).pieces = lambda self, *arguments, **options: reads.append(1) or pieces(self, *arguments, **options)
    try:
        make_column_transformer(
            (StandardScaler(), ["size", "weight"]),
            (MinMaxScaler(), ["share"]),
            (OneHotEncoder(), ["colour"]),
            (OrdinalEncoder(), ["shop"]),
        ).fit(parts)
    finally:
        type(parts).pieces = pieces
    assert len(reads) == 2  # the first rows, and one pass


@pytest.mark.parametrize("memory", [2**28, 2**17])
def test_columns_on_dask(memory, tmp_path):
    dd = pytest.importorskip("dask.dataframe")
    import fastml.dask

    X = frame().drop(columns="y")
    one = mixed(sparse_threshold=0).fit(in_files(tmp_path, [17, 9000], memory))
    lazy = dd.from_pandas(frame(), npartitions=3)
    other = mixed(sparse_threshold=0).fit(fastml.dask.parts(lazy, "y", memory=memory))
    assert np.array_equal(one.transform(X), other.transform(X), equal_nan=True)
    lazily = other.transform(lazy.drop(columns="y"))
    assert np.array_equal(lazily.compute(), one.transform(X), equal_nan=True)
    model = make_pipeline(mixed(sparse_threshold=0), LogisticRegression())
    files = model.fit(in_files(tmp_path, [17, 9000], memory)).steps[-1][1].coef_
    assert np.array_equal(model.fit(fastml.dask.parts(lazy, "y", memory=memory)).steps[-1][1].coef_, files)
    spread = fastml.dask.spread(in_files(tmp_path, [17, 9000], memory), rows=2**13)
    assert np.array_equal(model.fit(spread).steps[-1][1].coef_, files)


def test_numbers_without_names():
    X = np.random.default_rng(0).normal(size=(N, 4))
    X[::9, 1] = np.nan
    make = [(StandardScaler(), [0]), (SimpleImputer(), [1, 2])]
    one = make_column_transformer(*make, remainder="passthrough").fit(X)
    other = make_column_transformer(*make, remainder="passthrough").fit(fastml.scale.arrays(X))
    # Some columns of an array are in Fortran's order, and sums down such columns are added in an order of their own.
    np.testing.assert_allclose(other.transform(X), one.transform(X), rtol=1e-12)
    by_hand = SimpleImputer().fit(np.ascontiguousarray(X[:, 1:3]))
    assert np.array_equal(other.named_transformers_["simpleimputer"].statistics_, by_hand.statistics_)
    assert np.array_equal(fastml.scale.transform(other, fastml.scale.arrays(X)), other.transform(X))


@pytest.mark.parametrize("memory", [2**28, 2**16])
def test_longer_pipelines_as_steps_and_their_files(memory, tmp_path):
    X = np.random.default_rng(0).normal(size=(N, 4))
    X[::9, 1] = np.nan
    steps = [StandardScaler(), RobustScaler(), MinMaxScaler()]
    first = "a", make_pipeline(SimpleImputer(strategy="median"), *steps), [1, 2]
    second = "b", SimpleImputer(strategy="most_frequent", add_indicator=True), [1, 3]
    columns = ColumnTransformer([first, second])
    parts = fastml.scale.arrays(X, memory=memory)
    one, other = clone(columns).fit(X), clone(columns).fit(parts)
    np.testing.assert_allclose(one.transform(X), other.transform(X), rtol=1e-10, atol=1e-12)
    fastml.save(other, tmp_path / "columns.fml")
    assert np.array_equal(fastml.load(tmp_path / "columns.fml").transform(X), other.transform(X))
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=3000)
    named = clone(columns).set_params(transformers=[("a", first[1], ["b", "c"])])
    files = named.fit(fastml.scale.parquet(tmp_path / "t.parquet", memory=memory))
    assert np.array_equal(files.transform(frame), other.transform(X)[:, :2])


def test_what_cannot_says_so(tmp_path):
    parts = in_files(tmp_path, [])
    with pytest.raises(TypeError, match="step 'a' of ColumnTransformer is a StandardScaler of sklearn"):
        ColumnTransformer([("a", SklearnScaler(), ["size"])]).fit(parts)
    with pytest.raises(TypeError, match="column 'shop' .* is of texts, and for StandardScaler"):
        ColumnTransformer([("a", StandardScaler(), ["size", "shop"])]).fit(parts)
    with pytest.raises(ValueError, match="column 0 \\('share'\\) is NaN in row 0 of .*00.parquet"):
        make_pipeline(ColumnTransformer([("a", OrdinalEncoder(), ["shop"]), ("b", GivesNan(), ["share"])])).fit(parts)
    with pytest.raises(ValueError, match="step 'a' is given one column as a vector"):
        ColumnTransformer([("a", StandardScaler(), "size")]).fit(parts)
    model = ColumnTransformer([("a", OneHotEncoder(), ["colour"])]).fit(parts)
    kept = model.transformers_
    with pytest.raises(ValueError, match="nothing"):
        model.set_params(transformers=[("a", OneHotEncoder(), ["nothing"])]).fit(parts)
    assert model.transformers_ is kept


class GivesNan(LinearSVC):
    """A class that takes finite numbers only, in the place of a step."""

    def transform(self, X):
        return X

    def _fit_parts(self, table, reduce):
        table.parts.reduce(Refused(), Checks("GivesNan", table.parts.names), "", None)


class Refused:
    def partial(self, rows):
        return 0

    def merge(self, first, second):
        return 0


FILLED = [
    SimpleImputer(strategy=strategy, add_indicator=indicator, keep_empty_features=kept)
    for strategy in ("mean", "median", "most_frequent", "constant")
    for indicator in (False, True)
    for kept in (False, True)
]
FILLED += [SimpleImputer(missing_values=0.5), SimpleImputer(missing_values=-1.0, strategy="median")]
FILLED += [MissingIndicator(), MissingIndicator(features="all")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", FILLED, ids=str)
def test_imputers(model, dtype):
    X = np.random.default_rng(1).normal(size=(20_000, 5)).round(2).astype(dtype)
    X[::3, 1], X[:, 2], X[5, 3] = np.nan, np.nan, np.nan
    if model.missing_values == model.missing_values:
        X = np.where(np.isnan(X), dtype(model.missing_values), X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the column that is empty
        expected = type(model)(**model.get_params()).fit(X).transform(X)
        cut = [(X[:7],), (X[7:7],), (X[7:15_000],), (X[15_000:],)]
        beyond = []
        for memory in (2**28, 2**16):
            for parts in (
                fastml.scale.arrays(X, memory=memory),
                fastml.scale.chunks([each[0] for each in cut], memory=memory),
            ):
                found = type(model)(**model.get_params()).fit(parts).transform(X)
                assert found.dtype == expected.dtype
                if memory == 2**28 or getattr(model, "strategy", "") != "mean":
                    assert np.array_equal(found, expected, equal_nan=True)
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)
                beyond.append(found)
    assert np.array_equal(beyond[2], beyond[3], equal_nan=True)


def test_texts_are_filled_in_as_in_memory(tmp_path):
    X = frame()[["colour", "shop"]].astype(object)
    for model in (SimpleImputer(strategy="most_frequent"), SimpleImputer(strategy="constant", fill_value="none")):
        parts = in_files(tmp_path, [100], 2**16)
        parts = fastml.scale.parquet(tmp_path, columns=["colour", "shop"], memory=2**16)
        found = fastml.scale.transform(model.fit(parts), parts)
        assert np.array_equal(found, model.fit(X.where(X.notna(), np.nan)).transform(X.where(X.notna(), np.nan)))
    with pytest.raises(TypeError, match="column 'colour' .* is of texts"):
        SimpleImputer().fit(parts)


RARE = [
    OneHotEncoder(min_frequency=0.3, handle_unknown="infrequent_if_exist"),
    OneHotEncoder(max_categories=2),
    OneHotEncoder(min_frequency=2000, max_categories=3, sparse_output=False),
    OrdinalEncoder(min_frequency=20),
]


@pytest.mark.parametrize("model", RARE, ids=str)
def test_rare_categories_are_counted(model, tmp_path):
    X = frame()[["colour", "shop"]].astype(object)
    X = X.where(X.notna(), np.nan)
    expected = clone(model).fit(X).transform(X)
    in_files(tmp_path, [10, 5000])
    parts = fastml.scale.parquet(tmp_path, columns=["colour", "shop"], memory=2**16)
    other = clone(model).fit(parts)
    found = other.transform(X)
    pair = [each.toarray() if hasattr(each, "toarray") else each for each in (found, expected)]
    assert np.array_equal(*pair, equal_nan=True)
    assert len(other.get_feature_names_out()) == expected.shape[1]
    numbers = np.random.default_rng(0).integers(0, 9, (N, 2)) ** 2.0
    one, other = clone(model).fit(numbers), clone(model).fit(fastml.scale.arrays(numbers, memory=2**16))
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_folds_of_mixed_columns(tmp_path):
    parts = in_files(tmp_path, [5000])
    shops = OneHotEncoder(handle_unknown="ignore"), ["shop", "colour"]  # one shop is in one row
    columns = make_column_transformer((StandardScaler(), ["size"]), shops, sparse_threshold=0)
    assert fastml.scale.cross_val_score(make_pipeline(columns, LogisticRegression()), parts, cv=3).min() > 0.85
