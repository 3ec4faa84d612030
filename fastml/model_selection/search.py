"""Searches over parameters: scikit-learn's, with the work that candidates share done once."""

import time
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import sklearn.model_selection
from sklearn.base import clone, is_classifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import BaseSearchCV, _check_method_params, check_input_parameters
from fastml.base import in_parts
from fastml.kinds.lazy import is_lazy, refuse_all_lazy
from fastml.metrics.scoring import refuse_metric
from fastml.model_selection._callbacks import SearchCallbacks
from fastml.model_selection._evaluation import Evaluation
from fastml.model_selection.folds import checked_folds
from fastml.telling import with_callbacks

__all__ = ["GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "OneStandardError", "RandomizedSearchCV"]

RESULTS = (
    "best_estimator_", "best_index_", "best_params_", "best_score_", "cv_results_", "feature_names_in_", "multimetric_",
    "n_splits_", "refit_time_", "scorer_", "shared_",
)  # fmt: skip


class SharedSearch(BaseSearchCV):
    """What the searches of fastml add to scikit-learn's of the same name."""

    def fit(self, X: Any, y: Any = None, *, dev: Any = None, **params: Any) -> Self:
        """Evaluate the candidates and fit the best one to all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
        dev : (X, y) of a development set, default=None
            Candidates are fitted on X and scored on this set instead of by cross-validation; the best one is then
            fitted on both.
        **params : dict
            As in scikit-learn: `groups`, `sample_weight` and other parameters of the estimator's fit.

        After an error the search is what it was. After Ctrl-C, KeyboardInterrupt is raised; if a candidate was done,
        `cv_results_`, `best_params_` and `best_score_` hold those that were, with no `best_estimator_`.
        """
        before = self.__dict__
        aside = self if "_skl_callbacks" in before else object.__new__(type(self))  # callbacks see the search itself
        aside.__dict__ = {name: value for name, value in before.items() if name not in RESULTS}
        try:
            aside._search(X, y, dev, params)
        except BaseException as error:
            kept = isinstance(error, KeyboardInterrupt) and hasattr(aside, "cv_results_")
            aside.__dict__.pop("best_estimator_", None)
            self.__dict__ = aside.__dict__ if kept else before
            raise
        self.__dict__ = aside.__dict__
        return self

    @with_callbacks
    def _search(self, X, y, dev, params):
        self._validate_params()
        if is_lazy(X) or isinstance(X, in_parts()):
            from fastml.scale.searching import search_parts

            search_parts(self, X, y, dev, params)
            return
        refuse_all_lazy(X=X, y=y)
        refuse_metric(self.scoring)
        cv = self.cv
        if dev is not None:
            X, y, cv = joined(X, y, dev)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        splits = routed.splitter.split
        self._checked_cv_orig = checked_folds(cv, y, is_classifier(self.estimator))
        self._n_samples_orig = X.shape[0] if hasattr(X, "shape") else len(X)  # successive halving asks for it
        check_input_parameters(self, X, y, splits)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **splits)
        self._questions = 0
        evaluation = Evaluation(self, scorers, X, y, routed)
        callbacks = SearchCallbacks(self, X, y, params)
        self._evaluate(evaluation, scorers, refit_metric, callbacks)
        if self.refit:
            self._fit_best(X, y, routed.estimator.fit, callbacks)
        callbacks.end()

    def _evaluate(self, evaluation, scorers, refit_metric, callbacks):
        """Try the candidates, and keep what was found; after Ctrl-C, of those that are done."""
        try:
            callbacks.run(evaluation.evaluate)
        except KeyboardInterrupt:
            if evaluation.out:
                self._keep(evaluation, scorers, refit_metric)
            raise
        self._keep(evaluation, scorers, refit_metric)

    def _keep(self, evaluation, scorers, refit_metric):
        """Store what was found, as scikit-learn does."""
        results = evaluation.results()
        first = evaluation.out[0]["test_scores"]
        self.multimetric_ = isinstance(first, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit) or "iter" in results:
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        self.shared_ = evaluation.shared

    def _fit_best(self, X, y, params, callbacks):
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))

        def fit():
            start = time.perf_counter()
            best.fit(X, *(() if y is None else (y,)), **params)
            self.refit_time_ = time.perf_counter() - start

        callbacks.refit(best, fit)
        self.best_estimator_ = best
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """The score of the best estimator on rows in memory, on a table in parts or on collections of Dask.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows; or a table of `fastml.scale`, which comes with y.
        y : array-like of shape (n_samples,), default=None
            The targets.
        **params : dict
            As in scikit-learn.

        Returns
        -------
        float
            By `scoring`, or the estimator's own score.
        """
        if is_lazy(X) or isinstance(X, in_parts()):
            from fastml.scale.searching import scored

            check_is_fitted(self, "best_estimator_")
            return scored(self, X, y)
        return super().score(X, y, **params)

    def test_score(self, X: Any, y: Any) -> float:
        """The score of the best model on rows it was not chosen with, to be asked once.

        A second question warns: whoever looks twice begins to choose by the test set.
        """
        check_is_fitted(self, "best_estimator_")
        self._questions += 1
        if self._questions > 1:
            warnings.warn(
                f"test_score was asked {self._questions} times: parameters chosen after looking at it are chosen on the"
                " test set, and its score is no longer that of unseen data",
                UserWarning,
                stacklevel=2,
            )
        return self.score(X, y)


def joined(X, y, dev):
    """(X, y, splitter) of a training and a development set, one after the other."""
    if not isinstance(dev, (tuple, list)) or len(dev) != 2:
        raise ValueError("dev must be a pair: (X, y) of the development set")
    Xd, yd = dev
    if (y is None) != (yd is None):
        raise ValueError("y is given for one of the training and the development set only")
    n, n_dev = (each.shape[0] if hasattr(each, "shape") else len(each) for each in (X, Xd))
    if n_dev == 0:
        raise ValueError("dev has no rows")
    cv = PredefinedSplit(np.repeat([-1, 0], [n, n_dev]))
    return stacked(X, Xd), None if y is None else stacked(y, yd), cv


def stacked(first, second):
    """The rows of two arrays, frames or sparse matrices of one kind, one after the other."""
    if type(first).__module__.startswith("scipy.sparse"):
        from scipy.sparse import vstack

        return vstack([first, second], format="csr")
    if hasattr(first, "iloc"):
        import pandas as pd

        return pd.concat([first, second], ignore_index=True)
    return np.concatenate([np.asarray(first), np.asarray(second)])


@dataclass(frozen=True)
class OneStandardError:
    """Refit rule: the simplest candidate within one standard error of the best, for the `refit` of a search.

    simplest: the parameter that says how simple a candidate is, smaller is simpler; with a minus before it, larger is:
        "max_depth", "-n_neighbors", "-alpha"
    metric: the name of the score, where there are several

    The standard error is that of the best candidate's scores: their standard deviation (ddof=1) over the root of the
    number of folds. L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and Regression Trees (1984), 3.4.3.

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = [[i] for i in range(20)], [0] * 9 + [1, 0] + [1] * 9
    >>> rule = OneStandardError("-n_neighbors")
    >>> GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}, refit=rule).fit(X, y).best_params_
    {'n_neighbors': 5}
    """

    simplest: str
    metric: str = "score"

    def __call__(self, results: Any) -> Any:
        """Index of the chosen candidate of `cv_results_`."""
        mean, std = (results[f"{part}_test_{self.metric}"] for part in ("mean", "std"))
        n_folds = sum(key.startswith("split") and key.endswith(f"_test_{self.metric}") for key in results)
        if n_folds < 2:
            raise ValueError("one fold has no standard error: the rule needs at least two")
        best = int(np.nanargmax(mean))
        name = self.simplest.removeprefix("-")
        if any(name not in params for params in results["params"]):
            raise ValueError(f"simplest={self.simplest!r} is not among the parameters of every candidate")
        order = np.array([params[name] for params in results["params"]]) * (-1 if self.simplest[0] == "-" else 1)
        as_good = np.flatnonzero(mean >= mean[best] - std[best] / np.sqrt(n_folds - 1))
        return int(min(as_good, key=lambda at: (order[at], -mean[at])))


class GridSearchCV(SharedSearch, sklearn.model_selection.GridSearchCV):
    """scikit-learn's GridSearchCV: every candidate of a grid, by cross-validation or on a development set.

    Parameters, results and attributes are scikit-learn's. Besides: `fit(X, y, dev=(Xd, yd))`, `test_score`, a refit
    rule `OneStandardError`, results kept after Ctrl-C, verbose=1 a bar with the time left, threads, not processes.

    Where the estimator shares work (fastml.sharing), the candidates that differ in the shared parameters only are
    evaluated together, and `shared_` counts them. `fit_time` of such a candidate is its equal part of the time in which
    all of them were fitted and answered the rows of the split, `score_time` that of scoring the answers; where a
    candidate is fitted by itself, they are the times of its own fit, and of its answer and score, as in scikit-learn.

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = [[i] for i in range(20)], [0] * 9 + [1, 0] + [1] * 9
    >>> search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}).fit(X, y)
    >>> search.best_params_, search.shared_
    ({'n_neighbors': 3}, 3)
    """


class RandomizedSearchCV(SharedSearch, sklearn.model_selection.RandomizedSearchCV):
    """scikit-learn's RandomizedSearchCV with the additions of `GridSearchCV`."""


class HalvingGridSearchCV(SharedSearch, sklearn.model_selection.HalvingGridSearchCV):
    """scikit-learn's HalvingGridSearchCV with the additions of `GridSearchCV`."""


class HalvingRandomSearchCV(SharedSearch, sklearn.model_selection.HalvingRandomSearchCV):
    """scikit-learn's HalvingRandomSearchCV with the additions of `GridSearchCV`."""
