"""Sparse rows against the definition on the same rows written out in full, and against the dense search."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.neighbors import brute, reference

METRICS = ["euclidean", "manhattan", "cosine"]


@st.composite
def searches(draw):
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    n, m, d = draw(st.integers(1, 40)), draw(st.integers(1, 10)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**30)))
    table = rng.integers(-3, 4, (n + m, d)) * draw(st.sampled_from([1.0, 0.1, 1e3]))
    table[rng.random(table.shape) < draw(st.sampled_from([0.3, 0.8, 1.0]))] = 0
    table = table.astype(dtype)
    return scipy.sparse.csr_array(table[:n]), scipy.sparse.csr_array(table[n:]), draw(st.integers(1, n))


@pytest.mark.parametrize("metric", METRICS)
@given(case=searches())
def test_nearest_bit_for_bit(metric, case):
    X, Q, k = case
    found = brute.nearest(brute.prepare(X, metric), Q, k)
    expected = reference.nearest(reference.prepare(X, metric), Q, k)
    dense = brute.nearest(brute.prepare(X.toarray(), metric), Q.toarray(), k)
    for a, b, c in zip(found, expected, dense, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize("metric", METRICS)
@given(case=searches(), at=st.integers(0, 10**6))
def test_within_radius(metric, case, at):
    X, Q, _ = case
    known = reference.distances(X, Q, metric).ravel()
    r = known[at % len(known)]
    found = brute.within_radius(brute.prepare(X, metric), Q, r)
    for a, b in zip(found, reference.within_radius(reference.prepare(X, metric), Q, r), strict=True):
        np.testing.assert_array_equal(a, b)


def test_excluded_point_is_left_out():
    X = scipy.sparse.csr_array(np.eye(6)[[0, 0, 0, 1, 1, 2]])
    found = brute.nearest(brute.prepare(X), X, 3, np.arange(6))
    expected = reference.nearest(reference.prepare(X), X, 3, np.arange(6))
    np.testing.assert_array_equal(found[1], expected[1])


def test_unsorted_columns_and_stored_zeros_change_nothing():
    X = scipy.sparse.csr_array((np.array([2.0, 1.0, 0.0]), np.array([2, 0, 1]), np.array([0, 2, 3])), shape=(2, 3))
    found = brute.nearest(brute.prepare(X), X, 2)
    expected = reference.nearest(reference.prepare(X), X, 2)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(X.indices, [2, 0, 1])  # what was handed in is not touched


def test_metric_that_sparse_rows_cannot_have_is_refused():
    with pytest.raises(ValueError, match=r"chebyshev.*sparse.*toarray"):
        brute.prepare(scipy.sparse.csr_array(np.eye(3)), "chebyshev")
