"""The transformers that keep columns: scikit-learn's, with one pass for the scores and no check of what is plain."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import feature_selection as scikit
from sklearn.feature_selection import SelectorMixin

from fastml._sklearn import validate_data
from fastml.base import Estimator
from fastml.feature_selection import information, scores
from fastml.feature_selection.scores import f_classif
from fastml.kinds import canonical
from fastml.operations import Chosen
from fastml_ext import checks
from fastml_ext import naive_bayes as counting

__all__ = [
    "GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest", "SelectPercentile",
    "VarianceThreshold",
]  # fmt: skip

EACH = np.empty(0)  # weights of one each
SEVERAL_LABELS = scikit.chi2, scores.chi2  # functions that take y with a column for each label
CATEGORICAL = information.information_gain, information.gain_ratio
KNOWN = {  # score functions, ours and scikit-learn's: what they compute of an X and y that are checked
    function: compute
    for name, compute in (
        ("f_classif", scores.analysis_of_variance),
        ("f_regression", scores.f_of_correlations),
        ("r_regression", scores.correlations),
        ("chi2", scores.squared_distance_of_counts),
        ("mutual_info_classif", information.mutual_info_classif),
        ("mutual_info_regression", information.mutual_info_regression),
    )
    for function in (getattr(scikit, name), getattr(scores, name, None) or getattr(information, name))
}


class Selecting(SelectorMixin, Estimator):
    """What the selectors share: `transform`, and which columns stay."""

    _settings: tuple = ()  # parameters that decide which columns stay
    _takes_nan = False
    _made: dict

    def _places(self):
        """The columns that stay, found once for the scores and settings at hand."""
        found = self.variances_ if hasattr(self, "variances_") else self.scores_
        settings = [getattr(self, name) for name in self._settings]
        return self._once("places", (found, *settings), lambda: np.flatnonzero(self._get_support_mask()))

    def transform(self, X: Any) -> Any:
        """The columns that stay.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As at `fit`.

        Returns
        -------
        X_r : {ndarray, sparse matrix} of shape (n_samples, n_selected_features)
            With the dtype of X.
        """
        if checks.is_table(X, getattr(self, "_fast_columns", -1), np.ndarray) and X.dtype == self._dtype:
            places = self._places()
            if len(places):
                return X.take(places, axis=1)
        try:
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                result = super().transform(X)
        except ValueError as error:
            if "infinity" in str(error):
                self._check_rows(X)  # says where it stands
            raise
        if self._takes_nan:
            self._check_finite(np.asarray(X, np.float64) if not issparse(X) else X)
        return result

    def _operation(self, X):
        places = self._places()
        return Chosen(places) if len(places) and X.dtype == self._dtype else None


class Filter(Selecting):
    """The selectors by a score of each column."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Score the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The columns; categories of any kind where `score_func` is `information_gain` or `gain_ratio`.
        y : array-like of shape (n_samples,), default=None
            The target.

        Returns
        -------
        self : object
        """
        X = canonical(X)
        compute = KNOWN.get(self.score_func) if callable(self.score_func) else None
        if compute is None or y is None or (self.score_func in SEVERAL_LABELS and np.ndim(y) == 2):
            return self._fit_by_user(X, y)
        numeric = "regression" in self.score_func.__name__
        X, y = self._check_fit(X, y, accept_sparse=("csr", "csc"), y_numeric=numeric)
        self._sparse, self._made = True, {}
        self._check_params(X, y)
        found = compute(X, y)
        self.scores_, self.pvalues_ = found if isinstance(found, tuple) else (found, None)
        return self

    def _fit_parts(self, table, reduce):
        from fastml.feature_selection.in_parts import fit_filter

        fit_filter(self, table, reduce)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.score_func in CATEGORICAL:
            tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def _fit_by_user(self, X, y):
        """With categories, or a score function that is no one's we know, which gets X as scikit-learn would give it."""
        if self.score_func in CATEGORICAL and y is not None:
            self._validate_params()
            X, y = validate_data(self, X, y, dtype=None, ensure_all_finite=False)
            self._check_params(X, y)
            self.scores_, self.pvalues_ = self.score_func(X, y), None
        else:
            super().fit(X, y)
        self._note_rows(np.float64, sparse=True)
        self._made = {}
        return self


class SelectKBest(Filter, scikit.SelectKBest):
    """Keep the k columns with the highest scores.

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    k : int or "all", default=10
        How many columns stay.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import SelectKBest
    >>> X, y = load_iris(return_X_y=True)
    >>> SelectKBest(k=2).fit(X, y).get_support(indices=True).tolist()
    [2, 3]
    """

    _settings = ("k",)

    def __init__(self, score_func: Any = f_classif, *, k: Any = 10) -> None:
        super().__init__(score_func, k=k)


class SelectPercentile(Filter, scikit.SelectPercentile):
    """Keep a share of the columns, those with the highest scores.

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    percentile : int, default=10
        How many of a hundred columns stay.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import SelectPercentile
    >>> X, y = load_iris(return_X_y=True)
    >>> SelectPercentile(percentile=50).fit(X, y).get_support(indices=True).tolist()
    [2, 3]
    """

    _settings = ("percentile",)

    def __init__(self, score_func: Any = f_classif, *, percentile: float = 10) -> None:
        super().__init__(score_func, percentile=percentile)


class SelectFpr(Filter, scikit.SelectFpr):
    """Keep the columns whose p-value is below alpha: the rate of false positives.

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    alpha : float, default=0.05
        The largest p-value that stays.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import SelectFpr
    >>> X, y = load_iris(return_X_y=True)
    >>> SelectFpr(alpha=0.01).fit(X, y).get_support(indices=True).tolist()
    [0, 1, 2, 3]
    """

    _settings = ("alpha",)

    def __init__(self, score_func: Any = f_classif, *, alpha: float = 5e-2) -> None:
        super().__init__(score_func, alpha=alpha)


class SelectFdr(Filter, scikit.SelectFdr):
    """Keep columns so that at most a share alpha of them is expected to be kept wrongly (Benjamini and Hochberg).

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    alpha : float, default=0.05
        The share of false discoveries.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import SelectFdr
    >>> X, y = load_iris(return_X_y=True)
    >>> SelectFdr(alpha=0.01).fit(X, y).get_support(indices=True).tolist()
    [0, 1, 2, 3]
    """

    _settings = ("alpha",)

    def __init__(self, score_func: Any = f_classif, *, alpha: float = 5e-2) -> None:
        super().__init__(score_func, alpha=alpha)


class SelectFwe(Filter, scikit.SelectFwe):
    """Keep columns so that the chance that any is kept wrongly is below alpha: p-values below alpha / n_features.

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    alpha : float, default=0.05
        The chance of one false positive or more.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import SelectFwe
    >>> X, y = load_iris(return_X_y=True)
    >>> SelectFwe(alpha=0.01).fit(X, y).get_support(indices=True).tolist()
    [0, 1, 2, 3]
    """

    _settings = ("alpha",)

    def __init__(self, score_func: Any = f_classif, *, alpha: float = 5e-2) -> None:
        super().__init__(score_func, alpha=alpha)


class GenericUnivariateSelect(Filter, scikit.GenericUnivariateSelect):
    """Keep columns by their scores, in a way that is a parameter.

    Parameters
    ----------
    score_func : callable, default=f_classif
        From X and y to the scores of the columns, or (scores, p-values).
    mode : {"percentile", "k_best", "fpr", "fdr", "fwe"}, default="percentile"
        Which selector.
    param : float, int or "all", default=1e-5
        Its parameter.

    Attributes
    ----------
    scores_, pvalues_ : ndarray of shape (n_features,)
        What `score_func` found; no p-values where it has none.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.feature_selection import GenericUnivariateSelect
    >>> X, y = load_iris(return_X_y=True)
    >>> GenericUnivariateSelect(mode="k_best", param=2).fit(X, y).get_support(indices=True).tolist()
    [2, 3]
    """

    _settings = ("mode", "param")

    def __init__(self, score_func: Any = f_classif, *, mode: str = "percentile", param: Any = 1e-5) -> None:
        super().__init__(score_func, mode=mode, param=param)


class VarianceThreshold(Selecting, scikit.VarianceThreshold):
    """Drop the columns whose variance is not above a threshold; by default the constant ones.

    Parameters
    ----------
    threshold : float, default=0
        The largest variance that goes.

    Attributes
    ----------
    variances_ : ndarray of shape (n_features,)
        Of the known values of each column; with a threshold of 0 the difference of the extremes where that is smaller.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from fastml.feature_selection import VarianceThreshold
    >>> VarianceThreshold().fit_transform([[0.0, 2.0], [0.0, 1.0]]).tolist()
    [[2.0], [1.0]]
    """

    _settings = ("threshold",)
    _takes_nan = True

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the variances.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            NaN is left out.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
        """
        if issparse(X):
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                super().fit(canonical(X))
            self._note_rows(np.float64, sparse=True, allow_nan=True)
            self._made = {}
            return self
        X = self._check_fit(X, allow_nan=True)
        total, _, spread = counting.moments(X, np.zeros(len(X), np.int64), EACH, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            variances = spread[0] / total[0]  # 0 / 0 where nothing is known
        if self.threshold == 0:
            apart = np.max(X, axis=0).astype(np.float64) - np.min(X, axis=0)
            variances = np.fmin(variances, apart)
        return self._take(variances, len(X))

    def _take(self, variances, n):
        if not (variances > self.threshold).any():
            one = " (X contains only one sample)" if n == 1 else ""
            raise ValueError(f"No feature in X meets the variance threshold {self.threshold:.5f}{one}")
        self.variances_, self._sparse, self._made = variances, True, {}
        return self

    def _fit_parts(self, table, reduce):
        from fastml.feature_selection.in_parts import fit_variances

        fit_variances(self, table, reduce)
