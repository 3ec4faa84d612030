"""Naive Bayes over categories that are numbered: CategoricalNB."""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml.base import Interval
from fastml.memory import check_memory
from fastml.naive_bayes.base import NaiveBayes
from fastml.naive_bayes.in_parts import fit_in_parts
from fastml.naive_bayes.smoothing import CONSTRAINTS, SHARED, log_prior, logarithm, smoothing
from fastml_ext import naive_bayes as kernels

__all__ = ["CategoricalNB", "category_log_prob", "stacked"]

MOST = 2**62  # categories that are told apart in messages
LARGE = 2**26  # counts: a table up to here, half a GiB, asks no questions
SPARSE = 1000  # counts to a value of X: a table larger than that holds next to nothing but 0
COPIES = 8  # tables of that size while a model is fitted: counts, logarithms, and what lies between


def category_log_prob(count, alpha):
    """(log P(category | class), log P(a category never seen | class)) from counts (n_classes, n_categories).

    A category never seen has the smoothed count 0 + alpha; without smoothing it says nothing, and has 0 in every class.
    """
    smoothed = count + alpha
    total = smoothed.sum(axis=1, keepdims=True)
    logged = logarithm(np.where(total > 0, total, 1.0))
    unseen = np.log(alpha) - logged if alpha > 0 else np.zeros_like(logged)
    return np.where(total > 0, logarithm(smoothed) - logged, 0.0), unseen


def stacked(tables):
    """(starts, table) as the kernels take them, from (log P, log P of the unseen) of each feature."""
    sizes = [known.shape[1] + 1 for known, _ in tables]
    rows = [np.hstack(pair).T for pair in tables]
    return np.append(0, np.cumsum(sizes)).astype(np.int64), np.ascontiguousarray(np.concatenate(rows))


class CategoricalNB(NaiveBayes):
    """Naive Bayes for categories numbered 0, 1, 2, ...; MixedNB takes words and numbers as they are.

    Parameters
    ----------
    alpha : float, default=1.0
        Added to the count of every category; 0 for no smoothing.
    force_alpha : bool, default=True
        Whether an alpha below 1e-10 is kept; if not, it is raised to that, with a warning.
    fit_prior : bool, default=True
        Whether the prior of the classes is their share of the rows; if not, it is uniform.
    class_prior : array-like of shape (n_classes,), default=None
        The prior of the classes, given.
    min_categories : int or array-like of int of shape (n_features,), default=None
        Categories that each feature has at least; None for as many as the rows show.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_ : ndarrays
        As in MultinomialNB.
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each feature.
    category_count_ : list of n_features ndarrays of shape (n_classes, n_categories)
        Weight of the rows of each class and category.
    feature_log_prob_ : list of n_features ndarrays of shape (n_classes, n_categories)
        log P(category | class).

    Notes
    -----
    X is an array or a data frame of whole numbers from 0 upwards; missing values (NaN) are ignored. A category never
    seen in fitting is predicted with the smoothed count of 0, where scikit-learn raises an IndexError. Fractions are
    cut off, as scikit-learn does. Each number up to the highest has its row in a table of counts; tables of half a GiB
    that would hold next to nothing but 0 are refused. See Mitchell, Machine Learning, 1997, section 6.9.

    Examples
    --------
    >>> from fastml.naive_bayes import CategoricalNB
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> model = CategoricalNB().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0, 1], [1, 7]]).tolist()
    ['no', 'yes']
    """

    _parameter_constraints: dict = {
        **NaiveBayes._parameter_constraints,
        **CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "min_categories": [None, "array-like", Interval(Integral, 1, None, closed="left")],
    }
    shared_parameters = SHARED
    _of_counts = True
    n_categories_: np.ndarray
    category_count_: list
    _summed = ("n_categories_", "category_count_")
    _exact_bytes = 8  # nothing is computed from a category's number
    _derived = ("_starts", "_table")

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        min_categories: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.min_categories = min_categories
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def _check_codes(self, X):
        where = kernels.first_negative(X, self.n_jobs)
        if where is None:
            return X
        raise ValueError(
            f"Negative values in data passed to CategoricalNB (input X): X[{where[0]}, {where[1]}] is {X[where]}, and"
            " CategoricalNB takes categories numbered 0, 1, 2, ...: MixedNB takes other values"
        )

    def _check_rows(self, X):
        return self._check_codes(super()._check_rows(X))

    def _count(self, X, codes, weight, first):
        X, k = self._check_codes(X), len(self.classes_)
        sizes = self._sizes(X)
        before = 0 if first else int(self.n_categories_.sum())
        if not first:
            sizes = np.maximum(sizes, self.n_categories_)
        check_tables(sizes, k, max(SPARSE * X.size, 2 * k * before))
        starts = np.append(0, np.cumsum(sizes))
        table = kernels.count_categories(X, codes, weight, starts, k, self.n_jobs)
        counts = [np.ascontiguousarray(table[a:b].T) for a, b in pairwise(starts)]
        if not first:
            for count, before in zip(counts, self.category_count_, strict=True):
                count[:, : before.shape[1]] += before
        self.n_categories_, self.category_count_ = sizes, counts

    def _fit_parts(self, table, reduce):
        fit_in_parts(self, table, reduce)

    def _add_counts(self, first, second):
        """Of two blocks; the one that has seen higher numbers has the larger tables."""
        counts = []
        for a, b in zip(first[1], second[1], strict=True):
            larger, smaller = (a, b) if a.shape[1] >= b.shape[1] else (b, a)
            total = larger.copy()
            total[:, : smaller.shape[1]] += smaller
            counts.append(total)
        return np.maximum(first[0], second[0]), counts

    def _sizes(self, X):
        """(n_features,) categories: one more than the highest code, and no fewer than the user says."""
        highest = kernels.highest_codes(X, self.n_jobs)
        sizes = np.minimum(highest, MOST - 1).astype(np.int64) + 1
        least = self.min_categories
        if least is None:
            return np.maximum(sizes, 1)
        least = np.asarray(least)
        if least.dtype.kind not in "iu" and not all(type(each) is int for each in least.ravel().tolist()):
            raise ValueError(f"'min_categories' should have integral type. Got {least.dtype} instead.")
        if least.ndim and least.shape not in (sizes.shape, (1,)):
            raise ValueError(
                f"'min_categories' should have shape {sizes.shape} when an array-like is provided. Got"
                f" {least.shape} instead."
            )
        least = np.array([min(each, MOST) for each in least.ravel().tolist()], np.int64)
        return np.maximum(np.maximum(sizes, least), 1)

    def _estimate(self):
        alpha = smoothing(self.alpha, self.force_alpha, self.n_features_in_)
        tables = [category_log_prob(count, alpha) for count in self.category_count_]
        self.feature_log_prob_ = [known for known, _ in tables]
        self._unseen = [unseen for _, unseen in tables]
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)

    def _ready(self):
        self._starts, self._table = stacked(list(zip(self.feature_log_prob_, self._unseen, strict=True)))

    def _scores(self, X):
        return kernels.category_scores(X, self._starts, self._table, self.class_log_prior_, self.n_jobs)

    def _terms(self, X):
        return category_terms(X[0], self._starts, self._table)


def check_tables(sizes, k, enough):
    """Refuse tables of counts beyond reason (of which X fills hardly any part) or beyond the memory.

    sizes: (n_features,) categories | k: classes | enough: counts that X, or the rows before, may ask for
    """
    counts = k * sum(sizes.tolist())
    if counts <= LARGE:
        return
    j = int(np.argmax(sizes))
    what = (
        f"column {j} of X has {sizes[j]} categories, from 0 to its highest number (or min_categories): with"
        f" {k} classes that makes {counts:.3g} counts"
    )
    cure = "number the categories without gaps, as sklearn.preprocessing.OrdinalEncoder does, or take MixedNB"
    if counts > enough:
        raise ValueError(f"{what}, which take {8 * COPIES * counts / 2**30:.3g} GiB, nearly all of them 0: {cure}")
    check_memory(8 * COPIES * counts, what, cure)


def category_terms(x, starts, table):
    """(n_classes, n_features): log P(x_j | c), 0 where x_j is missing."""
    terms = np.zeros((len(x), table.shape[1]))
    for j in np.flatnonzero(x >= 0):
        terms[j] = table[min(starts[j] + int(x[j]), starts[j + 1] - 1)]
    return terms.T
