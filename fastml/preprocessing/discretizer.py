"""KBinsDiscretizer: columns in bins, by scikit-learn's rules, on the kernels of PiecewiseConstant."""

import functools
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.preprocessing import KBinsDiscretizer as ScikitKBinsDiscretizer
from sklearn.preprocessing import OneHotEncoder as ScikitOneHotEncoder
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _align_api_if_sparse, _check_feature_names_in, _weighted_percentile, check_array
from fastml.base import check_weight, first_nonfinite
from fastml.preprocessing import in_parts
from fastml.preprocessing.base import MOST_PARTS
from fastml.preprocessing.centres import centres_of_line
from fastml.preprocessing.quantiles import at_places, rows_at
from fastml.preprocessing.scaling import ByKernel, in_c_order
from fastml.preprocessing.spans import Spans
from fastml.warning import warn
from fastml_ext import preprocessing as kernels

__all__ = ["KBinsDiscretizer"]

NARROW = 1e-8  # bins that are no wider are left out
WITH_WEIGHTS = "inverted_cdf", "averaged_inverted_cdf"


class KBinsDiscretizer(ByKernel, ScikitKBinsDiscretizer):
    """Numbers as the bins that they lie in.

    Edges are selected from the columns, not sorted for; the centres of `strategy="kmeans"` are found in sorted columns,
    whose clusters are intervals. `PiecewiseConstant` has edges by a target, a bin of its own for missing numbers, and
    names of bins in words.

    Parameters
    ----------
    n_bins : int or array-like of shape (n_features,), default=5
        Bins of each column, 2 at least.
    encode : {"onehot", "onehot-dense", "ordinal"}, default="onehot"
        A column of 0 and 1 for each bin, as a sparse table or an array; or the bin's number.
    strategy : {"uniform", "quantile", "kmeans"}, default="quantile"
        Bins of equal width, of as many rows, or round the centres of k-means.
    quantile_method : str, default="averaged_inverted_cdf"
        How `numpy.percentile` takes quantiles; with weights "inverted_cdf" or "averaged_inverted_cdf".
    dtype : {numpy.float32, numpy.float64}, default=None
        Of the result; None for that of X.
    subsample : int or None, default=200_000
        Rows drawn for the edges where there are more; None takes all.
    random_state : int, RandomState instance or None, default=None
        Of that draw.

    Attributes
    ----------
    bin_edges_ : ndarray of ndarray of shape (n_features,)
        The edges of each column.
    n_bins_ : ndarray of shape (n_features,)
        Bins of each column, without those that are too narrow.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import KBinsDiscretizer
    >>> bins = KBinsDiscretizer(n_bins=3, encode="ordinal", strategy="uniform").fit([[0.0], [1.0], [6.0]])
    >>> bins.bin_edges_[0]
    array([0., 2., 4., 6.])
    >>> bins.transform([[-9.0], [2.0], [9.0]]).ravel()
    array([0., 1., 2.])
    """

    bin_edges_: np.ndarray
    n_bins_: np.ndarray
    _with_nan = False

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the edges.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Finite numbers.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
        """
        self._made: dict = {}
        X = self._rows_to_learn(X)
        if first_nonfinite(X) is not None:
            self._refuse_infinite(X)
        if isinstance(self.n_bins, Integral) and int(self.n_bins) > MOST_PARTS:
            raise ValueError(f"n_bins={self.n_bins} is too many: a column has {MOST_PARTS} bins at most")
        n_bins = self._validate_n_bins(X.shape[1])
        weight = None if sample_weight is None else check_weight(sample_weight, len(X)).astype(X.dtype)
        rows = None
        if self.subsample is not None and len(X) > self.subsample:
            rows, weight = self._drawn(len(X), weight), None
        if weight is not None and self.strategy == "quantile" and self.quantile_method not in WITH_WEIGHTS:
            raise ValueError(
                "When fitting with strategy='quantile' and sample weights, quantile_method should either be set to"
                f" 'averaged_inverted_cdf' or 'inverted_cdf', got quantile_method='{self.quantile_method}' instead."
            )
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest
            self.bin_edges_, self.n_bins_ = self._edges(X, weight, n_bins, rows)
        if self.encode != "ordinal" and not self.n_bins_.all():
            j = int(np.argmin(self.n_bins_))
            raise ValueError(
                f"X[:, {j}] has numbers no further than {NARROW} apart, which make no bin at all: multiply the column,"
                " or leave it out"
            )
        self._spans = self._spans_of(X.dtype)
        return self

    def _fit_parts(self, table, reduce):
        random = check_random_state(self.random_state)
        in_parts.fit_drawn(self, table, lambda n: random.choice(n, size=self.subsample, replace=True))

    def _converted(self, X, reset):
        """A table that is no plain one; float16 is cut in float64, as by scikit-learn."""
        return super()._converted(X.astype(np.float64) if getattr(X, "dtype", None) == np.float16 else X, reset)

    def _drawn(self, n, weight):
        """Numbers of rows, ascending, drawn with replacement, each by its weight: those that scikit-learn draws."""
        random = check_random_state(self.random_state)
        share = None if weight is None else weight.astype(np.float64) / weight.astype(np.float64).sum()
        return np.sort(random.choice(n, size=self.subsample, p=share, replace=True))

    def _edges(self, X, weight, n_bins, rows):
        """(edges of each column, how many bins these make); of some rows, or of all where that is None."""
        if self.strategy == "quantile" and weight is None:
            found = quantile_edges(X, n_bins, self.quantile_method, rows)
            varying = [edges[0] != edges[-1] for edges in found]
        else:
            X = X if rows is None else rows_at(X, rows)
            counted = X if weight is None or self.strategy == "quantile" else X[weight != 0]
            least, largest = kernels.extremes(counted)
            find = {"uniform": uniform, "quantile": self._weighted_quantiles, "kmeans": around_centres}[self.strategy]
            varying = least != largest
            found = find(X, weight, n_bins, least, largest, varying)
        edges = np.empty(len(n_bins), object)
        for j in range(len(n_bins)):
            if not varying[j]:
                warn(f"Feature {j} is constant and will be replaced with 0.")
                n_bins[j], edges[j] = 1, np.array([-np.inf, np.inf])
                continue
            edges[j] = found[j]
            if self.strategy != "uniform":
                edges[j] = found[j][np.ediff1d(found[j], to_begin=np.inf) > NARROW]
                if len(edges[j]) - 1 != n_bins[j]:
                    warn(
                        f"Bins whose width are too small (i.e., <= 1e-8) in feature {j} are removed. Consider"
                        " decreasing the number of bins."
                    )
                    n_bins[j] = len(edges[j]) - 1
        return edges, n_bins

    def _weighted_quantiles(self, X, weight, n_bins, least, largest, varying):
        average = self.quantile_method == "averaged_inverted_cdf"
        return [
            _weighted_percentile(X[:, j], weight, np.linspace(0, 100, k + 1), average=average)
            for j, k in enumerate(n_bins.tolist())
        ]

    def _spans_of(self, dtype):
        """What the kernels are given: a column of the result, or a number, for each bin."""
        starts = np.zeros(len(self.bin_edges_) + 1, np.int64)
        np.cumsum([max(len(edges) - 2, 0) for edges in self.bin_edges_], out=starts[1:])
        cuts = cuts_at(np.concatenate([edges[1:-1] for edges in self.bin_edges_]), dtype)
        sizes = np.maximum(self.n_bins_, 1) + 1  # of each column: a place behind its bins, for NaN, which fills none
        after = np.cumsum(sizes)
        begins = np.arange(after[-1]) - np.repeat(after - sizes, sizes)
        begins[after - 1] = 0
        if self.encode != "ordinal":
            begins += np.repeat(np.cumsum(self.n_bins_) - self.n_bins_, sizes)
        ends = begins + 1
        ends[after - 1] -= 1
        return Spans(cuts, starts, begins.astype(np.int64), ends.astype(np.int64), int(self.n_bins_.sum()))

    def _note_anew(self):
        self._spans = self._spans_of(np.dtype(self.dtype or np.float64))

    def transform(self, X: Any) -> Any:
        """The bins of the rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Finite numbers; those beyond the edges are in the first or last bin.

        Returns
        -------
        Xt : ndarray or CSR matrix, of the dtype of X or `dtype`
        """
        rows = in_c_order(self._rows(X))
        if first_nonfinite(rows) is not None:
            self._refuse_infinite(rows)
        if self.dtype is not None and rows.dtype != self.dtype:
            with np.errstate(over="ignore"):
                rows = rows.astype(self.dtype)
            self._refuse_infinite(rows)
        spans = self._spans
        if spans.cuts.dtype != rows.dtype:
            spans = self._once(rows.dtype.char, (self.bin_edges_,), lambda: self._spans_of(rows.dtype))
        if self.encode == "ordinal":
            return spans.values(rows, spans.begins.astype(rows.dtype))
        if self.encode == "onehot-dense":
            return spans.fill(rows)
        return _align_api_if_sparse(spans.list(rows))

    def inverse_transform(self, X: Any) -> Any:
        """The middle of the bin of each number.

        Parameters
        ----------
        X : array-like or sparse matrix
            As `transform` returns them.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        if self.encode != "ordinal":
            X = self._once("encoder", (self.n_bins_, self.encode, self.dtype), self._encoder_of_bins).inverse_transform(
                X
            )
        codes = X if self._goes_as_it_is(X) else check_array(X, dtype=(np.float64, np.float32))
        if codes.shape[1] != len(self.n_bins_):
            raise ValueError(f"Incorrect number of features. Expecting {len(self.n_bins_)}, received {codes.shape[1]}.")
        if first_nonfinite(codes) is not None:
            self._refuse_infinite(codes)
        bins = codes.astype(np.int64)
        outside = (bins < 0) | (bins >= self.n_bins_)
        if outside.any():
            i, j = np.argwhere(outside)[0].tolist()
            raise ValueError(
                f"X[{i}, {j}] is {codes[i, j]}, and the bins of that column are 0 to {self.n_bins_[j] - 1}"
            )
        starts, middles = self._once("middles", (self.bin_edges_,), self._middles)
        return middles.astype(codes.dtype, copy=False)[bins + starts]

    def _middles(self):
        """(where those of each column begin, the middles of all bins)."""
        edges = np.concatenate(self.bin_edges_)
        lengths = np.array([len(each) for each in self.bin_edges_])
        starts = np.cumsum(lengths) - lengths
        with np.errstate(invalid="ignore"):  # of a constant column, from -infinity to infinity
            return starts, np.append(edges[1:] * 0.5 + edges[:-1] * 0.5, np.nan)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of the result: a column's own, with the number of the bin where each has one.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns of X; None for those of the fitted frame, or x0, x1, ...
        """
        check_is_fitted(self, "n_features_in_")
        names = _check_feature_names_in(self, input_features)
        if self.encode == "ordinal":
            return names
        return np.array(
            [f"{name}_{float(k)}" for name, n in zip(names, self.n_bins_, strict=True) for k in range(n)], object
        )

    def _encoder_of_bins(self):
        """scikit-learn's encoder, which it keeps as `_encoder`."""
        dtype = self.dtype or self._spans.cuts.dtype
        categories = [np.arange(k) for k in self.n_bins_]
        encoder = ScikitOneHotEncoder(categories=categories, sparse_output=self.encode == "onehot", dtype=dtype)
        return encoder.fit(np.zeros((1, len(self.n_bins_))))

    def __getattr__(self, name):
        if name == "_encoder" and "n_bins_" in self.__dict__ and self.encode != "ordinal":
            return self._encoder_of_bins()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def quantile_edges(X, n_bins, method, rows):
    """Edges between which as many numbers of a column lie, those of some rows, or of all where `rows` is None."""
    found: list = [None] * len(n_bins)
    for k in np.unique(n_bins).tolist():
        (columns,) = np.nonzero(n_bins == k)
        some = X if len(columns) == len(n_bins) else np.ascontiguousarray(X[:, columns])
        edges = at_places(some, places(len(X if rows is None else rows), k, method), rows)
        for at, j in enumerate(columns.tolist()):
            found[j] = edges[:, at].astype(np.float64)
    return found


def uniform(X, weight, n_bins, least, largest, varying):
    if least.dtype == np.float64 and (n_bins == n_bins[0]).all():  # float32 is rounded otherwise where it is one number
        found = np.zeros((len(n_bins), n_bins[0] + 1))
        found[varying] = np.linspace(least[varying], largest[varying], n_bins[0] + 1).T
        return list(found)
    return [np.linspace(low, high, k + 1) for low, high, k in zip(least, largest, n_bins.tolist(), strict=True)]


def around_centres(X, weight, n_bins, least, largest, varying):
    """Edges half-way between the centres of k-means, which starts in the middles of bins of equal width."""
    found: list = [None] * len(n_bins)
    for j in np.flatnonzero(varying).tolist():
        if len(X) < n_bins[j]:
            raise ValueError(
                f"n_bins={n_bins[j]} with strategy='kmeans' needs as many rows: n_samples={len(X)} should be >="
                f" n_clusters={n_bins[j]}."
            )
        even = np.linspace(least[j], largest[j], n_bins[j] + 1)
        centres = centres_of_line(X[:, j], weight, even[1:] * 0.5 + even[:-1] * 0.5)
        found[j] = np.r_[least[j], centres[1:] * 0.5 + centres[:-1] * 0.5, largest[j]]
    return found


@functools.lru_cache(64)
def places(n, k, method):
    """(k + 1,): where NumPy finds quantiles of n numbers in order: those of the numbers 0 to n - 1 are their places."""
    options = {} if method == "linear" else {"method": method}
    return np.percentile(np.arange(n, dtype=np.float64), np.linspace(0, 100, k + 1), **options)


def cuts_at(edges, dtype):
    """Cuts of that dtype by which x > cut is x >= edge for its numbers."""
    with np.errstate(over="ignore"):
        near = edges.astype(dtype)
    above = np.where(near < edges, np.nextafter(near, dtype.type(np.inf)), near)
    return np.nextafter(above, dtype.type(-np.inf))
