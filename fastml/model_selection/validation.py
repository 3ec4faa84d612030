"""Cross-validation with what is needed to judge it: errors of the mean, paired comparisons, out-of-fold predictions."""

import contextlib
from typing import Any, NamedTuple

import numpy as np
import sklearn.model_selection
from joblib import parallel_config
from scipy.special import stdtr, stdtrit
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.utils import indexable

from fastml._sklearn import _check_method_params, _insert_error_scores, _warn_or_raise_about_fit_failures
from fastml.base import in_parts
from fastml.kinds.lazy import is_lazy, refuse_all_lazy
from fastml.metrics.scoring import check_scoring, refuse_metric
from fastml.model_selection._evaluation import rows_meant
from fastml.model_selection._there import Data, fit_there, workers_now
from fastml.model_selection.folds import checked_folds
from fastml.progress import progress_bar
from fastml.sharing import rows_of

__all__ = ["CrossValidation", "PairedDifference", "cross_val_predict", "cross_val_score", "cross_validate"]


class PairedDifference(NamedTuple):
    """Scores of one model minus those of another on the same folds, and the corrected t-test of their mean."""

    mean: float
    low: float
    high: float
    t: float
    p_value: float
    differences: np.ndarray


class CrossValidation(dict):
    """What scikit-learn's cross_validate returns, and what follows from it.

    indices: {"train": rows, "test": rows} of each fold
    predictions: out-of-fold predictions (n_samples, ...), where they were asked for, else None

    Scores are of folds whose training sets overlap, so their plain standard error is too small: `interval` and `minus`
    use the variance (1/folds + n_test/n_train) s^2 of C. Nadeau and Y. Bengio, Inference for the generalization error,
    Machine Learning 52 (2003), with Student's t of folds - 1 degrees of freedom.
    """

    def __init__(self, results: Any, indices: Any, predictions: Any = None) -> None:
        super().__init__(results)
        self.indices, self.predictions = indices, predictions

    def mean(self, name: str = "score") -> float:
        """Mean of the scores of the folds."""
        return float(np.mean(self._scores(name)))

    def std(self, name: str = "score", ddof: Any = 1) -> float:
        """Standard deviation of the scores of the folds, dividing by folds - ddof."""
        return float(np.std(self._scores(name), ddof=ddof))

    def standard_error(self, name: str = "score") -> float:
        """Standard deviation (ddof=1) over the root of the number of folds: as if the folds were independent."""
        return self.std(name) / np.sqrt(len(self._scores(name)))

    def interval(self, name: str = "score", level: float = 0.95) -> tuple[float, float]:
        """(low, high): confidence interval of the mean score, corrected for overlapping training sets."""
        mean, half, _ = corrected(self._scores(name), self._test_share(), level)
        return mean - half, mean + half

    def minus(self, other: Any, name: str = "score", level: float = 0.95) -> Any:
        """`PairedDifference` from another model on the same folds; ValueError where the folds are not the same."""
        ours, theirs = ([*each.indices["train"], *each.indices["test"]] for each in (self, other))
        if len(ours) != len(theirs) or not all(map(np.array_equal, ours, theirs)):
            raise ValueError("the two were not validated on the same folds: pass the same cv with a fixed random_state")
        return paired_difference(self._scores(name), other._scores(name), self._test_share(), level)

    def __repr__(self):
        names = [key.removeprefix("test_") for key in self if key.startswith("test_")]
        lines = [f"{name}: {self.mean(name):.4f} ± {self.std(name):.4f}" for name in names]
        return f"{len(self.indices['test'])} folds, mean ± standard deviation (ddof=1): {', '.join(lines)}"

    def _scores(self, name):
        if f"test_{name}" not in self:
            known = [key.removeprefix("test_") for key in self if key.startswith("test_")]
            raise ValueError(f"no score named {name!r}, only {known}")
        return np.asarray(self[f"test_{name}"], float)

    def _test_share(self):
        return np.mean([len(test) / len(train) for train, test in zip(*self.indices.values(), strict=True)])


def paired_difference(ours, theirs, test_share, level=0.95):
    """`PairedDifference` of the scores of two models, (n_folds,) each; test_share: test rows by training rows."""
    differences = np.asarray(ours, float) - np.asarray(theirs, float)
    mean, half, t = corrected(differences, test_share, level)
    p_value = 2 * float(stdtr(len(differences) - 1, -abs(t)))
    return PairedDifference(mean, mean - half, mean + half, t, p_value, differences)


def corrected(scores, test_share, level):
    """(mean, half the confidence interval, t) of the scores of folds, by Nadeau and Bengio."""
    if not 0 < level < 1:
        raise ValueError(f"level={level} must lie between 0 and 1")
    if len(scores) < 2:
        raise ValueError("one fold has no spread: an interval needs at least two")
    mean = float(np.mean(scores))
    error = float(np.sqrt((1 / len(scores) + test_share) * np.var(scores, ddof=1)))
    t = mean / error if error > 0 else np.copysign(np.inf, mean) if mean else 0.0
    return mean, float(stdtrit(len(scores) - 1, (1 + level) / 2)) * error, float(t)


class WatchedSplits:
    """A splitter that keeps the rows it hands out and tells how many folds have begun."""

    def __init__(self, cv, show):
        self.cv, self.show, self.given = cv, show, []

    def split(self, *data, **params):
        for train, test in self.cv.split(*data, **params):
            if self.show is not None:
                self.show(len(self.given))
            self.given.append((train, test))
            yield train, test

    def __getattr__(self, name):
        return getattr(self.cv, name)


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: Any = 0,
    params: Any = None,
    pre_dispatch: Any = "2*n_jobs",
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
    return_predictions: Any = False,
) -> CrossValidation:
    """Scores of a model on each of several folds, fitted on the others.

    Parameters and results as of scikit-learn's cross_validate, and besides:

    Parameters
    ----------
    return_predictions : bool or str, default=False
        The response of each row by the model that was not fitted on it: True for "predict", or the name of a method.
        Rows in no test fold are NaN; of one in several the last counts.
    n_jobs : int, default=None
        Threads that fit folds at once, over one copy of X.
    verbose : int, default=0
        1 shows a bar with the time left.

    Returns
    -------
    CrossValidation
        scikit-learn's dict with mean, standard deviation, standard error, corrected interval and paired differences.

    Examples
    --------
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = [[i] for i in range(20)], [0] * 10 + [1] * 10
    >>> one, three = (cross_validate(KNeighborsClassifier(k), X, y, cv=5) for k in (1, 3))
    >>> one
    5 folds, mean ± standard deviation (ddof=1): score: 0.9000 ± 0.1369
    >>> one.minus(three).mean
    0.0
    """
    refuse_metric(scoring)
    if is_lazy(X) or isinstance(X, in_parts()):
        from fastml.scale.searching import cross_validated

        options = {"groups": groups, "scoring": scoring, "cv": cv, "verbose": verbose, "params": params}
        options |= {"return_train_score": return_train_score, "return_estimator": return_estimator}
        options |= {"return_indices": return_indices, "return_predictions": return_predictions}
        return CrossValidation(*cross_validated(estimator, X, y, options | {"error_score": error_score}))
    refuse_all_lazy(X=X, y=y)
    cv = checked_folds(cv, y, is_classifier(estimator))
    there = workers_now()
    if there is not None:
        settings = {"return_train_score": return_train_score, "error_score": error_score}
        settings |= {"return_estimator": return_estimator or bool(return_predictions)}
        given = scoring, cv, groups, params, settings, verbose
        results, splits = validated_there(there, estimator, X, y, *given)
        return finished(results, splits, X, return_estimator, return_indices, return_predictions)
    n_folds = cv.get_n_splits(X, y, groups if groups is not None else (params or {}).get("groups"))
    with progress_bar("cross-validation", n_folds, verbose == 1) as show, parallel_config("threading"):
        watched = WatchedSplits(cv, show)
        results = sklearn.model_selection.cross_validate(
            estimator,
            X,
            y,
            groups=groups,
            scoring=scoring,
            cv=watched,
            n_jobs=n_jobs,
            verbose=0 if verbose == 1 else verbose,
            params=params,
            pre_dispatch=pre_dispatch,
            return_train_score=return_train_score,
            return_estimator=return_estimator or bool(return_predictions),
            error_score=error_score,
        )
    return finished(results, watched.given, X, return_estimator, return_indices, return_predictions)


def finished(results, splits, X, return_estimator, return_indices, return_predictions):
    """The `CrossValidation` of scikit-learn's results and the splits."""
    indices = {"train": tuple(train for train, _ in splits), "test": tuple(test for _, test in splits)}
    predictions = None
    if return_predictions:
        method = "predict" if return_predictions is True else return_predictions
        predictions = out_of_fold(results["estimator"], X, indices["test"], method)
        if not return_estimator:
            del results["estimator"]
    if return_indices:
        results["indices"] = indices
    return CrossValidation(results, indices, predictions)


def validated_there(there, estimator, X, y, scoring, cv, groups, params, settings, verbose):
    """(scikit-learn's results, splits) of fits on workers; see `fastml.dask.workers`."""
    if get_config()["enable_metadata_routing"]:
        raise TypeError("metadata are not routed to fits on workers: cross_validate without fastml.dask.workers")
    scorer = check_scoring(estimator, scoring=scoring, raise_exc=settings["error_score"] == "raise")
    X, y = indexable(X, y)
    given = _check_method_params(X, params=params or {})
    given_groups = {} if groups is None else {"groups": groups}
    splits = [(rows_meant(train), rows_meant(test)) for train, test in cv.split(X, y, **given_groups)]
    options = settings | {"scorer": scorer, "return_times": True, "verbose": 0}
    tasks = [(split, estimator, None, options, f"fold {split}") for split in range(len(splits))]
    found: list = [None] * len(splits)
    with progress_bar("cross-validation", len(splits), verbose == 1) as show:
        for done, (place, result) in enumerate(there.run(fit_there, Data(X, y, given, {}), splits, tasks), 1):
            found[place] = result
            if show is not None:
                show(done)
    _warn_or_raise_about_fit_failures(found, settings["error_score"])
    if callable(scoring):
        _insert_error_scores(found, settings["error_score"])
    return arranged(found, settings), splits


def arranged(found, settings):
    """scikit-learn's dict of the results of each fold."""
    results: dict = {name: np.array([each[name] for each in found]) for name in ("fit_time", "score_time")}
    if settings["return_estimator"]:
        results["estimator"] = [each["estimator"] for each in found]
    for side in ("test", "train") if settings["return_train_score"] else ("test",):
        scores = [each[f"{side}_scores"] for each in found]
        names = {f"{side}_score": scores}
        if isinstance(scores[0], dict):
            names = {f"{side}_{name}": [each[name] for each in scores] for name in scores[0]}
        results |= {name: np.array(values) for name, values in names.items()}
    return results


def cross_val_score(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: Any = 0,
    params: Any = None,
    pre_dispatch: Any = "2*n_jobs",
    error_score: Any = np.nan,
) -> np.ndarray:
    """The scores of `cross_validate` alone, (n_folds,) float64; parameters as of scikit-learn's cross_val_score.

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> cross_val_score(KNeighborsClassifier(1), [[0], [1], [5], [6]], [0, 0, 1, 1], cv=2)
    array([1., 1.])
    """
    in_pieces = is_lazy(X) or isinstance(X, in_parts())
    if in_pieces and isinstance(scoring, dict | list | tuple | set):
        raise TypeError(f"scoring={scoring!r} must be one name: cross_validate takes several")
    scorer = scoring if in_pieces else check_scoring(estimator, scoring=scoring)
    options = {"groups": groups, "cv": cv, "n_jobs": n_jobs, "verbose": verbose, "params": params}
    options |= {
        "pre_dispatch": pre_dispatch,
        "error_score": error_score,
        "scoring": scorer if in_pieces else {"score": scorer},
    }
    return cross_validate(estimator, X, y, **options)["test_score"]


def cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: Any = 0,
    params: Any = None,
    pre_dispatch: Any = "2*n_jobs",
    method: str = "predict",
) -> Any:
    """What a model says of each row that it was not fitted on: scikit-learn's function, and of tables in parts.

    Parameters
    ----------
    estimator, X, y, groups, cv, n_jobs, verbose, params, pre_dispatch, method
        As of scikit-learn's cross_val_predict. X may be a table of `fastml.scale`, or collections of Dask.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        Of collections of Dask a Dask array, not computed yet.

    Examples
    --------
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> cross_val_predict(KNeighborsClassifier(1), [[0], [1], [5], [6]], [0, 0, 1, 1], cv=2)
    array([0, 0, 1, 1])
    """
    options = {"groups": groups, "cv": cv, "verbose": verbose, "params": params, "method": method}
    if is_lazy(X) or isinstance(X, in_parts()):
        from fastml.scale.searching import cross_predicted

        return cross_predicted(estimator, X, y, options)
    refuse_all_lazy(X=X, y=y)
    options["cv"] = checked_folds(cv, y, is_classifier(estimator))
    there, options["pre_dispatch"] = workers_now(), pre_dispatch
    with contextlib.ExitStack() as held:
        if there is not None:
            held.enter_context(parallel_config("dask", client=held.enter_context(there.client())))
        return sklearn.model_selection.cross_val_predict(estimator, X, y, n_jobs=n_jobs, **options)


def out_of_fold(models, X, tests, method):
    """(n_samples, ...) response of each row's own fold's model."""
    X = X if hasattr(X, "shape") else np.asarray(X)
    parts = [getattr(model, method)(rows_of(X, test)) for model, test in zip(models, tests, strict=True)]
    return placed(parts, tests, X.shape[0], method)


def placed(parts, tests, n, method):
    """(n, ...) the responses of several sets of rows, each in its place."""
    first = np.asarray(parts[0])
    missing = len(np.unique(np.concatenate(tests))) < n
    dtype = np.result_type(*parts, *([np.nan] if missing and first.dtype.kind in "iuf" else []))
    if missing and dtype.kind not in "f":
        dtype = np.dtype(object)  # labels, and NaN for the rows without one
    full = np.full((n, *first.shape[1:]), np.nan if missing else first.flat[0], dtype)
    for part, test in zip(parts, tests, strict=True):
        if np.shape(part)[1:] != first.shape[1:]:
            raise ValueError(f"{method} has {np.shape(part)[1:]} columns in one fold and {first.shape[1:]} in another")
        full[test] = part
    return full
