"""Columns made fit for solvers: where they stand, how far they spread, and those that stand far from 0 moved there."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from fastml_ext import linear as kernels

__all__ = [
    "NO_WEIGHT",
    "SMALLEST",
    "Columns",
    "Joined",
    "column_scales",
    "joined_constants",
    "moved_columns",
    "refuse_huge",
    "spread_rows",
    "used_columns",
]

ENOUGH_ROWS = 4_000  # spread over the table, these tell well enough where a column stands
SMALLEST = {4: 2.0**-120, 8: 2.0**-500}  # a column below it is all but 0, and 1 / its size, or the square, infinite
FAR = {4: 1e2, 8: 1e4}  # by the bytes of a number: a mean of so many spreads costs too many of its digits
FEW = 5_000  # columns of which it does not matter how many are empty
LONGEST = 1e4  # times the rows' length is as much as free of a penalty
NO_WEIGHT = np.empty(0)


class Columns(NamedTuple):
    """X moved by `shift`: the very X where no column stands far from 0."""

    X: object  # (n, d): the given X - shift, and 0 in constant columns
    shift: np.ndarray  # (d,), exact in the dtype of X; 0 where a column was left where it is
    centre: np.ndarray  # (d,): about the means of X as it is here; 0 for sparse X
    scale: np.ndarray  # (d,): 1 / spread; 1 for a constant column
    sums: np.ndarray | None = None  # of sparse X as it is here, as kernels.column_sums


def moved_columns(X, weight=NO_WEIGHT, far=None):
    """The columns of X as solvers with a free intercept want them; rows of weight 0 are not looked at.

    A constant column, judged by its spread beside its own size before anything is subtracted, becomes exactly 0, and so
    does its weight. A column that stands far from 0 is moved by a number near its mean: the differences are exact, and
    no digit is lost to the offset. CSR columns are moved where every row stores a value. far: from so many spreads on a
    column stands far from 0
    """
    if sp.issparse(X):
        return moved_sparse(X, weight)
    mean, spread = mean_and_spread(X, weight)
    size = np.abs(mean)
    constant = spread <= np.finfo(X.dtype).eps * size
    far = size > (far or FAR[X.dtype.itemsize]) * spread
    scale = 1.0 / np.where(constant, 1.0, np.maximum(spread, SMALLEST[X.dtype.itemsize]))
    if not far.any():
        return Columns(X, np.zeros(X.shape[1]), mean, scale)
    shift = np.where(far, mean, 0.0).astype(X.dtype)
    X = X - shift
    X[:, constant] = 0.0
    return Columns(X, shift.astype(float), np.where(constant, 0.0, mean - shift), scale)


def moved_sparse(X, weight):
    d, sums = X.shape[1], kernels.column_sums(X, weight)
    scale = 1.0 / root_mean_squares(X, sums)
    full = np.flatnonzero(sums[:, 0] == X.shape[0])
    shift = np.zeros(d)
    if len(full):
        part = moved_columns(X[:, full].toarray(), weight, far=10.0)  # centring subtracts sums of squares there
        shift[full] = part.shift
        if part.shift.any():
            place = np.full(d, -1)
            place[full] = np.arange(len(full))
            rows, at = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), place[X.indices]
            values = X.data.copy()
            values[at >= 0] = part.X[rows[at >= 0], at[at >= 0]]
            X = sp.csr_matrix((values, X.indices, X.indptr), X.shape)
            sums = kernels.column_sums(X, weight)
            scale = 1.0 / root_mean_squares(X, sums)
    return Columns(X, shift, np.zeros(d), scale, sums)


def used_columns(X):
    """(a sparse X without the columns that hold no value, the places of the others), or (X, None) where most hold some.

    Of hashed words many columns stay empty: each would cost room and time in every vector of weights.
    """
    n, d = X.shape
    if not sp.issparse(X) or d < FEW or X.nnz > 8 * d:
        return X, None
    used = np.flatnonzero(np.bincount(X.indices, minlength=d))
    if len(used) > 0.8 * d or not len(used):
        return X, None
    place = np.zeros(d, X.indices.dtype)
    place[used] = np.arange(len(used))
    return type(X)((X.data, place[X.indices], X.indptr), shape=(n, len(used))), used


class Joined(NamedTuple):
    """Rows whose constant columns stand in one with the intercept's: the same scores, at the same price of weights."""

    X: object  # (n, d): 0 in constant columns
    bias: float  # value of the one column that holds them all; no larger than solvers can bear
    shares: np.ndarray  # (d + 1,): of its score, what each column brings, the intercept's the last
    sizes: np.ndarray  # (d + 1,): their values

    def weights(self, W):
        """(coef (k, d), intercept (k,)) of weights (k, d + 1) of these rows."""
        scores = self.bias * W[:, -1:]
        joined = np.divide(scores * self.shares, self.sizes, out=np.zeros(W.shape), where=self.sizes != 0)
        return W[:, :-1] + joined[:, :-1], (scores * self.shares)[:, -1]

    def point(self, coef, intercept):
        """W (k, d + 1) of weights as `weights` gives them."""
        constant = self.sizes[:-1] != 0
        scores = intercept + coef @ self.sizes[:-1]
        return np.column_stack([np.where(constant, 0.0, coef), scores / self.bias if self.bias else scores])


def joined_constants(X, bias, cost):
    """`Joined`: with a constant column of 1e15, say, the systems of a support vector machine have no digits left.

    A column of so many row lengths costs so little of the penalty that a larger one would change no digit that counts;
    and so little of what all losses cost.
    """
    values = np.zeros(X.shape[1])
    if sp.issparse(X):
        full = np.flatnonzero(np.bincount(X.indices, minlength=X.shape[1]) == X.shape[0])
        part = X[:, full].toarray()
        values[full] = np.where((part == part[:1]).all(axis=0), part[0], 0.0) if len(full) else 0.0
        X = X.copy()
        X.data[values[X.indices] != 0] = 0.0
        with np.errstate(over="ignore"):  # the dual refuses such rows, with their place
            squares = np.bincount(np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.data.astype(float) ** 2)
    else:
        values[:] = np.where((X == X[:1]).all(axis=0), X[0], 0.0)
        X = np.where(values != 0, X.dtype.type(0), X)
        squares = np.einsum("ij,ij->i", X, X, dtype=float)
    sizes = np.append(values, bias)
    largest = np.abs(sizes).max()
    length = np.linalg.norm(sizes / largest) if largest else 1.0
    shares = (sizes / (largest or 1.0) / length) ** 2
    longest = LONGEST * max(np.sqrt(squares.mean()), 1.0, cost**-0.5)
    return Joined(X, float(longest if largest > longest / length else largest * length), shares, sizes)


def column_scales(X, weight=NO_WEIGHT):
    """1 / the root of the mean square of each column, (d,): scales of columns left where they are; 1 for zeros."""
    if sp.issparse(X):
        return 1.0 / root_mean_squares(X, kernels.column_sums(X, weight))
    mean, spread = mean_and_spread(X, weight)
    size = np.hypot(mean, spread)
    return 1.0 / np.where(size > 0, np.maximum(size, SMALLEST[X.dtype.itemsize]), 1.0)


def mean_and_spread(X, weight):
    """(mean, root mean square distance from it) of the columns of dense X, (d,) each, seen from one of its rows."""
    n = X.shape[0]
    counted = len(weight) > 0 and not weight.all()
    at = np.flatnonzero(weight) if counted else spread_rows(n, ENOUGH_ROWS)
    if len(at) == n:
        rows = X.astype(float)
    else:
        rows = X[at[spread_rows(len(at), ENOUGH_ROWS)] if counted else at].astype(float)
    first = rows[0].copy()
    with np.errstate(over="ignore", invalid="ignore"):
        rows -= first  # exact for values near one another: a constant column is 0 from here on
        mean = np.add.reduce(rows, axis=0) / len(rows)
        rows -= mean
        spread = np.sqrt(np.einsum("ij,ij->j", rows, rows) / len(rows))
        unseen = spread == 0  # constant in these rows, though perhaps not in all
        if len(rows) < n and unseen.any():
            others = np.abs(X[:, unseen] - (first + mean)[unseen])
            spread[unseen] = (others[weight > 0] if counted else others).max(axis=0, initial=0)
    if not np.isfinite(spread).all():
        refuse_huge(X)
    return first + mean, spread


def spread_rows(n, most):
    """About `most` of the places 0 to n - 1, ascending: one at random in each of as many stretches, so that neither a
    sorted nor a periodic table is seen by one side only; all of them where there are no more than twice as many."""
    step = n // most
    if step < 2:
        return np.arange(n)
    return np.arange(0, n - step + 1, step) + np.random.default_rng(0).integers(step, size=n // step)


def root_mean_squares(X, sums):
    """Of the columns of CSR X, by their sums; 1 for a column of zeros."""
    squares = sums[:, 3]
    if not np.isfinite(squares).all():
        refuse_huge(X)
    return np.where(squares > 0, np.maximum(np.sqrt(squares / X.shape[0]), SMALLEST[X.dtype.itemsize]), 1.0)


def refuse_huge(X):
    """Say where the largest value of X, dense or CSR, stands: called once a sum has overflowed."""
    values = np.abs(X.data if sp.issparse(X) else X)
    at = int(values.argmax())
    if sp.issparse(X):
        row, column = int(np.searchsorted(X.indptr, at, side="right")) - 1, int(X.indices[at])
    else:
        row, column = divmod(at, X.shape[1])
    raise ValueError(
        f"X[{row}, {column}] is {X[row, column]:.4g}, and sums of squares of such values are beyond the largest"
        f" {X.dtype}: divide column {column}, or scale the columns of X (sklearn.preprocessing), first"
    )
