"""Exact neighbours among sparse rows. Contract: reference/, on the same rows written out in full.

A query meets the points column by column: for each value it has, the points that have one there. That gives the inner
product (or, for Manhattan, what shared columns take off |x| + |q|) and from it an estimate of every distance, off by a
few roundings of float64. Points within that of the k-th are scored as the contract says: differences of both rows
in the order of their columns, where columns that neither has add nothing.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from fastml_ext import pool
from fastml_ext.device.memory import grown
from fastml_ext.device.sorting import insert
from fastml_ext.jit import kernel, kernel_exact
from fastml_ext.neighbors.axes import gamma, rounding

__all__ = ["Rows", "nearest", "rows", "within"]


class Rows(NamedTuple):
    """Sparse rows, and the same values by columns."""

    indptr: np.ndarray  # (n + 1,) int64: where each row's values begin
    columns: np.ndarray  # (nnz,) int64, ascending in each row
    values: np.ndarray  # (nnz,) float32 or float64
    starts: np.ndarray  # (d + 1,) int64: where each column's values begin
    owners: np.ndarray  # (nnz,) int64: the row of each value, by columns
    by_column: np.ndarray  # (nnz,) the values by columns
    shape: tuple  # (n, d)


class Search(NamedTuple):
    """What one search reads. Numba passes it on as its fields."""

    X: Rows
    Q: Rows
    point_sizes: np.ndarray  # (n,) float64: squared length of each point, or for Manhattan the sum of its sizes
    query_sizes: np.ndarray  # (m,) the same of the queries
    exclude: np.ndarray  # (m,) or (0,) int64
    manhattan: bool
    slack: float  # rounding of an estimate, relative to both sizes
    relative: float  # rounding of a sum as the contract has it
    absolute: float


def rows(X, dtype, unit=False, own=0):
    """A SciPy sparse matrix or an array (n, d) as `Rows`; unit: scaled to length 1, as in brute.on_unit_sphere."""
    X = scipy.sparse.csr_array(X, dtype=dtype, copy=True)
    X.sum_duplicates()
    if unit:
        X.eliminate_zeros()  # a row of stored zeros has no direction either
        X = on_unit_sphere(X, own)
    columns = X.tocsc()
    parts = X.indptr, X.indices, X.data, columns.indptr, columns.indices, columns.data
    return Rows(*(part if part.dtype == dtype else part.astype(np.int64) for part in parts), X.shape)


def on_unit_sphere(X, own):
    """Rows of length 1; one of zeros points along a column of its own kind, of which two are added."""
    n, d = X.shape
    owners = np.repeat(np.arange(n), np.diff(X.indptr))
    largest = np.zeros(n, X.dtype)
    np.maximum.at(largest, owners, np.abs(X.data))
    data = np.ldexp(X.data, -np.frexp(largest)[1][owners])  # so that squares neither overflow nor vanish
    length = np.sqrt(np.bincount(owners, data.astype(np.float64) ** 2, minlength=n))
    X = scipy.sparse.csr_array((data / length[owners].astype(X.dtype), X.indices, X.indptr), shape=(n, d + 2))
    zero = np.flatnonzero(length == 0)
    sole = scipy.sparse.csr_array((np.ones(len(zero), X.dtype), (zero, np.full(len(zero), d + own))), shape=X.shape)
    return scipy.sparse.csr_array(X + sole)


def nearest(X, Q, k, exclude, metric, n_jobs=None, progress=None):
    """(reduced distances, indices) of the k nearest points of each query."""
    m = Q.shape[0]
    search = search_of(X, Q, exclude, metric)
    reduced, indices = np.full((m, k), np.inf, Q.values.dtype), np.full((m, k), -1, np.int64)
    pool.run(scan, m, search, reduced, indices, cost=cost_of(X, Q), n_jobs=n_jobs, progress=progress)
    return reduced, indices


def within(X, Q, limit, metric, n_jobs=None, progress=None):
    """[(queries, indices, reduced distances) of a range of queries]: all points at a reduced distance up to `limit`."""
    search = search_of(X, Q, np.empty(0, np.int64), metric)
    return pool.run(gather, Q.shape[0], search, limit, cost=cost_of(X, Q), n_jobs=n_jobs, progress=progress)


def search_of(X, Q, exclude, metric):
    manhattan = metric == "manhattan"
    longest = sum(int(np.diff(rows.indptr).max(initial=0)) for rows in (X, Q))
    slack = 4 * gamma(longest + 4, 2.0**-53)
    every_size = sizes(X, manhattan), sizes(Q, manhattan)
    return Search(X, Q, *every_size, exclude, manhattan, slack, *rounding(Q.values.dtype, longest))


def sizes(rows, manhattan):
    data = rows.values.astype(np.float64)
    owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    with np.errstate(over="ignore"):
        return np.bincount(owners, np.abs(data) if manhattan else data**2, minlength=rows.shape[0])


def cost_of(X, Q):
    (n, d), m = X.shape, max(Q.shape[0], 1)
    return n + len(X.values) / max(d, 1) * len(Q.values) / m


@kernel
def scan(start, stop, search, reduced, indices):
    n, k = len(search.point_sizes), reduced.shape[1]
    totals = np.empty(n)
    for q in range(start, stop):
        reduced_q, indices_q = reduced[q], indices[q]
        left_out = search.exclude[q] if len(search.exclude) else -1
        estimate(search, q, totals)
        loose = np.inf
        for i in range(n):
            if totals[i] - search.slack * (search.point_sizes[i] + search.query_sizes[q]) > loose or i == left_out:
                continue
            s = distance(search, i, q)
            if s < reduced_q[k - 1] or indices_q[k - 1] < 0:
                insert(s, i, reduced_q, indices_q)
                loose = reduced_q[k - 1] * (1 + search.relative) + search.absolute


@kernel
def gather(start, stop, search, limit):
    n = len(search.point_sizes)
    totals = np.empty(n)
    queries, indices, used = np.empty(64, np.int64), np.empty(64, np.int64), 0
    reduced = np.empty(64, search.X.values.dtype)
    loose = limit * (1 + search.relative) + search.absolute
    for q in range(start, stop):
        estimate(search, q, totals)
        for i in range(n):
            if totals[i] - search.slack * (search.point_sizes[i] + search.query_sizes[q]) > loose:
                continue
            s = distance(search, i, q)
            if s <= limit:
                if used == len(queries):
                    room = 2 * used
                    queries, indices, reduced = grown(queries, room), grown(indices, room), grown(reduced, room)
                queries[used], indices[used], reduced[used] = q, i, s
                used += 1
    return queries[:used], indices[:used], reduced[:used]


@kernel
def estimate(search, q, totals):
    """Reduced distances of all points from query q, in float64 and up to rounding."""
    X, Q = search.X, search.Q
    for i in range(len(totals)):
        totals[i] = search.point_sizes[i] + search.query_sizes[q]
    for t in range(Q.indptr[q], Q.indptr[q + 1]):
        value, column = np.float64(Q.values[t]), Q.columns[t]
        for s in range(X.starts[column], X.starts[column + 1]):
            other = np.float64(X.by_column[s])
            if search.manhattan:
                totals[X.owners[s]] += abs(other - value) - abs(other) - abs(value)
            else:
                totals[X.owners[s]] -= 2 * (value * other)


@kernel_exact
def distance(search, i, q):
    """Reduced distance of point i and query q: the columns that either has, in order."""
    X, Q = search.X, search.Q
    total, zero = Q.values.dtype.type(0), Q.values.dtype.type(0)
    s, s_end, t, t_end = X.indptr[i], X.indptr[i + 1], Q.indptr[q], Q.indptr[q + 1]
    while s < s_end or t < t_end:
        here = X.columns[s] if s < s_end else X.shape[1]
        there = Q.columns[t] if t < t_end else X.shape[1]
        x = X.values[s] if here <= there else zero
        y = Q.values[t] if there <= here else zero
        total += abs(x - y) if search.manhattan else (x - y) * (x - y)
        s += here <= there
        t += there <= here
    return total
