"""Bins by definition: where a number lies among cuts, and what is written for it.

Every column j of X has its own ascending cuts, cuts[starts[j] : starts[j + 1]], k of them. The place of a number x is
how many of them are below x, so place p stands for the interval cut[p - 1] < x <= cut[p]; the place of NaN is k + 1.
What belongs to place p of column j stands at starts[j] + 2 j + p in `values`, `begins` and `ends`.
"""

import math

import numpy as np

__all__ = ["fill_spans", "list_spans", "look_up"]


def place(x, cuts):
    return len(cuts) + 1 if math.isnan(x) else sum(cut < x for cut in cuts)


def places(X, cuts, starts):
    """(n, d): where each number of X finds what belongs to its place."""
    found = np.empty(X.shape, np.int64)
    for (i, j), x in np.ndenumerate(X):
        found[i, j] = starts[j] + 2 * j + place(x, cuts[starts[j] : starts[j + 1]])
    return found


def look_up(X, cuts, starts, values):
    """(n, d): the value of each number's place, which makes a piecewise constant function of each column.

    X (n, d), cuts (starts[d],), values (starts[d] + 2 d,) float32 or float64, all alike, X may hold NaN | starts
    (d + 1,) int64 from 0 on | the result has the dtype of X
    """
    return values[places(X, cuts, starts)]


def fill_spans(X, cuts, starts, begins, ends, n_columns):
    """(n, n_columns) of the dtype of X: ones in columns begins[p] up to before ends[p], p each number's place.

    begins, ends (starts[d] + 2 d,) int64, 0 <= begin, end <= n_columns; none where begin >= end | the rest as in
    `look_up`
    """
    found, out = places(X, cuts, starts), np.zeros((len(X), n_columns), X.dtype)
    for (i, _), p in np.ndenumerate(found):
        out[i, begins[p] : ends[p]] = 1
    return out


def list_spans(X, cuts, starts, begins, ends):
    """(indptr, indices) of the ones of `fill_spans` as a CSR matrix: columns in the order of the numbers of a row.

    indptr (n + 1,) and indices are int32, or int64 where there are 2**31 ones or more
    """
    indptr, indices = [0], []
    for row in places(X, cuts, starts):
        indices += [column for p in row for column in range(begins[p], ends[p])]
        indptr.append(len(indices))
    dtype = np.int32 if indptr[-1] < 2**31 else np.int64
    return np.array(indptr, dtype), np.array(indices, dtype)
