"""TargetEncoder over tables in parts: the means of memory, and of other folds for the rows on their way to a model."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml.compose import make_column_transformer
from fastml.linear_model import LogisticRegression, Ridge
from fastml.pipeline import make_pipeline
from fastml.preprocessing import StandardScaler, TargetEncoder
from fastml.scale.sides import folds_of

N = 2**13 + 2000


def table(kind="binary"):
    random = np.random.default_rng(6)
    shop = random.zipf(1.5, N) % 40
    size = random.normal(size=N)
    score = np.sin(shop) + 0.3 * size + 0.5 * random.normal(size=N)
    frame = pd.DataFrame({"shop": np.array([f"s{i}" for i in range(40)], object)[shop], "size": size, "day": shop % 7})
    frame.loc[::91, "shop"] = None
    y = {"numbers": score, "binary": np.where(score > 0, "yes", "no"), "three": np.digitize(score, [-0.5, 0.5])}[kind]
    return frame.assign(y=y)


def files(folder, frame, cuts, memory=2**28, columns=None):
    for old in folder.glob("*.parquet"):
        old.unlink()
    for number, (a, b) in enumerate(pairwise([0, *sorted(cuts), N])):
        frame.iloc[a:b].to_parquet(folder / f"{number}.parquet", row_group_size=3000)
    return fastml.scale.parquet(folder, target="y", memory=memory, columns=columns)


def same(one, other, exact):
    assert one.target_type_ == other.target_type_
    for a, b in zip(one.categories_, other.categories_, strict=True):
        assert [x if x == x else None for x in a.tolist()] == [x if x == x else None for x in b.tolist()]
    compare = np.testing.assert_array_equal if exact else lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9)
    compare(one.target_mean_, other.target_mean_)
    for a, b in zip(one.encodings_, other.encodings_, strict=True):
        compare(a, b)


@pytest.mark.parametrize("kind", ["numbers", "binary", "three"])
@pytest.mark.parametrize("smooth", ["auto", 3.0, 0.0])
def test_means_are_those_of_memory(kind, smooth, tmp_path):
    frame = table(kind)
    model, X = TargetEncoder(smooth=smooth), frame[["shop", "day"]]
    one = clone(model).fit(X.where(X.notna(), np.nan), frame["y"])
    same(one, clone(model).fit(files(tmp_path, frame, [0, 9, 5000], columns=["shop", "day"])), True)
    beyond = clone(model).fit(files(tmp_path, frame, [0, 9, 5000], 2**16, ["shop", "day"]))
    same(one, beyond, False)
    assert np.allclose(beyond.transform(X[:50]), one.transform(X[:50]), rtol=1e-9)


@settings(deadline=None, max_examples=4)
@given(cuts=st.lists(st.integers(0, N), max_size=4), kind=st.sampled_from(["numbers", "three"]))
def test_cuts_do_not_matter(cuts, kind, tmp_path_factory):
    folder, frame = tmp_path_factory.mktemp("cuts"), table(kind)
    one = TargetEncoder().fit(files(folder, frame, [], 2**16, ["shop"]))
    same(one, TargetEncoder().fit(files(folder, frame, cuts, 2**16, ["shop"])), True)


@pytest.mark.parametrize("memory", [2**16, 2**28])
def test_rows_on_their_way_to_a_model_get_means_of_other_folds(memory, tmp_path):
    frame = table("numbers")
    parts = files(tmp_path, frame, [100, 7000], memory, ["shop"])
    folds, X, y = folds_of(0, N, 5, 0), frame[["shop"]], frame["y"]
    crossed = np.empty((N, 1))
    for fold in range(5):
        out = folds == fold
        crossed[out] = TargetEncoder().fit(X[~out], y[~out]).transform(X[out])
    expected = Ridge().fit(crossed, y)
    found = make_pipeline(TargetEncoder(), Ridge()).fit(parts)
    np.testing.assert_allclose(found.steps[-1][1].coef_, expected.coef_, rtol=1e-6)
    naive = Ridge().fit(TargetEncoder().fit(X, y).transform(X), y)
    assert abs(naive.coef_ - expected.coef_).max() > 1e-4
    in_columns = make_pipeline(make_column_transformer((TargetEncoder(), ["shop"])), Ridge()).fit(parts)
    assert np.array_equal(in_columns.steps[-1][1].coef_, found.steps[-1][1].coef_)
    assert np.array_equal(fastml.scale.predict(found, parts), found.predict(X))


def test_beside_other_columns_and_on_workers(tmp_path):
    dd = pytest.importorskip("dask.dataframe")
    import fastml.dask

    frame = table("binary")
    model = make_pipeline(
        make_column_transformer((TargetEncoder(), ["shop"]), (StandardScaler(), ["size"]), remainder="passthrough"),
        StandardScaler(),
        LogisticRegression(),
    )
    for memory in (2**28, 2**17):
        parts = files(tmp_path, frame, [100, 7000], memory)
        one = clone(model).fit(parts)
        assert fastml.scale.score(one, parts) > 0.75
        lazy = fastml.dask.parts(dd.from_pandas(frame, npartitions=3), "y", memory=memory)
        for other in (lazy, fastml.dask.spread(parts, rows=2**13)):
            assert np.array_equal(clone(model).fit(other).steps[-1][1].coef_, one.steps[-1][1].coef_)


def test_what_cannot_says_so(tmp_path):
    parts = files(tmp_path, table(), [], columns=["shop"])
    with pytest.raises(ValueError, match="draws folds by the numbers of rows: cv="):
        TargetEncoder(cv=[1]).fit(parts)
    with pytest.raises(ValueError, match="leave categories='auto'"):
        TargetEncoder(categories=[["s1"]]).fit(parts)
    with pytest.raises(TypeError, match="is a pipeline with a TargetEncoder"):
        make_column_transformer((make_pipeline(TargetEncoder(), StandardScaler()), ["shop"])).fit(parts)
    with pytest.raises(ValueError, match="has no target, and TargetEncoder needs one"):
        TargetEncoder().fit(fastml.scale.parquet(tmp_path, columns=["shop"]))


def test_folds_of_a_table_number_their_rows_anew(tmp_path):
    frame = table("binary")
    parts = files(tmp_path, frame, [100, 7000], 2**17, ["shop"])
    model = make_pipeline(TargetEncoder(), LogisticRegression())
    scores = fastml.scale.cross_val_score(model, parts, cv=3)
    assert len(scores) == 3
    assert scores.min() > 0.7
