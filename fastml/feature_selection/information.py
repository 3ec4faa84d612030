"""What a column says of the target: mutual information in nats, information gain in bits."""

from math import log
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import digamma
from sklearn.preprocessing import scale
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from fastml._sklearn import check_array
from fastml.kinds import canonical
from fastml_ext import pool
from fastml_ext import selection as kernels

__all__ = ["gain_ratio", "information_gain", "mutual_info_classif", "mutual_info_regression"]

A_COLUMN = 300.0  # nanoseconds a row


def mutual_info_classif(
    X: Any,
    y: Any,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Mutual information of each column and the labels, in nats; 0 where they are independent.

    Of a column of numbers it is estimated from the distances of the nearest neighbours (Ross, PLoS ONE 9(2), 2014). For
    one `random_state` the values are scikit-learn's.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The columns, numbers.
    y : array-like of shape (n_samples,)
        Labels.
    discrete_features : "auto", bool or array-like, default="auto"
        Which columns hold categories: all, none, a mask, or their places; "auto" is all of a sparse X, none of others.
    n_neighbors : int, default=3
        More make the estimate steadier and may bias it.
    copy : bool, default=True
        Whether X stays as it is.
    random_state : int, RandomState instance or None, default=None
        Of the noise that parts equal numbers.
    n_jobs : int, default=None
        Threads; None for every processor.

    Returns
    -------
    mi : ndarray of shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.feature_selection import mutual_info_classif
    >>> X = np.random.default_rng(0).random((200, 2))
    >>> mutual_info_classif(X, X[:, 0] > 0.5, random_state=0).round(1).tolist()
    [0.7, 0.0]
    """
    check_classification_targets(y)
    return estimate(X, y, True, discrete_features, n_neighbors, copy, random_state, n_jobs)


def mutual_info_regression(
    X: Any,
    y: Any,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Mutual information of each column and a target of numbers, in nats; 0 where they are independent.

    It is estimated from the distances of the nearest neighbours (Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69,
    2004). For one `random_state` the values are scikit-learn's.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The columns, numbers.
    y : array-like of shape (n_samples,)
        Numbers.
    discrete_features : "auto", bool or array-like, default="auto"
        Which columns hold categories: all, none, a mask, or their places; "auto" is all of a sparse X, none of others.
    n_neighbors : int, default=3
        More make the estimate steadier and may bias it.
    copy : bool, default=True
        Whether X stays as it is.
    random_state : int, RandomState instance or None, default=None
        Of the noise that parts equal numbers.
    n_jobs : int, default=None
        Threads; None for every processor.

    Returns
    -------
    mi : ndarray of shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.feature_selection import mutual_info_regression
    >>> X = np.random.default_rng(0).random((200, 2))
    >>> mi = mutual_info_regression(X, X[:, 0] ** 2, random_state=0)
    >>> bool(mi[0] > 2), bool(mi[1] < 0.2)
    (True, True)
    """
    return estimate(X, y, False, discrete_features, n_neighbors, copy, random_state, n_jobs)


def estimate(X, y, labels, discrete_features, n_neighbors, copy, random_state, n_jobs):
    """The mutual information of each column; labels: whether y holds categories."""
    if not isinstance(n_neighbors, Integral) or isinstance(n_neighbors, bool) or n_neighbors < 1:
        raise ValueError(
            f"The 'n_neighbors' parameter must be an int in the range [1, inf). Got {n_neighbors!r} instead."
        )
    X, y = check_X_y(canonical(X), y, accept_sparse="csc", y_numeric=not labels)
    n, d = X.shape
    discrete = which_discrete(discrete_features, X)
    if not discrete.all() and issparse(X):
        raise ValueError("Sparse matrix `X` can't have continuous features.")
    random = check_random_state(random_state)
    constant = np.zeros(d, bool) if issparse(X) else (X == X[0]).all(axis=0)  # tell nothing, whatever noise is added
    constant |= bool((y == y[0]).all())
    if not discrete.all():
        X = with_noise(X, ~discrete, copy, random)
    if not labels:
        y = scale(y, with_mean=False)
        y += 1e-10 * np.maximum(1, np.mean(np.abs(y))) * random.standard_normal(size=n)
        if n_neighbors >= n and not discrete.all():
            raise ValueError(f"n_neighbors={n_neighbors} but X has {n} rows: it must be smaller")
    target = Target(y, labels, int(n_neighbors), digamma(np.arange(1, n + 2)))
    found = np.empty(d)
    pool.run(of_columns, d, X, discrete, target, found, cost=A_COLUMN * n, n_jobs=n_jobs)
    found[constant] = 0.0
    return found


def which_discrete(discrete_features, X):
    """(d,) bool: which columns hold categories."""
    if isinstance(discrete_features, str) and discrete_features != "auto":
        raise ValueError(
            f"discrete_features={discrete_features!r} is neither 'auto', True, False, a mask nor a list of places"
        )
    if isinstance(discrete_features, str | bool | np.bool_):
        return np.full(X.shape[1], issparse(X) if isinstance(discrete_features, str) else bool(discrete_features))
    discrete_features = check_array(discrete_features, ensure_2d=False)
    if discrete_features.dtype == bool:
        return discrete_features
    mask = np.zeros(X.shape[1], bool)
    mask[discrete_features] = True
    return mask


def with_noise(X, continuous, copy, random):
    """X with the columns of numbers at a deviation of 1, and a little noise against equal numbers."""
    X = X.astype(np.float64, copy=copy)
    X[:, continuous] = scale(X[:, continuous], with_mean=False, copy=False)
    means = np.maximum(1, np.mean(np.abs(X[:, continuous]), axis=0))
    X[:, continuous] += 1e-10 * means * random.standard_normal(size=(len(X), int(continuous.sum())))
    return X


def of_columns(start, stop, X, discrete, target, found):
    for j in range(start, stop):
        if issparse(X):
            x, part = np.zeros(X.shape[0]), slice(X.indptr[j], X.indptr[j + 1])
            x[X.indices[part]] = X.data[part]
        else:
            x = X[:, j]
        found[j] = target.about(x, discrete[j])


class Target:
    """What the columns are held against, sorted or coded once for all of them."""

    def __init__(self, y, labels, k, psi):
        self.k, self.psi, self.labels = k, psi, labels  # psi[m]: of m + 1
        if labels:
            classes, codes = np.unique(y, return_inverse=True)
            self.codes, self.n_classes = codes.astype(np.int64), len(classes)
        else:
            self.y = np.ascontiguousarray(y, np.float64)
            self.order = np.argsort(self.y)

    def about(self, x, discrete):
        if discrete:
            classes, codes = np.unique(x, return_inverse=True)
            codes = codes.astype(np.int64, copy=False)
            if self.labels:
                return of_table(counts_of(codes, len(classes), self.codes, self.n_classes))
            return self.within(self.y, codes, len(classes))
        x = np.ascontiguousarray(x, np.float64)
        return self.within(x, self.codes, self.n_classes) if self.labels else self.between(x)

    def within(self, x, codes, n_classes):
        """Ross: of numbers and classes; a class of one point tells nothing."""
        sizes = np.bincount(codes, minlength=n_classes)
        if (sizes == 1).any():
            told = sizes[codes] > 1
            x, codes = x[told], codes[told]
        sizes = sizes[sizes > 1]
        if not len(sizes):
            raise ValueError("every category of a column occurs once, which tells nothing: is it a column of numbers?")
        counts, psi, n = kernels.near_own(x, codes, n_classes, self.k), self.psi, len(x)
        used = np.minimum(self.k, sizes - 1)
        of_classes = (sizes * (psi[used - 1] - psi[sizes - 1])).sum() / n
        return max(0, psi[n - 1] + of_classes - psi[counts - 1].mean())

    def between(self, x):
        """Kraskov: of numbers and numbers."""
        (in_x, in_y), psi = kernels.near_both(x, self.y, self.order, self.k), self.psi
        return max(0, psi[len(x) - 1] + psi[self.k - 1] - psi[in_x - 1].mean() - psi[in_y - 1].mean())


def counts_of(first, n_first, second, n_second):
    return np.bincount(first * n_second + second, minlength=n_first * n_second).reshape(n_first, n_second)


def of_table(counts):
    """Mutual information, in nats, of a table of counts."""
    rows, columns = np.nonzero(counts)
    if min(counts.shape) == 1:
        return 0.0
    found, total = counts[rows, columns], counts.sum()
    expected = np.log(counts.sum(axis=1)[rows] * counts.sum(axis=0)[columns])
    parts = found / total * (np.log(found) - log(total) - expected + 2 * log(total))
    parts[np.abs(parts) < np.finfo(float).eps] = 0.0
    return max(float(parts.sum()), 0.0)


# ------------------------------------------------------------------------------------------------ categories


def information_gain(X: Any, y: ArrayLike) -> np.ndarray:
    """Bits of the labels that knowing each column of categories saves: the measure of ID3 (Quinlan 1986, section 4).

    Parameters
    ----------
    X : array-like or frame of shape (n_samples, n_features)
        Categories of any kind; None and NaN are one more.
    y : array-like of shape (n_samples,)
        Labels of any kind.

    Returns
    -------
    gain : ndarray of shape (n_features,)
        What `fastml.tree.information_gain` says of each column.

    Examples
    --------
    >>> from fastml.feature_selection import SelectKBest, information_gain
    >>> X = [["sunny", "hot"], ["sunny", "mild"], ["rain", "hot"], ["rain", "mild"]]
    >>> information_gain(X, ["no", "no", "yes", "yes"]).tolist()
    [1.0, 0.0]
    >>> SelectKBest(information_gain, k=1).fit(X, ["no", "no", "yes", "yes"]).get_support().tolist()
    [True, False]
    """
    return gains(*categories(X, y))[0]


def gain_ratio(X: Any, y: ArrayLike) -> np.ndarray:
    """Information gain of each column over its own entropy: the measure of C4.5 (Quinlan 1986, section 7).

    Parameters
    ----------
    X : array-like or frame of shape (n_samples, n_features)
        Categories of any kind; None and NaN are one more.
    y : array-like of shape (n_samples,)
        Labels of any kind.

    Returns
    -------
    ratio : ndarray of shape (n_features,)
        What `fastml.tree.gain_ratio` says of each column; 0 of one with a single value.

    Examples
    --------
    >>> from fastml.feature_selection import gain_ratio
    >>> gain_ratio([["a"], ["b"], ["c"], ["d"]], [0, 0, 1, 1]).tolist()
    [0.5]
    """
    gain, own = gains(*categories(X, y))
    return np.divide(gain, own, out=np.zeros_like(gain), where=own > 0)


def categories(X, y):
    """(the columns, y) of a table of any kind."""
    if issparse(X):
        raise TypeError("X is sparse, and categories are read from dense columns: X.toarray() makes them")
    columns = columns_of_frame(X)
    y = column_or_1d(y, warn=True)
    check_consistent_length(columns[0], y)
    return columns, y


def columns_of_frame(X):
    if hasattr(X, "columns") and not isinstance(X, np.ndarray):
        columns = [np.asarray(X[name]) for name in X.columns]
    else:
        X = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
        if X.ndim != 2:
            raise ValueError(
                f"X has shape {X.shape}: a table of columns is expected, X.reshape(-1, 1) makes one of one"
            )
        columns = list(X.T)
    if not columns or not len(columns[0]):
        raise ValueError("X is empty: there is nothing to measure")
    return columns


def gains(columns, y):
    """(information gain, entropy) of each column, in bits."""
    label, n_labels = coded(y)
    found = np.empty((2, len(columns)))
    for j, column in enumerate(columns):
        branch, n_branches = coded(column)
        counts = counts_of(branch, n_branches, label, n_labels)
        found[0, j] = max(0.0, bits(counts.sum(axis=0)) - bits(counts, counts.sum()))
        found[1, j] = bits(counts.sum(axis=1))
    return found


def coded(values):
    """(codes, how many) of values of any kind; None and NaN have one code."""
    if values.dtype.kind in "biufUSMm":
        classes, codes = np.unique(values, return_inverse=True)
        return codes.reshape(-1), len(classes)
    place: dict = {}
    found = [place.setdefault(None if v is None or v != v else v, len(place)) for v in values.tolist()]
    return np.array(found, np.int64), len(place)


def bits(counts, total=None):
    """Entropy of counts; of the rows of a table, weighted by their share of the total."""
    sums = counts.sum(axis=-1, keepdims=True)
    share = counts / sums
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(counts > 0, share * np.log2(share), 0.0)
    weight = 1.0 if total is None else sums / total
    return max(0.0, float(-(weight * parts).sum()))
