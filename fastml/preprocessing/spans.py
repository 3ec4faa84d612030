"""What the kernels are given: where the columns are cut, and which columns of the result an interval fills."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from fastml_ext import features as kernels

__all__ = ["Spans", "cut_below", "pack", "representable"]


class Spans(NamedTuple):
    """Cuts of every column end to end, and for each place between them the columns [begin, end) that get a one.

    fastml_ext/features/reference/bins.py says which place a number has.
    """

    cuts: np.ndarray  # of the dtype of X
    starts: np.ndarray  # (d + 1,) int64
    begins: np.ndarray  # (len(cuts) + 2 d,) int64
    ends: np.ndarray
    n_columns: int

    def fill(self, X, n_jobs=None):
        """Dense rows of ones."""
        return kernels.fill_spans(X, self.cuts, self.starts, self.begins, self.ends, self.n_columns, n_jobs)

    def list(self, X, n_jobs=None):
        """The same as a CSR matrix."""
        indptr, indices = kernels.list_spans(X, self.cuts, self.starts, self.begins, self.ends, n_jobs)
        made = csr_matrix((np.ones(len(indices), X.dtype), indices, indptr), shape=(len(X), self.n_columns), copy=False)
        made.has_sorted_indices = made.has_canonical_format = True  # columns of X come in order, and so do their bins
        return made

    def values(self, X, table, n_jobs=None):
        """For each number of X what the table has at its place; the table is as long as `begins`, of the dtype of X."""
        return kernels.look_up(X, self.cuts, self.starts, table, n_jobs)


def pack(cuts, begins, ends, n_columns, dtype):
    """Spans from arrays a column: cuts as float64 that may be rounded down, begins and ends one for each place."""
    starts = np.zeros(len(cuts) + 1, np.int64)
    np.cumsum([len(c) for c in cuts], out=starts[1:])
    flat = representable(np.concatenate([*cuts, np.empty(0)]), dtype)
    begin, end = (np.concatenate(parts).astype(np.int64) for parts in (begins, ends))
    return Spans(flat, starts, begin, end, n_columns)


def representable(cuts, dtype):
    """Cuts as numbers of that dtype that part its numbers in the same way: x > cut is x > the result."""
    with np.errstate(over="ignore"):
        rounded = cuts.astype(dtype)
    return np.where(rounded > cuts, np.nextafter(rounded, dtype.type(-np.inf)), rounded).astype(dtype, copy=False)


def cut_below(edges, dtype):
    """Cuts by which x > cut is x >= edge, for numbers of that dtype."""
    return np.nextafter(edges.astype(dtype), dtype.type(-np.inf)).astype(np.float64)
