"""PiecewiseConstant: columns of numbers as indicators of the bin they lie in."""

from itertools import pairwise
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _check_feature_names_in, check_array
from fastml.base import NO_TARGET, Estimator, Interval, StrOptions, check_weight
from fastml.preprocessing import edges as sources
from fastml.preprocessing.base import MOST_PARTS, ColumnMap
from fastml.preprocessing.spans import cut_below, pack

__all__ = ["PiecewiseConstant"]

SUPERVISED = ("mdl", "tree")


class PiecewiseConstant(ColumnMap):
    """Cut each column into bins, and say by a 1 which bin a number lies in.

    A linear model over the result is a step function of each column.

    Parameters
    ----------
    n_bins : int or array-like of shape (n_features,), default=5
        Bins of each column for "uniform" and "quantile" (equal quantiles make fewer; an extreme that holds many rows
        has a bin of its own), the most leaves for "tree"; "mdl" finds their number, and `edges` states it. Up to 2**20.
    strategy : {"quantile", "uniform", "mdl", "tree"}, default="quantile"
        Bins of equal weight, of equal width, cut where the classes of y differ by entropy and minimum description
        length, or at the thresholds of a tree; the last two need y.
    edges : array-like, list of array-like of shape (n_features,), or dict, default=None
        The ascending edges themselves, outermost ones included, instead of a strategy: one array for all columns, one
        for each, or one for each name of a column. Infinite ones may come first and last. Taken in the dtype of X.
    closed : {"right", "left"}, default="right"
        Which edge belongs to a bin: "right" is (a, b], "left" is [a, b), as in scikit-learn's KBinsDiscretizer.
    missing : {"auto", "bin", "zero", "error"}, default="auto"
        What becomes of NaN: a bin of its own in columns where some are missing in fit, and elsewhere an error; a bin in
        every column; no bin, so that all its indicators are 0; an error.
    outside : {"clip", "bin", "zero", "error"}, default="clip"
        What becomes of numbers outside the outermost edges: the first or last bin, a bin below and one above, no bin,
        an error. Where the edges were found from data they hold the smallest and the largest number too.
    encode : {"onehot-dense", "onehot", "ordinal"}, default="onehot-dense"
        Indicators as an array, as a CSR matrix, or the number of the bin in place of the number.
    tree : estimator of fastml.tree, default=None
        For "tree": the tree to grow on each column, or a fitted one, whose thresholds are taken. None for entropy or
        squared error and `n_bins` leaves.
    n_jobs : int, default=None
        Threads; None for all that this process may use.

    Attributes
    ----------
    bin_edges_ : ndarray of shape (n_features,) of ndarray
        Ascending edges of each column, float64. Two equal ones at an end stand for the rows that hold that very number,
        where a quantile is the smallest or the largest value; those of a constant column for all rows.
    n_bins_ : ndarray of shape (n_features,)
        Bins of each column between its edges.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    References
    ----------
    Fayyad and Irani (1993), Multi-interval discretization of continuous-valued attributes for classification learning.

    Examples
    --------
    >>> from fastml.preprocessing import PiecewiseConstant
    >>> phi = PiecewiseConstant(edges=[0, 1, 2, 3, 4, 5]).fit([[1.0], [4.0]])
    >>> phi.transform([[2.3], [2.0]])
    array([[0., 0., 1., 0., 0.],
           [0., 1., 0., 0., 0.]])
    >>> phi.get_feature_names_out().tolist()
    ['x0 <= 1', '1 < x0 <= 2', '2 < x0 <= 3', '3 < x0 <= 4', 'x0 > 4']
    """

    _parameter_constraints = {
        "n_bins": [Interval(Integral, 1, MOST_PARTS, closed="both"), "array-like"],
        "strategy": [StrOptions({"quantile", "uniform", "mdl", "tree"})],
        "edges": ["array-like", dict, None],
        "closed": [StrOptions({"right", "left"})],
        "missing": [StrOptions({"auto", "bin", "zero", "error"})],
        "outside": [StrOptions({"clip", "bin", "zero", "error"})],
        "encode": [StrOptions({"onehot-dense", "onehot", "ordinal"})],
        "tree": [Estimator, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_bins: Any = 5,
        *,
        strategy: str = "quantile",
        edges: Any = None,
        closed: str = "right",
        missing: str = "auto",
        outside: str = "clip",
        encode: str = "onehot-dense",
        tree: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_bins = n_bins
        self.strategy = strategy
        self.edges = edges
        self.closed = closed
        self.missing = missing
        self.outside = outside
        self.encode = encode
        self.tree = tree
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Find the edges.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers, NaN where missing.
        y : array-like of shape (n_samples,), default=None
            Labels for "mdl"; labels or numbers for "tree"; else ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights: 2 is as good as having the row twice, 0 as not having it. None for 1 each.

        Returns
        -------
        self
            The fitted transformer.
        """
        X, y, weight = self._check_training(X, y, sample_weight)
        self._with_bin = self._holes if self.missing == "auto" else np.full(X.shape[1], self.missing == "bin")
        found = self._find_edges(X, y, weight)
        self.bin_edges_ = np.empty(len(found), object)
        self.bin_edges_[:] = found
        self.n_bins_ = np.array([len(e) - 1 for e in found])
        self._centres = [self._representatives(j, X[:, j]) for j in range(len(found))]
        self._lay_out()
        self._allow_nan = self.missing in ("bin", "zero") or bool(self._with_bin.any())
        return self

    def _check_training(self, X, y, sample_weight):
        supervised = self.edges is None and self.strategy in SUPERVISED and not hasattr(self.tree, "tree_")
        if supervised and y is None:
            raise ValueError(f"strategy={self.strategy!r} requires y to be passed, but the target y is None")
        checked = self._check_fit(X, y if supervised else NO_TARGET, allow_nan=self.missing != "error")
        X, y = checked if supervised else (checked, None)
        if self.encode == "ordinal" and "zero" in (self.missing, self.outside):
            name = "missing" if self.missing == "zero" else "outside"
            raise ValueError(f"{name}='zero' leaves all indicators 0, but encode='ordinal' has none: use {name}='bin'")
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, len(X))
            kept = sample_weight > 0
            if not kept.all():
                X, y, sample_weight = X[kept], None if y is None else y[kept], sample_weight[kept]
        self._holes = np.isnan(X.min(axis=0))
        empty = self._holes & np.isnan(X).all(axis=0) if self._holes.any() else self._holes
        if empty.any():
            raise ValueError(f"the column {self._names()[empty.argmax()]!r} of X is missing in every row: leave it out")
        return X, y, sample_weight

    def _find_edges(self, X, y, weight):
        if self.edges is not None:
            return sources.given_edges(self.edges, self._names(), X.dtype)
        n_bins = self._each_n_bins(X.shape[1])
        if self.strategy == "mdl":
            return sources.description_length_edges(X, y, weight, self.n_jobs)
        if self.strategy == "tree":
            return sources.tree_edges(X, y, weight, n_bins, self.tree, self.n_jobs)
        columns = [(X[:, j], weight) for j in range(X.shape[1])]
        if self._holes.any():
            columns = [present(x, w) for x, w in columns]
        find = sources.uniform_edges if self.strategy == "uniform" else sources.quantile_edges
        return find(columns, n_bins, self.n_jobs, self.closed)

    def _each_n_bins(self, d):
        """(d,) int64: the bins asked for in each column."""
        least = 2 if self.strategy == "tree" else 1
        n_bins = np.broadcast_to(self.n_bins, d) if np.ndim(self.n_bins) == 0 else np.asarray(self.n_bins)
        if (
            n_bins.shape != (d,)
            or n_bins.dtype.kind not in "iu"
            or not ((least <= n_bins) & (n_bins <= MOST_PARTS)).all()
        ):
            raise ValueError(
                f"n_bins={self.n_bins!r} for {d} columns: give one whole number from {least} to {MOST_PARTS}, or one"
                " for each column"
            )
        return n_bins.astype(np.int64)

    # ------------------------------------------------------------------------------------------------ layout

    def _cuts(self, j):
        """The edges of column j as numbers that are below just what belongs on their right."""
        edges, dtype = self.bin_edges_[j], self._dtype
        inner = edges[1:-1] if self.closed == "right" else cut_below(edges[1:-1], dtype)
        if self.outside == "clip":
            return inner
        low, high = edges[0], edges[-1]
        if self.closed == "left" or self.edges is None:
            low = cut_below(np.array([low]), dtype)[0]
        if self.closed == "left" and self.edges is not None:
            high = cut_below(np.array([high]), dtype)[0]
        return np.array([low, *inner, high])

    def _lay_out(self):
        """Which columns of the result belong to each place: below, the bins, above, missing."""
        cuts, begins, ends, codes, end = [], [], [], [], 0
        for j, k in enumerate(self.n_bins_):
            bins = np.arange(k)
            if self.outside == "bin":
                bins = np.arange(k + 2)
            elif self.outside != "clip":
                bins = np.array([-1, *bins, -1])
            width = bins.max() + 1
            slots = np.append(bins, width if self._with_bin[j] else -1)
            cuts.append(self._cuts(j))
            begins.append(np.where(slots >= 0, end + slots, 0))
            ends.append(np.where(slots >= 0, end + slots + 1, 0))
            codes.append(slots)
            end += width + self._with_bin[j]
        self._spans = pack(cuts, begins, ends, int(end), self._dtype)
        self._codes = np.concatenate(codes).astype(self._dtype)

    def _representatives(self, j, x):
        """The number that stands for each column of the result of column j of X, which is x."""
        edges = self.bin_edges_[j].copy()
        if not np.isfinite(edges[0]):
            edges[0] = min(np.nanmin(x), edges[1]) if np.isfinite(edges[1]) else np.nanmin(x)
        if not np.isfinite(edges[-1]):
            edges[-1] = max(np.nanmax(x), edges[-2])
        centres = sources.middle(edges[:-1], edges[1:])
        around = [edges[:1], centres, edges[-1:]] if self.outside == "bin" else [centres]
        return np.concatenate([*around, [np.nan] * int(self._with_bin[j])])

    # ------------------------------------------------------------------------------------------------ use

    def transform(self, X: Any) -> Any:
        """The bins of the rows of X.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers, NaN where missing.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out), of the dtype of the X that was fitted
        """
        X = self._check_rows(X)
        self._refuse(X)
        if self.encode == "onehot":
            return self._spans.list(X, self.n_jobs)
        if self.encode == "ordinal":
            return self._spans.values(X, self._codes, self.n_jobs)
        return self._spans.fill(X, self.n_jobs)

    def _refuse(self, X):
        """Name the first number of X that has no bin where it must have one."""
        if self.missing == "auto" and self._allow_nan:
            for j in np.flatnonzero(~self._with_bin).tolist():
                if np.isnan(X[:, j]).any():
                    raise ValueError(
                        f"X[{np.isnan(X[:, j]).argmax()}, {j}] is NaN, but the column {self._names()[j]!r} had none"
                        " missing in fit and has no bin for it: use missing='bin' or missing='zero'"
                    )
        if self.outside == "error":
            for j in range(X.shape[1]):
                cuts = self._spans.cuts[self._spans.starts[j] : self._spans.starts[j + 1]]
                out = (X[:, j] <= cuts[0]) | (X[:, j] > cuts[-1])
                if out.any():
                    row, edges = int(out.argmax()), self.bin_edges_[j]
                    raise ValueError(
                        f"X[{row}, {j}] is {X[row, j]}, outside the edges {edges[0]:g} to {edges[-1]:g} of the column"
                        f" {self._names()[j]!r}: use outside='clip', 'bin' or 'zero'"
                    )

    def inverse_transform(self, X: Any) -> Any:
        """The middle of the bin for each number; an outer edge beyond the edges, NaN for a missing one or no bin.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features_out)
            What `transform` gives.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        widths = [len(c) for c in self._centres]
        expected = len(widths) if self.encode == "ordinal" else sum(widths)
        if X.shape[1] != expected:
            raise ValueError(f"X has {X.shape[1]} columns, but transform gives {expected}")
        out = np.full((X.shape[0], len(widths)), np.nan, self._dtype)
        if self.encode == "ordinal":
            for j, centres in enumerate(self._centres):
                codes = X[:, j].astype(np.int64)
                if (codes != X[:, j]).any() or codes.min() < 0 or codes.max() >= len(centres):
                    raise ValueError(f"column {j} of X must hold numbers of bins, from 0 to {len(centres) - 1}")
                out[:, j] = centres[codes]
            return out
        rows, columns = X.nonzero() if issparse(X) else np.nonzero(X)
        out[rows, np.repeat(np.arange(len(widths)), widths)[columns]] = np.concatenate(self._centres)[columns]
        return out

    # ------------------------------------------------------------------------------------------------ names

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """The bins in words, such as "1 < x0 <= 2"; the columns' own names for encode="ordinal".

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns of X; None for those of the fitted frame, or x0, x1, ...
        """
        check_is_fitted(self, "n_features_in_")
        names = _check_feature_names_in(self, input_features)
        if self.encode == "ordinal":
            return np.asarray(names, object)
        return np.array([out for j, name in enumerate(names) for out in self._bin_names(j, name)], object)

    def _bin_names(self, j, name):
        edges = [f"{edge:.12g}" for edge in self.bin_edges_[j]]
        if len(set(edges)) < len(edges):
            edges = [repr(float(edge)) for edge in self.bin_edges_[j]]
        low, high = ("<", "<=") if self.closed == "right" else ("<=", "<")
        found = [f"{a} {low} {name} {high} {b}" for a, b in pairwise(edges)]
        if self.edges is None and self.outside != "clip":
            found[0] = f"{edges[0]} <= {found[0].split(' ', 2)[2]}"
            found[-1] = found[-1].rsplit(" ", 2)[0] + f" <= {edges[-1]}"
        found = [f"{name} = {a}" if a == b else words for words, (a, b) in zip(found, pairwise(edges), strict=True)]
        under, over = ("<", ">") if self.edges is None else ("<=", ">") if self.closed == "right" else ("<", ">=")
        if self.outside == "clip" and len(found) > 1:
            found[0] = f"{name} {high} {edges[1]}"
            found[-1] = f"{name} {'>' if self.closed == 'right' else '>='} {edges[-2]}"
        elif self.outside == "clip":
            found = [f"{name} known"]
        if self.outside == "bin":
            found = [f"{name} {under} {edges[0]}", *found, f"{name} {over} {edges[-1]}"]
        return found + [f"{name} missing"] * int(self._with_bin[j])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        tags.target_tags.required = self.edges is None and self.strategy in SUPERVISED
        return tags


def present(x, weight):
    """The values of a column that are there, and their weights."""
    known = ~np.isnan(x)
    return (x, weight) if known.all() else (x[known], None if weight is None else weight[known])
