"""Naive Bayes over tables whose columns are of several types: MixedNB."""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import StrOptions
from fastml.base import Interval
from fastml.naive_bayes.base import NaiveBayes, is_plain
from fastml.naive_bayes.categorical import category_log_prob, category_terms, stacked
from fastml.naive_bayes.columns import CATEGORICAL, COUNT, REAL, Rows, chosen, kinds_of, rows_of_table, union, values_of
from fastml.naive_bayes.counts import linear_terms
from fastml.naive_bayes.gaussian import check_moments, density, gaussian_terms, normal, stored
from fastml.naive_bayes.in_parts import fit_in_parts
from fastml.naive_bayes.smoothing import log_prior, shares
from fastml_ext import naive_bayes as kernels

__all__ = ["MixedNB"]


class Counted(NamedTuple):
    """What one pass over rows leaves of them; each table has a row or a column for every class."""

    moments: tuple  # (total, mean, spread) of the real columns
    values: list  # of each categorical column its values, in order
    tables: list  # and the weight of each class and value (n_classes, n_values)
    sums: np.ndarray  # (n_classes, n_count) of the columns of counts


class MixedNB(NaiveBayes):
    """Naive Bayes that takes each column by its type: real numbers, categories, or counts.

    Parameters
    ----------
    alpha : float, default=1.0
        Added to every count of a category, and to every sum of a column of counts; 0 for no smoothing.
    var_smoothing : float, default=1e-9
        Times the largest variance of a real column: added to every variance.
    fit_prior : bool, default=True
        Whether the prior of the classes is their share of the rows; if not, it is uniform.
    class_prior : array-like of shape (n_classes,), default=None
        The prior of the classes, given.
    categorical_features : "auto", array-like or None, default="auto"
        Columns taken as categories: places, names, or a mask. "auto" takes strings, bool, and categorical columns of
        data frames; None says that there are none.
    count_features : array-like or None, default=None
        Columns taken as counts, of which the shares in the class matter (multinomial): places, names, or a mask.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    class_count_, class_log_prior_ : ndarrays of shape (n_classes,)
        Weight of the rows of each class, and the logarithm of its prior.
    kinds_ : list of n_features str
        "real", "categorical" or "count" for each column.
    theta_, var_ : ndarrays of shape (n_classes, n_real)
        Mean and variance of the real columns in each class.
    epsilon_ : float
        What was added to the variances.
    categories_ : list of n_categorical lists
        The values of each categorical column.
    category_count_, category_log_prob_ : lists of n_categorical ndarrays of shape (n_classes, n_categories)
        Weight of the rows of each class and category, and log P(category | class).
    count_log_prob_ : ndarray of shape (n_classes, n_count)
        log P(column | class) of the columns of counts, as in MultinomialNB.

    Notes
    -----
    X is an array or list, also of objects, or a data frame of pandas or polars: numbers, strings, categories, bool.
    Missing values (NaN, None) are ignored, in fitting and in prediction, column by column. A category never seen in
    fitting has the smoothed count 0 + alpha in prediction; without smoothing it says nothing. See Mitchell, Machine
    Learning, 1997, section 6.9; John and Langley, UAI 1995, for the normal densities.

    Examples
    --------
    >>> from fastml.naive_bayes import MixedNB
    >>> X = [["red", 1.0], ["red", 1.5], ["blue", 8.0], [None, 9.0], ["blue", 7.0]]
    >>> model = MixedNB().fit(X, ["cherry", "cherry", "plum", "plum", "plum"])
    >>> model.kinds_
    ['categorical', 'real']
    >>> model.predict([["red", 1.2], ["green", 8.0]]).tolist()
    ['cherry', 'plum']
    """

    _parameter_constraints: dict = {
        **NaiveBayes._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "var_smoothing": [Interval(Real, 0, None, closed="left")],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "count_features": ["array-like", None],
    }
    shared_parameters = ("alpha", "class_prior", "fit_prior", "var_smoothing")
    _counted: Counted
    _summed = ("_counted",)
    _entries = 3
    _derived = ("_place", "_normal", "_categories")
    _fast_columns = -1  # until it is fitted

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        var_smoothing: float = 1e-9,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        categorical_features: Any = "auto",
        count_features: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.var_smoothing = var_smoothing
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.categorical_features = categorical_features
        self.count_features = count_features
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    # ------------------------------------------------------------------------------------------------ counting

    def _check_training(self, X, y, reset):
        from fastml.table import is_categorical, read

        self._validate_params()
        if y is None:
            raise ValueError("MixedNB requires y to be passed, but the target y is None")
        if reset and hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        table, y = read(self, X, y, reset=reset, text=True, accept_sparse=False)
        if reset:
            categorical = is_categorical(table, self.categorical_features, table.names)
            counts = chosen(self.count_features, table.names, "count_features")
            self.kinds_ = kinds_of(table, categorical, counts)
        self._values = [values_of(table.column(j)) for j, kind in enumerate(self.kinds_) if kind == CATEGORICAL]
        rows = rows_of_table(table, self.kinds_, [numbered(values) for values in self._values], "MixedNB")
        if reset:
            self._dtype = np.dtype(np.float32 if rows.real.dtype == np.float32 else np.float64)
            plain = set(self.kinds_) == {REAL} and not hasattr(self, "feature_names_in_")
            self._fast_columns = table.n_columns if plain else -1
        return rows, y

    _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.table import is_categorical

        parts = table.parts
        names = parts.names or [f"x{j}" for j in range(parts.n_features)]
        none = table_of_block(np.empty((0, len(names)), parts.dtype), names, parts.texts)
        counts = chosen(self.count_features, names, "count_features")
        self.kinds_ = kinds_of(none, is_categorical(none, self.categorical_features, names), counts)
        self._dtype = np.dtype(float) if parts.texts else parts.dtype
        fit_in_parts(self, table, reduce)

    def _rows_of_block(self, X):
        table = table_of_block(X, [f"x{j}" for j in range(X.shape[1])])
        self._values = [values_of(table.column(j)) for j, kind in enumerate(self.kinds_) if kind == CATEGORICAL]
        return rows_of_table(table, self.kinds_, [numbered(values) for values in self._values], "MixedNB")

    def _add_counts(self, first, second):
        return (merged(first[0], second[0]),)

    def _note_parts(self, parts):
        self._note_columns()

    def _note_columns(self):
        """Plain rows of real columns alone take the short way."""
        plain = set(getattr(self, "kinds_", ())) == {REAL} and not hasattr(self, "feature_names_in_")
        self._fast_columns = self.n_features_in_ if plain else -1

    def _take(self, X, rows):
        return X.take(rows)

    def _count(self, X, codes, weight, first):
        k = len(self.classes_)
        moments = kernels.moments(X.real, codes, weight, k, self.n_jobs)
        check_moments(X.real, weight, moments, self._real_columns())
        sums, negative = kernels.sum_by_class(X.counts, codes, weight, k, self.n_jobs)
        if negative:
            raise ValueError(
                "Negative values in the columns of count_features: MixedNB takes counts from 0 upwards there"
            )
        starts = np.append(0, np.cumsum([len(values) for values in self._values])).astype(np.int64)
        table = kernels.count_categories(X.places, codes, weight, starts, k, self.n_jobs)
        values, tables = [], []
        for found, a, b in zip(self._values, starts[:-1], starts[1:], strict=True):
            seen = table[a:b].any(axis=1)  # a value of rows without weight is none
            values.append([value for value, there in zip(found, seen, strict=True) if there])
            tables.append(np.ascontiguousarray(table[a:b][seen].T))
        del self._values
        counted = Counted(moments, values, tables, sums)
        self._counted = counted if first else merged(self._counted, counted)

    def _real_columns(self):
        return np.flatnonzero(np.array(self.kinds_) == REAL)

    def _estimate(self):
        counted = self._counted
        mean, variance, self.epsilon_ = normal(counted.moments, self.var_smoothing, self._real_columns())
        self.theta_, self.var_ = mean.astype(self._dtype), stored(variance, self._dtype)
        self.categories_, self.category_count_ = counted.values, counted.tables
        pairs = [category_log_prob(table, self.alpha) for table in counted.tables]
        self.category_log_prob_ = [known for known, _ in pairs]
        self._unseen = [unseen for _, unseen in pairs]
        self.count_log_prob_ = shares(counted.sums, self.alpha)
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)

    def _ready(self):
        self._place = [numbered(values) for values in self.categories_]
        self._normal = density(self.theta_, self.var_)
        pairs = list(zip(self.category_log_prob_, self._unseen, strict=True))
        self._categories = stacked(pairs) if pairs else None

    # ------------------------------------------------------------------------------------------------ predicting

    def _check_rows(self, X):
        if is_plain(X, self._fast_columns) and X.dtype == self._dtype:
            return X
        check_is_fitted(self)
        from fastml.table import read

        table, _ = read(self, X, reset=False, text=True, accept_sparse=False)
        rows = rows_of_table(table, self.kinds_, self._place, "MixedNB")
        return rows._replace(real=rows.real.astype(self._dtype, copy=False))

    def _scores(self, X):
        if type(X) is np.ndarray:
            return kernels.gaussian_scores(X, *self._normal, self.class_log_prior_, self.n_jobs)
        scores = kernels.gaussian_scores(X.real, *self._normal, self.class_log_prior_, self.n_jobs)
        nothing = np.zeros(len(self.classes_))
        if self._categories is not None:
            scores += kernels.category_scores(X.places, *self._categories, nothing, self.n_jobs)
        if X.counts.shape[1]:
            scores += kernels.linear_scores(X.counts, self.count_log_prob_, nothing, self.n_jobs)
        return scores

    def _terms(self, X):
        X = X if isinstance(X, Rows) else Rows(X, np.empty((1, 0), np.int64), np.empty((1, 0)), None)
        terms = np.empty((len(self.classes_), len(self.kinds_)))
        kinds = np.array(self.kinds_)
        terms[:, kinds == REAL] = gaussian_terms(X.real[0], *self._normal)
        terms[:, kinds == COUNT] = linear_terms(X.counts[0], self.count_log_prob_)
        if self._categories is not None:
            terms[:, kinds == CATEGORICAL] = category_terms(X.places[0], *self._categories)
        return terms

    def _shown(self, X):
        return X[0].tolist() if type(X) is np.ndarray else [first_value(X.table.column(j)) for j in range(X.shape[1])]


def table_of_block(X, names, texts=None):
    """The Table of rows of a table in parts; texts: which columns of no rows are texts."""
    from fastml.kinds import Categories
    from fastml.kinds.frames import numpy_column
    from fastml.table import Table

    if X.dtype.kind != "O":
        return Table(X, None, names)
    columns = [numpy_column(X[:, j], name) for j, name in enumerate(names)]
    for j in np.flatnonzero(texts) if texts else ():
        columns[j] = Categories(np.empty(0, np.int64), np.empty(0, object))
    return Table(None, columns, names)


def numbered(values):
    return {value: at for at, value in enumerate(values)}


def merged(first, second):
    """What two sets of rows leave together."""
    values = [union(a, b) for a, b in zip(first.values, second.values, strict=True)]
    tables = []
    for j, every in enumerate(values):
        place = numbered(every)
        table = np.zeros((len(first.sums), len(every)))
        for counted in (first, second):
            table[:, [place[value] for value in counted.values[j]]] += counted.tables[j]
        tables.append(table)
    moments = kernels.merge_moments(first.moments, second.moments)
    return Counted(moments, values, tables, first.sums + second.sums)


def first_value(column):
    """The value in the first row of a column, None where it is missing."""
    if hasattr(column, "codes"):
        return None if column.codes[0] < 0 else column.values[column.codes[0]]
    return column[0].item()
