"""Scores of columns against a target: F, Pearson's r and chi-squared, each from one pass over the table."""

import warnings
from typing import Any

import numpy as np
from scipy import special
from scipy.sparse import issparse
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_consistent_length, column_or_1d

from fastml._sklearn import check_array
from fastml.base import encode_labels
from fastml.kinds import canonical
from fastml.plain import is_plain_table, is_plain_target
from fastml_ext import checks
from fastml_ext import naive_bayes as counting
from fastml_ext import selection as kernels

__all__ = ["chi2", "f_classif", "f_regression", "r_regression"]

EACH = np.empty(0)  # weights of one each


def f_classif(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """F of the analysis of variance: how far the classes' means lie apart beside the spread within the classes.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The columns, numbers.
    y : array-like of shape (n_samples,)
        Labels.

    Returns
    -------
    f_statistic, p_values : ndarray of shape (n_features,)
        As scikit-learn has them; of a constant column NaN, with a warning. Means and spreads are those of each
        class, in float64, so little cancels where a mean is large beside the spread.

    Examples
    --------
    >>> from fastml.feature_selection import f_classif
    >>> f, p = f_classif([[1.0, 5.0], [2.0, 3.0], [8.0, 4.0], [9.0, 4.0]], ["a", "a", "b", "b"])
    >>> f.round(1).tolist(), p.round(2).tolist()
    ([98.0, 0.0], [0.01, 1.0])
    """
    X, y = checked(X, y)
    return analysis_of_variance(X, y)


def analysis_of_variance(X, y):
    classes, codes = encode_labels(y)
    n, k = X.shape[0], len(classes)
    if issparse(X):
        _, _, between, within = sparse_spreads(X, codes, k)
    else:
        total, means, spread = counting.moments(X, codes, EACH, k)
        return f_of_classes(total, means, spread, n)
    return f_of_spreads(between, within, n, k)


def f_of_classes(total, means, spread, n):
    """(F, p) by the moments of the classes, (k, d) each."""
    counts = total[:, :1]
    apart = means - means[0]  # equal means are exactly 0 apart
    between = (counts * (apart - (counts * apart).sum(axis=0) / n) ** 2).sum(axis=0)
    return f_of_spreads(between, spread.sum(axis=0), n, len(total))


def f_of_spreads(between, within, n, k):
    with np.errstate(divide="ignore", invalid="ignore"):
        between, within = between / np.float64(k - 1), within / np.float64(n - k)
        f = between / within
    constant = np.flatnonzero(within == 0)
    if len(constant) and not between.all():
        warnings.warn(f"Features {constant} are constant.", UserWarning, stacklevel=4)
    return f, special.fdtrc(k - 1, n - k, f)


def sparse_spreads(X, codes, k):
    """(counts (k, 1), means, sum of squares between the classes, within) of a sparse table, from sums and squares."""
    X = X.tocsr()
    values = X.data.astype(np.float64)
    X = type(X)((values, X.indices, X.indptr), shape=X.shape)
    counts = np.bincount(codes, minlength=k)[:, None]
    sums, _ = counting.sum_by_class(X, codes, EACH, k)
    squares = np.bincount(X.indices, weights=values**2, minlength=X.shape[1])
    of_all = sums.sum(axis=0) ** 2 / X.shape[0]
    between = (sums**2 / counts).sum(axis=0) - of_all
    return counts, sums / counts, between, squares - of_all - between


def chi2(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Chi-squared of the columns' sums by class against what the classes' sizes would give.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Counts or frequencies, none negative.
    y : array-like of shape (n_samples,)
        Labels; or of shape (n_samples, n_labels): which labels each row has, 0 or 1.

    Returns
    -------
    chi2, p_values : ndarray of shape (n_features,)
        As scikit-learn has them; NaN of a column of zeros.

    Examples
    --------
    >>> from fastml.feature_selection import chi2
    >>> statistic, p = chi2([[1, 1, 3], [0, 1, 5], [5, 4, 1], [6, 6, 2], [1, 4, 0], [0, 0, 0]], [1, 1, 0, 0, 2, 2])
    >>> statistic.round(2).tolist()
    [15.38, 6.5, 8.91]
    """
    if not is_checked(X, y):
        X = check_array(canonical(X), accept_sparse="csr", dtype=(np.float64, np.float32), order="C")
        if issparse(y) or (np.ndim(y) == 2 and np.shape(y)[1] > 1):
            return distance_of_several_labels(X, y)
        y = checked_target(X, y)
    return squared_distance_of_counts(X, y)


def distance_of_several_labels(X, y):
    y = check_array(y, accept_sparse=True, dtype=np.float64)
    y = y.toarray() if issparse(y) else y
    check_consistent_length(X, y)
    if not np.isin(y, (0, 1)).all():
        raise ValueError("y of several columns must say by 0 and 1 which labels each row has")
    if (X.data if issparse(X) else X).min(initial=0) < 0:
        raise ValueError("Input X must be non-negative.")
    observed, every = (X.T @ y).T, np.asarray(X.sum(axis=0, dtype=np.float64)).ravel()
    return distance(observed, y.mean(axis=0)[:, None] * every)


def squared_distance_of_counts(X, y):
    classes, codes = encode_labels(y)
    X = X.tocsr() if issparse(X) else X
    observed, negative = counting.sum_by_class(X, codes, EACH, len(classes))
    return distance_of_sums(observed, negative, np.bincount(codes))


def distance_of_sums(observed, negative, counts):
    """(chi-squared, p) by the columns' sums by class, whether a number is negative, and the rows of the classes."""
    if negative:
        raise ValueError("Input X must be non-negative.")
    if len(counts) == 1:  # scikit-learn sets a class without rows beside it
        observed = np.vstack([np.zeros_like(observed), observed])
        share = np.array([[0.0], [1.0]])
    else:
        share = counts[:, None] / counts.sum()
    return distance(observed, share * observed.sum(axis=0))


def distance(observed, expected):
    with np.errstate(divide="ignore", invalid="ignore"):
        found = ((observed - expected) ** 2 / expected).sum(axis=0)
    return found, special.chdtrc(len(observed) - 1, found)


def r_regression(X: Any, y: Any, *, center: bool = True, force_finite: bool = True) -> np.ndarray:
    """Pearson's correlation of each column with the target.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The columns, numbers.
    y : array-like of shape (n_samples,)
        Numbers.
    center : bool, default=True
        Whether the means are taken off first.
    force_finite : bool, default=True
        Whether a constant column, or target, has 0 instead of NaN.

    Returns
    -------
    correlation : ndarray of shape (n_features,)
        float64, as scikit-learn has it.

    Examples
    --------
    >>> from fastml.feature_selection import r_regression
    >>> r_regression([[1.0, 2.0], [2.0, 2.0], [3.0, 2.0]], [3.0, 2.0, 1.0]).round(9).tolist()
    [-1.0, 0.0]
    """
    check_flags(center=center, force_finite=force_finite)
    X, y = checked(X, y, numeric=True)
    return correlations(X, y, center, force_finite)


def correlations(X, y, center=True, force_finite=True):
    n, y = X.shape[0], np.asarray(y, np.float64)
    y = y - y.mean() if center else y
    if issparse(X):
        X = X.tocsr()
        values, d = X.data.astype(np.float64), X.shape[1]
        rows = np.repeat(np.arange(n), np.diff(X.indptr))
        first, second, cross = (
            np.bincount(X.indices, weights=part, minlength=d) for part in (values, values**2, values * y[rows])
        )
        shift = np.zeros(d)
    else:
        shift = X[0].astype(np.float64) if center else np.zeros(X.shape[1])
        first, second, cross = kernels.sums_with(X, y, shift)
    spread = second
    if center:
        spread = second - first**2 / n
        cross = cross - first * (y.sum() / n)  # what is left of the mean of y
        rounding = n * (np.finfo(np.float64).eps * (shift + first / n)) ** 2
        spread[spread <= np.maximum(rounding, 4 * np.finfo(np.float64).eps * first**2 / n)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = cross / np.sqrt(spread) / np.sqrt((y * y).sum())  # a norm by BLAS would wake its threads
    if force_finite:
        found[np.isnan(found)] = 0.0
    return found


def f_regression(X: Any, y: Any, *, center: bool = True, force_finite: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """F of a line through each column and the target, from Pearson's correlation.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The columns, numbers.
    y : array-like of shape (n_samples,)
        Numbers.
    center : bool, default=True
        Whether the means are taken off first.
    force_finite : bool, default=True
        Whether a constant column has F = 0 and p = 1 instead of NaN, and a column in line with the target the largest
        number instead of infinity.

    Returns
    -------
    f_statistic, p_values : ndarray of shape (n_features,)
        As scikit-learn has them.

    Examples
    --------
    >>> from fastml.feature_selection import f_regression
    >>> f, p = f_regression([[1.0, 2.0], [2.0, 1.0], [3.0, 2.0], [4.0, 1.0]], [1.0, 2.0, 2.0, 3.0])
    >>> f.round(1).tolist(), p.round(2).tolist()
    ([18.0, 2.0], [0.05, 0.29])
    """
    check_flags(center=center, force_finite=force_finite)
    X, y = checked(X, y, numeric=True)
    return f_of_correlations(X, y, center, force_finite)


def f_of_correlations(X, y, center=True, force_finite=True):
    free = X.shape[0] - (2 if center else 1)
    return f_of_r(correlations(X, y, center, force_finite), free, force_finite)


def f_of_r(r, free, force_finite):
    """(F, p) by Pearson's correlations and so many degrees of freedom."""
    squared = r**2
    with np.errstate(divide="ignore", invalid="ignore"):
        f = squared / (1 - squared) * free
        p = special.fdtrc(1, free, f) if free > 0 else np.full(len(f), np.nan)
    p = np.where(f == np.inf, 0.0 if free > 0 else np.nan, p)
    if force_finite:
        f[np.isinf(f)] = np.finfo(np.float64).max
        missing = np.isnan(f)
        f[missing], p[missing] = 0.0, 1.0
    return f, p


# ------------------------------------------------------------------------------------------------ what they share


def is_checked(X, y):
    """Whether X is a plain finite table and y a plain target: nothing is left to convert."""
    if not is_plain_table(X, {}) or not is_plain_target(y, len(X)):
        return False
    return checks.first_nonfinite(X) is None


def checked(X, y, numeric=False):
    """X and y by scikit-learn's checks, X in C order or by rows, floating."""
    if is_checked(X, y) and (not numeric or y.dtype.kind in "iufb"):
        return X, y
    accepted = ["csr", "csc", "coo"]
    X = canonical(X)
    X, y = check_X_y(X, y, accept_sparse=accepted, dtype=(np.float64, np.float32), order="C", y_numeric=numeric)
    return (X.tocsr() if issparse(X) else X), y


def checked_target(X, y):
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    return y


def check_flags(**given):
    for name, value in given.items():
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"The {name!r} parameter must be True or False. Got {value!r} instead.")
