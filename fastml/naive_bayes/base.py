"""What every naive Bayes does once it has counted: probabilities, predictions, explanations, paths, shared searches."""

import copy
from collections.abc import Iterator
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastml._sklearn import _check_partial_fit_first_call
from fastml.base import Estimator, check_weight, encode_labels, one_row
from fastml.explanation import Explanation
from fastml.naive_bayes.in_parts import count_in_blocks, weights_of_classes
from fastml.sharing import rows_of, separate_fit
from fastml_ext import checks, pool
from fastml_ext import naive_bayes as kernels
from fastml_ext.blocks import block_rows

__all__ = ["EACH", "NaiveBayes", "check_priors", "is_plain"]

LARGE = 2**20  # values
EACH = np.empty(0)  # weights of one each


class NaiveBayes(ClassifierMixin, Estimator):
    """log P(c | x) = log P(c) + sum over the features of log P(x_j | c), up to a constant.

    `_count` takes rows into the tables, `_estimate` makes probabilities of the tables, `_scores` and `_terms` use them.
    Parameters that only `_estimate` reads share the count: `shared_parameters` names them.
    """

    _parameter_constraints: dict = {"n_jobs": [Integral, None]}
    shared_parameters: tuple[str, ...] = ()
    _sparse_input = False
    _of_counts = False  # whether X counts or codes something: scikit-learn's clouds of real numbers are not for it
    _exact_bytes = 4  # size of integers that float64 holds exactly
    class_count_: np.ndarray
    _weighted_parts = True
    _summed: tuple[str, ...] = ()  # attributes that `_count` makes of rows
    _entries = 1  # of what is counted, a class and column
    _kernel_blocks = False  # whether the kernels add weights in the blocks of tables in parts by themselves
    _derived: tuple[str, ...] = ()  # attributes that `_ready` makes of the others

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = self._sparse_input
        tags.classifier_tags.poor_score = self._of_counts
        return tags

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Count the rows of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; sparse matrices and data frames where the class says so. NaN is missing: it plays no part.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative: 2 is as good as having the row twice, 0 as not having it. None for 1 each.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, a value of X, a label or a weight cannot be used; the message says which and why.
        """
        X, y = self._check_training(X, y, reset=True)
        self.classes_, codes = encode_labels(y)
        return self._learn(X, codes, sample_weight, first=True)

    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Count more rows: in pieces, the model is the one that `fit` makes of all rows.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`
            More rows.
        classes : array-like of shape (n_classes,), default=None
            All labels that may ever come; needed in the first call only.

        Returns
        -------
        self
            The fitted estimator.
        """
        if getattr(self, "classes_", None) is None:
            self._validate_params()  # what is wrong with them is said before what a first call needs
        first = _check_partial_fit_first_call(self, classes)
        X, y = self._check_training(X, y, reset=first)
        y = column_or_1d(y, warn=True)
        codes = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        if (strange := self.classes_[codes] != y).any():
            raise ValueError(
                f"The target label(s) {np.unique(y[strange])} in y do not exist in the initial classes {self.classes_}"
            )
        return self._learn(X, codes.astype(np.int64, copy=False), sample_weight, first)

    def _check_training(self, X, y, reset):
        """(X, y) checked; the dtype of a first call stays."""
        kept = getattr(self, "_dtype", None)
        options = {"accept_sparse": "csr"} if self._sparse_input else {}
        X, y = self._check_fit(X, y, small_integers=True, allow_nan=True, reset=reset, **options)
        if not reset:
            self._dtype = kept
        return X, y

    def _learn(self, X, codes, sample_weight, first):
        weight, block = EACH, block_rows(self._entries * len(self.classes_))
        if sample_weight is not None:
            weight = check_weight(sample_weight, len(codes))
            whole = weight.all()
            if not (whole and self._kernel_blocks) and first and len(codes) > block and not issparse(X):
                count_in_blocks(self, X, codes, weight)
                self._estimate()
                self._ready()
                return self
            if not whole:
                kept = np.flatnonzero(weight)
                X, codes, weight = self._take(X, kept), codes[kept], weight[kept]
        counts = weights_of_classes(codes, weight, len(self.classes_), block)
        if len(weight) and not np.isfinite(counts.sum()):
            raise ValueError(f"sample_weight goes up to {weight.max():g}, which overflows in sums: divide it by that")
        self._count(X, codes, weight, first)
        self.class_count_ = counts if first else self.class_count_ + counts
        self._estimate()
        self._ready()
        return self

    def _take(self, X, rows):
        return X[rows]

    def _add_counts(self, first, second):
        """What two sets of rows leave together in the attributes `_summed`."""
        return tuple(a + b for a, b in zip(first, second, strict=True))

    def _ready(self):
        """Make what the kernels take of the fitted attributes."""

    # ------------------------------------------------------------------------------------------------ predicting

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row of X: (n_samples,); of equally probable ones the first."""
        best = kernels.most_probable(self._scores(self._check_rows(X)), self.n_jobs)
        return self.classes_[best]

    def predict_joint_log_proba(self, X: Any) -> np.ndarray:
        """log P(c) + log P(x | c) of each row: (n_samples, n_classes) in the dtype of X."""
        with np.errstate(over="ignore"):  # float32 has no number below -3.4e38 but -inf
            return self._scores(self._check_rows(X)).astype(self._dtype, copy=False)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log P(c | x) of each row: (n_samples, n_classes) in the dtype of X.

        Where no class is possible, which takes a model without smoothing, all are equally likely.
        """
        with np.errstate(over="ignore"):  # as above
            return self._log_posterior(X).astype(self._dtype, copy=False)

    def predict_proba(self, X: Any) -> np.ndarray:
        """P(c | x) of each row: (n_samples, n_classes) in the dtype of X, in the order of `classes_`."""
        return np.exp(self._log_posterior(X)).astype(self._dtype, copy=False)

    def _log_posterior(self, X):
        return kernels.log_posterior(self._scores(self._check_rows(X)), self.n_jobs)

    def _check_rows(self, X):
        """As every estimator's; whole numbers, which are common here, pass at once, too."""
        if type(X) is np.ndarray:
            columns = getattr(self, "_fast_columns", -1)
            if is_plain(X, columns) and X.dtype == self._dtype:
                return X
            whole = X.dtype.kind in "iu" and X.dtype.itemsize <= self._exact_bytes and X.dtype.isnative
            if whole and X.shape[1:] == (columns,) and len(X) and X.flags.c_contiguous:
                return X
        return super()._check_rows(X)

    # ------------------------------------------------------------------------------------------------ many settings

    def predict_path(self, X: Any, **values: Any) -> np.ndarray:
        """What `predict` answers for each of several values of one parameter, from one count.

        Parameters
        ----------
        X : as for `predict`
            Rows.
        **values : sequence
            One of the class's `shared_parameters`, such as alpha or var_smoothing, with the values wanted.

        Returns
        -------
        labels : ndarray of shape (n_values, n_samples)
            Row i is what `predict(X)` gives after fitting with the i-th value.
        """
        if len(values) != 1 or not set(values) <= set(self.shared_parameters):
            raise ValueError(
                f"predict_path takes one of {', '.join(self.shared_parameters)}, but got {', '.join(values) or 'none'}"
            )
        ((name, wanted),) = values.items()
        X = self._check_rows(X)
        scores = (self._with(**{name: value})._scores(X) for value in wanted)
        return np.array([self.classes_[kernels.most_probable(each, self.n_jobs)] for each in scores])

    def shared_responses(self, X: Any, y: Any, splits: Any, settings: Any, method: Any) -> Iterator[Any]:
        """Responses of every setting for each split, from one count a split; see fastml/sharing.py."""
        for train, test in splits:
            with separate_fit():
                counted = clone(self).fit(rows_of(X, train), rows_of(y, train))
                X_test = rows_of(X, test)
                responses = [getattr(counted._with(**setting), method)(X_test) for setting in settings]
            yield responses

    def _with(self, **setting):
        """The model that these parameters would have made of the rows counted."""
        check_is_fitted(self)
        other = copy.copy(self).set_params(**setting)
        other._validate_params()
        other._estimate()
        other._ready()
        return other

    # ------------------------------------------------------------------------------------------------ explaining

    def explain(self, x: Any) -> Any:
        """Which features speak for the predicted class of one sample, and how loudly.

        Parameters
        ----------
        x : array-like of shape (n_features,) or (1, n_features), or one row of a sparse matrix or data frame
            The sample.

        Returns
        -------
        Explanation
            A row for each feature, the weightiest first: its value, log P(value | c) for the predicted class and for
            the runner-up, and their difference, the log-odds. These and the log-odds of the classes themselves, in the
            row "(classes)", add up to the logarithm of how much more probable the prediction is. Missing values and
            others that say nothing are left out. Details: `log_likelihoods` (n_classes, n_features), `log_prior`
            (n_classes,), `log_odds`, `runner_up` and `probabilities`.
        """
        x = np.array(x, object) if isinstance(x, list | tuple) else x  # words beside numbers leave them numbers
        X = self._check_rows(one_row(x))
        scores = self._scores(X)
        probabilities = np.exp(kernels.log_posterior(scores))[0]
        terms, values, prior = self._terms(X), self._shown(X), self._log_prior()
        best, *others = np.argsort(-scores[0], kind="stable")
        second = others[0] if others else best
        with np.errstate(invalid="ignore"):
            odds = np.where(terms[best] == terms[second], 0.0, terms[best] - terms[second])
            before = prior[best] - prior[second] if prior[best] != prior[second] else 0.0
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(len(values))])
        rows = [
            (str(names[j]), values[j], *map(float, (terms[best, j], terms[second, j], odds[j])))
            for j in np.argsort(-np.abs(odds), kind="stable")
            if terms[:, j].any()
        ]
        winner, loser = self.classes_[best], self.classes_[second]
        rows.append(("(classes)", "", float(prior[best]), float(prior[second]), float(before)))
        return Explanation(
            winner,
            f"{winner}: P = {probabilities[best]:.4g}, log-odds against {loser} {before + odds.sum():.4g}",
            ("feature", "value", f"log P(value | {winner})", f"log P(value | {loser})", "log-odds"),
            rows,
            {
                "log_likelihoods": terms,
                "log_prior": prior,
                "log_odds": odds,
                "runner_up": loser,
                "probabilities": probabilities,
            },
        )

    def _rows_of_block(self, X):
        """Rows of a table in parts as `_count` takes them."""
        return X

    def _log_prior(self):
        return self.class_log_prior_

    def _shown(self, X):
        """The values of one checked row, for people to read."""
        return (X.toarray() if issparse(X) else X)[0].tolist()

    # ------------------------------------------------------------------------------------------------ state

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name not in self._derived}

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "class_count_"):
            self._ready()


def is_plain(X, n_columns):
    """Is X, an array, a table that kernels take as it is? Large ones are looked at by several threads."""
    if type(X) is not np.ndarray or X.size < LARGE or X.ndim != 2:
        return checks.is_table(X, n_columns, np.ndarray)
    return all(pool.run(plain_rows, len(X), X, n_columns, cost=0.25 * n_columns))


def plain_rows(start, stop, X, n_columns):
    return checks.is_table(X[start:stop], n_columns, np.ndarray)


def check_priors(priors, n_classes, name):
    """The probabilities (n_classes,) given by the user."""
    try:
        priors = np.asarray(priors, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={priors!r} must be {n_classes} numbers, one for each class") from None
    if priors.shape != (n_classes,):
        raise ValueError(
            f"Number of priors must match number of classes: {name} has shape {priors.shape} for {n_classes} classes"
        )
    if not (priors >= 0).all():
        raise ValueError(f"Priors must be non-negative: {name}={priors.tolist()}")
    return priors
