"""The same bits: in memory, from chunks, and from files of every kind, however the rows are cut."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, Ridge
from fastml.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB
from fastml.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from fastml.scale.fitting import Table
from fastml.svm import LinearSVC

N, D = 5 * 2**13 + 77, 3


def table(kind):
    random = np.random.default_rng(3)
    X = {
        "real": lambda: (random.normal(size=(N, D)) * [1, 20, 0.1] + [0, 5, 300]).astype(np.float32),
        "fractions": lambda: random.random((N, D)),
        "codes": lambda: random.integers(0, 6, (N, D)).astype(float),
    }[kind]()
    y = random.integers(0, 3, N)
    y[: N // 2] = np.minimum(y[: N // 2], 1)  # the last class is missing in the first half
    return X, y


COUNTED = [  # whose fit in memory adds in the same order
    (GaussianNB(), "real", ["theta_", "var_", "epsilon_", "class_prior_", "class_count_"]),
    (MultinomialNB(), "fractions", ["feature_count_", "feature_log_prob_", "class_log_prior_"]),
    (ComplementNB(), "fractions", ["feature_count_", "feature_log_prob_", "feature_all_"]),
    (BernoulliNB(binarize=0.3), "fractions", ["feature_count_", "feature_log_prob_"]),
    (CategoricalNB(), "codes", ["feature_log_prob_", "category_count_", "n_categories_"]),
    (MixedNB(), "real", ["theta_", "var_"]),
    (
        MixedNB(categorical_features=[0], count_features=[1]),
        "codes",
        ["theta_", "var_", "categories_", "category_log_prob_", "count_log_prob_"],
    ),
]


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def assert_same(model, other, names):
    for name in ["classes_", "n_features_in_", *names] if hasattr(model, "classes_") else names:
        first, second = getattr(model, name), getattr(other, name)
        pairs = zip(first, second, strict=True) if isinstance(first, list) else [(first, second)]
        assert all(same(a, b) for a, b in pairs), name


def in_chunks(X, y, cuts):
    cuts = [0, *sorted(cuts), len(X)]
    return [(X[a:b], y[a:b]) for a, b in pairwise(cuts)]


CUTS = st.lists(st.integers(0, N), max_size=8)  # empty parts among them
MEMORY = st.sampled_from([2**10, 2**20, 2**28])


@pytest.mark.parametrize(("model", "kind", "names"), COUNTED, ids=lambda each: type(each).__name__)
@settings(deadline=None)
@given(cuts=CUTS, memory=MEMORY)
def test_naive_bayes_in_parts_is_that_in_memory(model, kind, names, cuts, memory):
    X, y = table(kind)
    parts = fastml.scale.chunks(in_chunks(X, y, cuts), memory=memory)
    assert_same(clone(model).fit(X, y), clone(model).fit(parts), names)


def test_holes_are_holes_in_parts_too():
    X, y = table("real")
    X[:: 2**12 + 1, 1] = np.nan
    X[0, 0] = np.nan
    assert_same(GaussianNB().fit(X, y), GaussianNB().fit(fastml.scale.arrays(X, y)), ["theta_", "var_"])


def test_more_classes_make_larger_blocks_here_and_there():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(3 * 2**15 + 5, 2)), random.integers(0, 700, 3 * 2**15 + 5)
    assert_same(GaussianNB().fit(X, y), GaussianNB().fit(fastml.scale.arrays(X, y, memory=2**10)), ["theta_", "var_"])


SOLVED = [LinearRegression(), LinearRegression(fit_intercept=False), Ridge(alpha=2.0), LogisticRegression()]
SOLVED += [LinearSVC(), LinearSVC(fit_intercept=False, C=0.01), LinearSVC(intercept_scaling=3.0)]
CLASSIFIERS = (LogisticRegression, LinearSVC)


@pytest.mark.parametrize("model", SOLVED, ids=str)
@settings(deadline=None, max_examples=10)
@given(cuts=CUTS)
def test_linear_models_do_not_see_how_rows_are_cut(model, cuts):
    X, y = table("real")
    if isinstance(model, LogisticRegression):
        y = np.minimum(y, 1)
    elif isinstance(model, LinearSVC):
        y = (X[:, 0] + y > 1).astype(int) + (X[:, 1] > 30)
    else:
        y = X @ np.arange(1.0, D + 1) + y
    # so little memory that logistic regression begins with some of the rows only
    one = clone(model).fit(fastml.scale.arrays(X, y, memory=2**18))
    other = clone(model).fit(fastml.scale.chunks(in_chunks(X, y, cuts), memory=2**18))
    assert_same(one, other, ["coef_", "intercept_"])
    memory = clone(model).fit(X.astype(float), y)
    if isinstance(model, CLASSIFIERS):
        memory.set_params(tol=1e-9).fit(X.astype(float), y)
    np.testing.assert_allclose(one.coef_, memory.coef_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.intercept_, memory.intercept_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", [*SOLVED, Ridge(alpha=1e-3, fit_intercept=False)], ids=str)
@pytest.mark.parametrize("kind", ["real", "fractions"])
def test_a_table_that_a_sample_holds_is_fitted_as_in_memory(model, kind):
    X, y = table(kind)
    y = np.minimum(y, 1) if isinstance(model, CLASSIFIERS) else y.astype(float)
    model = clone(model).set_params(random_state=0) if isinstance(model, LinearSVC) else model
    one = clone(model).fit(X, y)
    for parts in (fastml.scale.arrays(X, y), fastml.scale.chunks(in_chunks(X, y, [0, 7, 9000]))):
        assert_same(one, clone(model).fit(parts), ["coef_", "intercept_"])
    if not isinstance(model, CLASSIFIERS):  # one pass, so that rows that come once are enough
        assert_same(one, clone(model).fit(fastml.scale.chunks(iter(in_chunks(X, y, [5])))), ["coef_", "intercept_"])


@pytest.mark.parametrize("model", [StandardScaler(), MinMaxScaler((-1, 1)), MaxAbsScaler()], ids=str)
@settings(deadline=None, max_examples=10)
@given(cuts=CUTS)
def test_scalers_do_not_see_how_rows_are_cut(model, cuts):
    X, y = table("real")
    X[::1000, 1], X[:, 2] = np.nan, X[:, 2] + 1e4
    names = [name for name in ("mean_", "var_", "scale_", "data_max_", "max_abs_", "n_samples_seen_")
             if hasattr(clone(model).fit(X), name)]  # fmt: skip
    one = clone(model).fit(fastml.scale.arrays(X, memory=2**18))
    other = clone(model).fit(fastml.scale.chunks(in_chunks(X, y, cuts), memory=2**18))
    assert_same(one, other, names)
    memory = clone(model).fit(X)
    assert_same(memory, clone(model).fit(fastml.scale.chunks(in_chunks(X, y, cuts))), names)
    for name in names:
        np.testing.assert_allclose(getattr(one, name), getattr(memory, name), rtol=1e-12)
    np.testing.assert_allclose(one.transform(X), memory.transform(X), rtol=1e-5, atol=1e-5)
    assert np.array_equal(fastml.scale.transform(one, fastml.scale.arrays(X)), one.transform(X), equal_nan=True)
    if not isinstance(model, StandardScaler):
        assert np.array_equal(one.transform(X), memory.transform(X), equal_nan=True)


def spread(kind):
    random = np.random.default_rng(1)
    X = random.normal(size=(N, D))
    X = {"far": X * 1e-3 + 1e6, "ties": np.round(X), "wide": np.exp(40 * X), "tiny": X * 5e-324 * 1e3}[kind]
    if kind != "wide":
        X[:, 2] = {"far": 7.0, "ties": -0.0, "tiny": 3.0}[kind]
    X[::1000, 1] = np.nan
    return X


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["far", "ties", "wide", "tiny"])
def test_quantiles_by_counting_are_those_of_sorting(kind, dtype):
    with np.errstate(over="ignore", under="ignore"):
        X = np.clip(spread(kind), -1e30, 1e30).astype(dtype)
    for rows in (X, X[:1], X[:2], np.where(np.arange(N)[:, None] < 0, X, np.full((N, D), np.nan, dtype))):
        model = RobustScaler(quantile_range=(3.3, 71)).fit(rows)
        assert_same(model, clone(model).fit(fastml.scale.arrays(rows, memory=2**15)), ["center_", "scale_"])


def test_quantiles_read_the_table_three_times():
    X = np.random.default_rng(0).normal(size=(100_000, 2))
    table = Table(fastml.scale.arrays(X), RobustScaler())
    RobustScaler()._fit_parts(table, table.reduce)
    assert table.reads <= 3


DRAWING = [
    KBinsDiscretizer(4, encode="ordinal", subsample=5000, random_state=0),
    KBinsDiscretizer(3, strategy="uniform", subsample=5000, random_state=0),
    QuantileTransformer(n_quantiles=50, random_state=0, subsample=9000),
]


@pytest.mark.parametrize("model", DRAWING, ids=lambda each: type(each).__name__)
def test_rows_are_drawn_by_their_numbers(model):
    X, y = table("real")
    one, names = clone(model).fit(X), ["bin_edges_", "n_bins_"]
    names = names if hasattr(one, "n_bins_") else ["quantiles_", "references_"]
    for memory in (2**17, 2**28):  # beyond a sample, and where the sample is the table
        for parts in (
            fastml.scale.chunks(in_chunks(X, y, [0, 7, 9000]), memory=memory),
            fastml.scale.chunks([X[:9], X[9:]], memory=memory),
        ):
            if memory == 2**17 and isinstance(model, QuantileTransformer):
                parts.memory = 2**19 - 2**12
            assert parts.n_features == D
            other = clone(model).fit(parts)
            for name in names:
                pairs = zip(getattr(one, name), getattr(other, name), strict=True)
                assert all(same(a, b) for a, b in pairs), name
            assert other.subsample == model.subsample
    with pytest.raises(ValueError, match="subsample=None needs all of Parts"):
        clone(model).set_params(subsample=None).fit(fastml.scale.arrays(X, memory=2**17))


def test_an_order_of_all_rows_that_takes_too_much_is_told():
    X, _ = table("real")
    with pytest.raises(ValueError, match="putting 41,037 numbers in random order, 0 MB, and the table may take"):
        QuantileTransformer(random_state=0).fit(fastml.scale.arrays(X, memory=2**17))


@pytest.mark.parametrize("make", [OneHotEncoder, OrdinalEncoder])
def test_encoders_find_the_categories_of_all_parts(make):
    X, y = table("codes")
    X[-1], X[5, 0] = [100.0, 101.0, 102.0], np.nan
    one, other = make().fit(X), make().fit(fastml.scale.chunks(in_chunks(X, y, [0, 6, 9000])))
    assert_same(one, other, ["categories_", "n_features_in_"])
    for name in ("toarray", "copy"):
        if hasattr(one.transform(X[:9]), name):
            assert np.array_equal(*(getattr(m.transform(X[-9:]), name)() for m in (one, other)), equal_nan=True)
            break


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_threads_do_not_matter(n_jobs):
    X, y = table("real")
    parts = fastml.scale.arrays(X, y, memory=2**20)
    assert_same(GaussianNB().fit(X, y), GaussianNB(n_jobs=n_jobs).fit(parts), ["theta_", "var_"])


# -------------------------------------------------------------------------------------------------------------- files


def npy_files(folder, X, y, cuts):
    for number, (part, labels) in enumerate(in_chunks(X, y, cuts)):
        np.save(folder / f"X{number}.npy", part)
        np.save(folder / f"y{number}.npy", labels)
    return fastml.scale.npy(folder / "X*.npy", y=folder / "y*.npy")


def frames(X, y, cuts):
    for number, (part, labels) in enumerate(in_chunks(X, y, cuts)):
        yield number, pd.DataFrame(part, columns=["a", "b", "c"]).assign(label=labels)


def parquet_files(folder, X, y, cuts):
    for number, frame in frames(X, y, cuts):
        frame.to_parquet(folder / f"{number}.parquet", row_group_size=5000)
    return fastml.scale.parquet(folder, target="label")


def arrow_files(folder, X, y, cuts):
    for number, frame in frames(X, y, cuts):
        made = pa.Table.from_pandas(frame)
        with pa.OSFile(str(folder / f"{number}.arrow"), "wb") as file, pa.ipc.new_file(file, made.schema) as writer:
            writer.write_table(made, max_chunksize=7000)
    return fastml.scale.arrow(folder, target="label")


def csv_files(folder, X, y, cuts):
    for number, frame in frames(X, y, cuts):
        frame.to_csv(folder / f"{number}.csv", index=False)
    return fastml.scale.csv(folder, target="label")


@pytest.mark.parametrize("write", [npy_files, parquet_files, arrow_files, csv_files])
def test_files_of_every_kind(write, tmp_path):
    X, y = table("fractions")
    parts = write(tmp_path, X, y, [100, 9000, 9000, 30_001])
    names = ["theta_", "var_", "epsilon_"]
    model = GaussianNB().fit(parts)
    assert_same(GaussianNB().fit(X, y), model, names)
    assert parts.n_rows == N
    rows, labels = parts.rows(8990, 9010)  # across the end of a file
    assert np.array_equal(rows, X[8990:9010])
    assert np.array_equal(labels, y[8990:9010])
    assert np.array_equal(parts.rows(N - 1, N + 5)[0], X[-1:])
    assert parts.rows(5, 5)[0].shape == (0, D)


def test_float32_and_columns_out_of_order_in_parquet(tmp_path):
    X, y = table("real")
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=np.array(["no", "perhaps", "yes"])[y])
    frame[["label", "c", "a", "b"]].to_parquet(tmp_path / "t.parquet")
    model = GaussianNB().fit(fastml.scale.parquet(tmp_path / "t.parquet", target="label", columns=["a", "b", "c"]))
    assert_same(GaussianNB().fit(frame[["a", "b", "c"]], frame["label"].to_numpy(object)), model, ["theta_", "var_"])
    assert model.theta_.dtype == np.float32
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_fortran_order_on_disk(tmp_path):
    X, y = table("real")
    np.save(tmp_path / "X.npy", np.asfortranarray(X))
    np.save(tmp_path / "y.npy", y[:, None])
    parts = fastml.scale.npy(tmp_path / "X.npy", y=tmp_path / "y.npy")
    assert_same(GaussianNB().fit(X, y), GaussianNB().fit(parts), ["theta_", "var_"])


def test_whole_numbers_on_disk(tmp_path):
    X, y = table("codes")
    np.save(tmp_path / "X.npy", X.astype(np.int16))
    np.save(tmp_path / "y.npy", y)
    parts = fastml.scale.npy(tmp_path / "X.npy", y=tmp_path / "y.npy")
    assert_same(MultinomialNB().fit(X, y), MultinomialNB().fit(parts), ["feature_log_prob_"])
