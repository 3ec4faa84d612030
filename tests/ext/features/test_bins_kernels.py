"""Kernels of bins against the definition: ties with cuts, NaN, any number of threads, rows beyond 2**31."""

import mmap
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.features import bins, cases, reference

DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def tables(draw, one_each=None):
    """(X, cuts, starts, begins, ends): numbers on cuts and beside them, NaN, columns without a cut."""
    dtype, n, d = draw(DTYPES), draw(st.integers(0, 30)), draw(st.integers(1, 4))
    numbers = st.sampled_from([-1e30, -1.5, -1.0, -0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 3.25, 1e30, np.nan])
    X = np.array(draw(st.lists(numbers, min_size=n * d, max_size=n * d)), dtype).reshape(n, d)
    each = [
        np.unique(np.array(draw(st.lists(st.sampled_from([-1.0, 0.0, 0.1, 0.5, 2.0, 7.0]))), dtype)) for _ in range(d)
    ]
    starts = np.cumsum([0, *map(len, each)], dtype=np.int64)
    places = int(starts[-1]) + 2 * d
    begins = np.array(draw(st.lists(st.integers(0, 6), min_size=places, max_size=places)), np.int64)
    lengths = (
        1 if draw(st.booleans()) else np.array(draw(st.lists(st.integers(-1, 3), min_size=places, max_size=places)))
    )
    return X, np.concatenate(each), starts, begins, np.maximum(begins + lengths, 0)


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(table=tables())
def test_spans(table):
    assert_same([bins.fill_spans(*table, 9)], [reference.fill_spans(*table, 9)])
    assert_same(bins.list_spans(*table), reference.list_spans(*table))


@given(table=tables())
def test_look_up(table):
    X, cuts, starts, begins, _ = table
    values = np.linspace(-1, 1, len(begins)).astype(X.dtype)
    assert_same([bins.look_up(X, cuts, starts, values)], [reference.look_up(X, cuts, starts, values)])


def test_any_number_of_threads_gives_the_same():
    random = np.random.default_rng(0)
    X, cuts = random.random((60_000, 3)), np.sort(random.random((3, 30)), axis=1).ravel()
    starts, begins = np.array([0, 30, 60, 90]), np.arange(96)
    ends = begins + (begins % 3)
    one, many = (bins.list_spans(X, cuts, starts, begins, ends, n_jobs) for n_jobs in (1, 4))
    assert_same(one, many)
    dense = bins.fill_spans(X, cuts, starts, begins, ends, 98, 4)
    assert_same([dense], [bins.fill_spans(X, cuts, starts, begins, ends, 98, 1)])
    rebuilt = np.zeros_like(dense)
    np.add.at(rebuilt, (np.repeat(np.arange(len(X)), np.diff(one[0])), one[1]), 1)
    np.testing.assert_array_equal(rebuilt > 0, dense > 0)


FAR = 2**31 + 7


def unreserved(shape, dtype):
    """Zeros that take memory only where they are touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # MAP_NORESERVE
    return np.frombuffer(mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize, flags=flags), dtype).reshape(
        shape
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is mapped without being reserved")
def test_rows_and_ones_beyond_2_to_the_31st():
    X, wide = unreserved((FAR, 1), np.float32), unreserved((FAR, 2), np.float32)
    X[-2:, 0] = [0.5, 3.0]
    cuts, starts, begins = np.array([1.0], np.float32), np.array([0, 1]), np.array([0, 1, 0])
    bins._fill(FAR - 2, FAR, X, cuts, starts, begins, begins + 1, wide)
    np.testing.assert_array_equal(wide[-3:], [[0, 0], [1, 0], [0, 1]])
    bins._look_up(FAR - 2, FAR, X, cuts, starts, np.array([5, 6, 7], np.float32), X)
    np.testing.assert_array_equal(X[-3:, 0], [0, 5, 6])
    indptr, indices = unreserved(FAR + 1, np.int64), unreserved(FAR, np.int64)
    indptr[-3:] = [FAR - 2, FAR - 1, FAR]
    bins._list(FAR - 2, FAR, X, np.array([5.5], np.float32), starts, begins, begins + 1, indptr, indices)
    np.testing.assert_array_equal(indices[-3:], [0, 0, 1])
    bins._count(FAR - 2, FAR, X, np.array([5.5], np.float32), starts, np.array([1, 2, 3]), indptr)
    np.testing.assert_array_equal(indptr[-3:], [FAR - 2, 1, 2])


def test_indices_have_64_bits_where_32_are_too_few():
    assert bins.index_dtype(2**31 - 1) == np.int32
    assert bins.index_dtype(2**31) == np.int64


def test_the_inputs_of_verify_are_tried():
    for name in ("look_up", "fill_spans", "list_spans"):
        assert getattr(cases, name)(bins, np.random.default_rng(0)) is not None
