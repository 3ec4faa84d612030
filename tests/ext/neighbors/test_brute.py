"""Searches without a tree against the definition: every metric, every dtype, every path."""

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.neighbors import brute, reference, scan, user_metric

few = effort(0.75)


def offset_tables(draw, dtype, rows, columns):
    """Small integers, or steps of 0.1, with offsets and duplicates: many ties, some of them only almost."""
    values = draw(st.lists(st.integers(-3, 3), min_size=1, max_size=rows * columns))
    table = np.resize(np.array(values, np.float64), (rows, columns))
    step = draw(st.sampled_from([1.0, 0.1]))
    offset = draw(st.sampled_from([0.0, 1e3, 1e6]))
    table = np.clip(table + 3, 0, 255) if dtype == np.uint8 else table * step + offset
    copies = draw(st.lists(st.integers(0, rows - 1), max_size=4))
    table[: len(copies)] = table[copies[:rows]][: len(table[: len(copies)])] if copies else table[:0]
    return table.astype(dtype)


@st.composite
def searches(draw, dtypes=(np.float32, np.float64, np.uint8)):
    """(X, Q, k): k between 1 and n; Q in the dtype of the distances."""
    dtype = draw(st.sampled_from(dtypes))
    n, m, d = draw(st.integers(1, 70)), draw(st.integers(1, 12)), draw(st.integers(1, 6))
    table = offset_tables(draw, dtype, n + m, d)
    Q = table[n:].astype(np.float32 if dtype == np.float32 else np.float64)
    return np.ascontiguousarray(table[:n]), Q, draw(st.integers(1, n))


def assert_same(found, expected, exact=True):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        if exact or a.dtype == np.int64:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=4 * np.finfo(a.dtype).eps)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "hamming", "cosine"])
@few
@given(case=searches())
def test_nearest_bit_for_bit(metric, case):
    X, Q, k = case
    found = brute.nearest(brute.prepare(X, metric), Q, k)
    assert_same(found, reference.nearest(reference.prepare(X, metric), Q, k))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "hamming", "cosine"])
@few
@given(case=searches(), at=st.integers(0, 10**6))
def test_within_radius(metric, case, at):
    X, Q, _ = case
    known = reference.distances(X, Q, metric).ravel()
    r = known[at % len(known)]  # a distance that occurs: the point at exactly r is inside
    found = brute.within_radius(brute.prepare(X, metric), Q, r)
    assert_same(found, reference.within_radius(reference.prepare(X, metric), Q, r))
    assert len(found[1]) > 0


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "hamming"])
@effort(0.2)
@given(seed=st.integers(0, 2**30), spread=st.sampled_from([1, 2, 50]), k=st.sampled_from([17, 40, 150, 299]))
def test_many_neighbors_bit_for_bit(metric, seed, spread, k):
    rng = np.random.default_rng(seed)
    X = (rng.integers(0, spread, (300, 3)) * 0.1 + 1e3).astype(rng.choice([np.float32, np.float64]))
    Q, exclude = X[:9], np.arange(9) if k < 300 else None
    found = brute.nearest(brute.prepare(X, metric), Q, k, exclude)
    assert_same(found, reference.nearest(reference.prepare(X, metric), Q, k, exclude))


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("weighted", [False, True])
@few
@given(case=searches())
def test_minkowski(p, weighted, case):
    X, Q, k = case
    if weighted and p == np.inf:
        with pytest.raises(ValueError, match="w"):
            brute.prepare(X, "minkowski", p, np.ones(X.shape[1]))
        return
    w = np.arange(X.shape[1]) + 0.5 if weighted else None
    found = brute.nearest(brute.prepare(X, "minkowski", p, w), Q, k)
    assert_same(found, reference.nearest(reference.prepare(X, "minkowski", p, w), Q, k))


@few
@given(case=searches((np.float32, np.float64)), gaps=st.integers(0, 2**30))
def test_nan_euclidean(case, gaps):
    X, Q, k = case
    rng = np.random.default_rng(gaps)
    X[rng.random(X.shape) < 0.3], Q[rng.random(Q.shape) < 0.3] = np.nan, np.nan
    found = brute.nearest(brute.prepare(X, "nan_euclidean"), Q, k)
    assert_same(found, reference.nearest(reference.prepare(X, "nan_euclidean"), Q, k))


def test_nan_euclidean_agrees_with_scikit_learn():
    from sklearn.metrics import pairwise

    X = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, np.nan], [0.5, 0.5, np.nan], [7.0, 1.0, 2.0]])
    expected = pairwise.nan_euclidean_distances(X, X)
    distances, indices = brute.nearest(brute.prepare(X, "nan_euclidean"), X, 4)
    np.testing.assert_allclose(np.take_along_axis(expected, indices, 1), distances, atol=1e-12)


def test_haversine():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-np.pi / 2, np.pi / 2, 60), rng.uniform(-np.pi, np.pi, 60)])
    found = brute.nearest(brute.prepare(X, "haversine"), X[:20], 5)
    assert_same(found, reference.nearest(reference.prepare(X, "haversine"), X[:20], 5), exact=False)
    assert_same(
        brute.within_radius(brute.prepare(X, "haversine"), X[:20], 0.7),
        reference.within_radius(reference.prepare(X, "haversine"), X[:20], 0.7),
        exact=False,
    )


def test_precomputed():
    rows = np.array([[3.0, 1.0, 1.0, 2.0], [0.0, 5.0, 4.0, 0.0]])
    index = brute.prepare(np.zeros((4, 4)), "precomputed")
    distances, indices = brute.nearest(index, rows, 3)
    np.testing.assert_array_equal(indices, [[1, 2, 3], [0, 3, 2]])
    np.testing.assert_array_equal(distances, [[1, 1, 2], [0, 0, 4]])
    np.testing.assert_array_equal(brute.within_radius(index, rows, 1.0)[1], [1, 2, 0, 3])


def largest_gap(x, y):
    return np.max(np.abs(x - y)) + 0.25 * np.sum(np.abs(x - y))


@pytest.fixture(scope="module")
def compiled():
    return user_metric.compile_metric(largest_gap)


@few
@given(case=searches())
def test_own_metric(compiled, case):
    X, Q, k = case
    index = brute.prepare(X, compiled)
    X, Q = X.astype(np.float64), Q.astype(np.float64)
    distances, indices = brute.nearest(index, Q, k)
    expected = reference.distances(X, Q, largest_gap)
    np.testing.assert_allclose(np.take_along_axis(expected, indices, 1), distances, rtol=1e-13)
    np.testing.assert_allclose(np.sort(expected, axis=1)[:, :k], distances, rtol=1e-13)


def test_own_metric_compiled_beforehand():
    from numba import njit

    X = np.arange(12.0).reshape(6, 2)
    known = brute.nearest(brute.prepare(X, largest_gap), X, 3)
    assert_same(brute.nearest(brute.prepare(X, njit(largest_gap)), X, 3), known)
    function = user_metric.compile_metric(largest_gap)
    assert user_metric.compile_metric(function) is function


def test_own_metric_that_cannot_be_compiled_is_refused():
    with pytest.raises(ValueError, match=r"metric=by_name cannot be compiled.*precomputed"):
        brute.prepare(np.zeros((2, 2)), by_name)


def by_name(x, y):
    return {"x": x}[str(y)].nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "taxicab"}, "taxicab.*manhattan"),
        ({"metric": 3}, "metric=3 must be a function"),
        ({"metric": "minkowski", "p": 0}, "p=0 must be above 0"),
        ({"metric": "euclidean", "w": [1, 1]}, "w is only for metric='minkowski'"),
    ],
)
def test_unknown_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        brute.prepare(np.zeros((2, 2)), **arguments)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "haversine"])
def test_excluded_point_is_left_out_also_among_duplicates(metric):
    X = np.zeros((9, 2))
    X[5:] = 1
    for m in (9, 1):
        exclude = np.arange(9)[:m]
        found = brute.nearest(brute.prepare(X, metric), X[:m], 8, exclude)
        assert_same(found, reference.nearest(reference.prepare(X, metric), X[:m], 8, exclude), exact=False)
        assert not (found[1] == exclude[:, None]).any()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_threads_do_not_change_a_bit(metric):
    rng = np.random.default_rng(0)
    X, Q = rng.integers(0, 6, (900, 5)) / 10, rng.integers(0, 6, (400, 5)) / 10
    index = brute.prepare(X, metric)
    one = brute.nearest(index, Q, 7, n_jobs=1)
    for n_jobs in (2, 3):
        assert_same(brute.nearest(index, Q, 7, n_jobs=n_jobs), one)
    alone = [brute.nearest(index, Q[q : q + 1], 7) for q in range(0, 400, 37)]
    assert_same([np.concatenate(parts) for parts in zip(*alone, strict=True)], [part[::37] for part in one])


def test_progress_is_reported():
    begun = []
    brute.nearest(brute.prepare(np.zeros((2000, 4)), "manhattan"), np.zeros((2000, 4)), 1, progress=begun.append)
    assert begun[0] == 0
    assert begun == sorted(begun)


def test_read_only_points():
    X = np.arange(20.0).reshape(10, 2)
    X.flags.writeable = False
    assert_same(brute.nearest(brute.prepare(X), X, 3), reference.nearest(reference.prepare(X), X, 3))


@pytest.mark.parametrize("offset", [0, 1e3, 1e6, 1e8])
def test_far_from_the_origin_nothing_is_lost(offset):
    rng = np.random.default_rng(0)
    X = rng.normal(offset, 0.1, (2000, 8))
    exact = np.argsort(reference.reduced_distances(X, X[:40]), axis=1, kind="stable")[:, :5]
    for m in (40, 3):
        np.testing.assert_array_equal(brute.nearest(brute.prepare(X), X[:m], 5)[1], exact[:m])


def test_values_too_large_to_square():
    X = np.array([[1e200, 0.0], [-1e200, 0.0], [1e200, 1.0], [0.0, 0.0]])
    with np.errstate(over="ignore"):
        expected = reference.nearest(reference.prepare(X), X, 4)
    assert_same(brute.nearest(brute.prepare(X), X, 4), expected)
    np.testing.assert_allclose(brute.nearest(brute.prepare(X, "cosine"), X[:1], 2)[0], [[0, 0]], atol=1e-15)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("k", [5, 17, 40])
def test_column_of_weight_zero_takes_no_part_even_where_it_overflows(p, k):
    rng = np.random.default_rng(k)
    X, w = rng.normal(size=(200, 3)), np.array([1.0, 0.0, 2.0])
    X[::2, 1] = 1.7e308
    Q = X[1:30] * [1, -1, 1]
    Q[::3, 1] = -1.7e308
    with np.errstate(over="ignore"):
        expected = reference.nearest(reference.prepare(X, "minkowski", p, w), Q, k)
    assert_same(brute.nearest(brute.prepare(X, "minkowski", p, w), Q, k), expected)
    assert_same(expected, reference.nearest(reference.prepare(X[:, ::2], "minkowski", p, w[::2]), Q[:, ::2], k))


def test_no_point_or_query_of_zeros_has_a_direction():
    X, Q = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])
    distances, indices = brute.nearest(brute.prepare(X, "cosine"), Q, 3)
    np.testing.assert_allclose(distances, [[1, 1, 1], [0, 0, 1]], atol=1e-15)
    np.testing.assert_array_equal(indices, [[0, 1, 2], [1, 2, 0]])


def test_points_beyond_two_to_the_31st_value(tmp_path):
    n, d = 2**26 + 70, 64
    with open(tmp_path / "points", "wb") as file:
        file.truncate(n * d)  # holes: no disk, no memory
    X = np.memmap(tmp_path / "points", np.uint8, "r+", shape=(n, d))
    X[-6:] = np.arange(6)[:, None]
    tile = np.full((d, scan.POINTS), 99.0)
    scan.transpose(np.asarray(X), n - 6, 6, tile)
    np.testing.assert_array_equal(tile[:, :6], np.tile(np.arange(6.0), (d, 1)))
    np.testing.assert_array_equal(tile[:, 6:], 99)
