"""Neighbours among rows on the disk: those of the fit in memory, ties and all, for any cuts and engines."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors, RadiusNeighborsClassifier

N = 2 * 2**16 + 99
CUTS = st.lists(st.integers(0, N), max_size=4)


def table(dtype=np.float64):
    random = np.random.default_rng(6)
    X = np.round(random.normal(size=(N, 2)), 1).astype(dtype)  # many rows are equally far
    return X, random.integers(0, 3, N), random.normal(size=(40, 2)).astype(dtype).round(1)


def in_chunks(X, y, cuts):
    return fastml.scale.chunks([(X[a:b], y[a:b]) for a, b in pairwise([0, *sorted(cuts), N])])


@settings(deadline=None, max_examples=4)
@given(cuts=CUTS, metric=st.sampled_from(["euclidean", "manhattan", "chebyshev"]), single=st.booleans())
def test_neighbours_are_those_in_memory(cuts, metric, single):
    X, y, queries = table(np.float32 if single else np.float64)
    model = NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(X)
    distances, rows = fastml.scale.kneighbors(in_chunks(X, y, cuts), queries, 7, metric=metric)
    expected = model.kneighbors(queries)
    assert np.array_equal(distances, expected[0])
    assert np.array_equal(rows, expected[1])


MODELS = [
    KNeighborsClassifier(), KNeighborsClassifier(9, weights="distance"), KNeighborsRegressor(3),
    KNeighborsClassifier(4, metric="manhattan"), KNeighborsClassifier(1, p=3),
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_predictions_are_those_of_the_fit_in_memory(model):
    X, y, queries = table()
    expected = clone(model).fit(X, y).predict(queries)
    assert np.array_equal(fastml.scale.predict_from(model, in_chunks(X, y, [5, 70_000]), queries), expected)
    assert not hasattr(model, "n_features_in_")


def test_training_rows_of_dask_stay_where_they_are():
    da = pytest.importorskip("dask.array")
    import fastml.dask

    X, y, queries = table()
    parts = fastml.dask.parts(da.from_array(X, chunks=(50_000, 2)), da.from_array(y, chunks=50_000))
    model = KNeighborsClassifier(6)
    assert np.array_equal(fastml.scale.predict_from(model, parts, queries), clone(model).fit(X, y).predict(queries))


def test_what_cannot_be_is_told():
    X, y, queries = table()
    parts = fastml.scale.arrays(X[:3], y[:3])
    with pytest.raises(ValueError, match="n_neighbors=5, and Parts of arrays: 3 rows .* has 3 rows"):
        fastml.scale.kneighbors(parts, queries)
    with pytest.raises(ValueError, match=r"X has shape \(40, 1\), and \(n_queries, 2\) is needed"):
        fastml.scale.kneighbors(parts, queries[:, :1])
    with pytest.raises(TypeError, match="RadiusNeighborsClassifier does not look at its k nearest rows alone"):
        fastml.scale.predict_from(RadiusNeighborsClassifier(), parts, queries)
    with pytest.raises(ValueError, match="has no target, and KNeighborsRegressor needs one"):
        fastml.scale.predict_from(KNeighborsRegressor(1), fastml.scale.arrays(X[:3]), queries)
    assert fastml.scale.kneighbors(parts, queries[:0], 2)[1].shape == (0, 2)
    assert fastml.scale.predict_from(KNeighborsClassifier(1), parts, queries[:0]).shape == (0,)
