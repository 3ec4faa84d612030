"""How an estimator tells the searches of fastml.model_selection which of its parameters share work.

The protocol is one attribute and one method:

    class KNeighborsClassifier(...):
        shared_parameters = ("n_neighbors", "weights")      # many values of these cost little more than one

        def shared_responses(self, X, y, splits, settings, method):
            for train, test in splits:
                yield [response for setting in settings]

`response` must be what a separate fit gives, to the last bit:

    clone(self).set_params(**setting).fit(X[train], y[train]).<method>(X[test])

Where a fit itself goes to an optimum only as far as its tolerance, and each value starts where the last one ended, the
two agree to that tolerance and no further: the estimator says so by `shared_to_tolerance = True`. Scores that count
labels are then equal unless a row lies on the boundary to within the tolerance.

A grid over these parameters then costs one call for each combination of all the other parameters, instead of one fit
for each candidate and fold. What is shared is the estimator's business: a tree grows once for each fold and is cut
back, a logistic regression starts each C from the one before, one matrix of normal equations serves every alpha of a
ridge regression, neighbours are searched once for all folds.

What the estimator cannot share it declines by raising `NotShared`: the candidates concerned are then fitted one by one.
What a separate fit does as well, such as checking the rows or a setting, stands in `with separate_fit():`, which turns
any failure into NotShared: so a candidate that fails is reported as scikit-learn reports it, and the others keep their
scores. Any other exception is a fault of the code that shares, and is raised.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from fastml._sklearn import _safe_indexing

__all__ = ["NotShared", "SharesWork", "group_by_shared_work", "separate_fit", "shared_parameters", "shared_responses"]


class NotShared(Exception):  # noqa: N818 - it declines, nothing went wrong
    """These candidates do not share their work: fit each by itself."""


@contextmanager
def separate_fit():
    """Round what a separate fit of the candidate does too: a failure in it is for that fit to report."""
    try:
        yield
    except Exception as error:
        raise NotShared(f"a candidate fails: {error}") from error


@runtime_checkable
class SharesWork(Protocol):
    """An estimator that evaluates many values of some parameters in one go.

    shared_parameters: names of those parameters; empty where, with the others as they are, nothing can be shared
    """

    shared_parameters: tuple[str, ...]

    def shared_responses(
        self, X: Any, y: Any, splits: list[tuple[np.ndarray, np.ndarray]], settings: list[dict], method: str
    ) -> Iterator[Iterable[np.ndarray]]:
        """Responses of every setting, for each split in turn.

        X, y: as given to fit | splits: (training rows, test rows) as integers; test rows may be training rows too
        settings: values of shared parameters; each states the same ones
        method: "predict", "predict_proba", "decision_function"...

        Yields, for each split, as many responses as there are settings; raises NotShared for what it declines.
        """
        ...


def shared_parameters(estimator):
    """Names, as set_params takes them, of the parameters of which many values share work; a pipeline's last step's.

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> shared_parameters(Pipeline([("scale", "passthrough"), ("knn", KNeighborsClassifier())]))
    ('knn__n_neighbors', 'knn__weights')
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return tuple(f"{name}__{parameter}" for parameter in shared_parameters(last))
    return tuple(estimator.shared_parameters) if isinstance(estimator, SharesWork) else ()


def shared_responses(estimator, X, y, splits, settings, method):
    """`shared_responses` of an estimator; of a pipeline, whose other steps are fitted once a fold, the last step's."""
    if not isinstance(estimator, Pipeline):
        yield from estimator.shared_responses(X, y, splits, settings, method)
        return
    name, last = estimator.steps[-1]
    settings = [{key.removeprefix(f"{name}__"): value for key, value in setting.items()} for setting in settings]
    for train, test in splits:
        before = clone(Pipeline(estimator.steps[:-1])) if len(estimator.steps) > 1 else None
        ours, theirs = rows_of(X, train), rows_of(X, test)
        if before is not None:
            with separate_fit():
                ours, theirs = before.fit_transform(ours, y[train]), before.transform(theirs)
        if issparse(ours) or issparse(theirs):
            raise NotShared("steps that give sparse matrices are not shared")
        both = np.concatenate([np.asarray(ours), np.asarray(theirs)])
        cut = np.arange(len(train)), np.arange(len(train), len(both))
        yield from last.shared_responses(both, np.concatenate([y[train], y[test]]), [cut], settings, method)


def group_by_shared_work(estimator, candidates):
    """Yield (estimator, settings, places): the candidates in groups that differ in shared parameters only.

    estimator: a clone with the parameters that the group has in common | settings: the shared ones, of each candidate
    places: where in `candidates` they stand. A group of one has nothing to share.
    """
    groups: dict = {}
    for place, candidate in enumerate(candidates):
        shared = shared_parameters_given(estimator, candidate)
        own = {name: value for name, value in candidate.items() if name not in shared}
        setting = {name: value for name, value in candidate.items() if name in shared}
        key = *sorted((name, identity(value)) for name, value in own.items()), *(sorted(setting) or [place])
        groups.setdefault(key, (own, [], []))
        groups[key][1].append(setting)
        groups[key][2].append(place)
    for own, settings, places in groups.values():
        if len(settings) == 1:  # nothing to share, and nobody asks for the estimator
            yield estimator, settings, places
        else:
            yield clone(estimator).set_params(**clone(own, safe=False)), settings, places


def shared_parameters_given(estimator, candidate):
    """The shared parameters of the estimator with the candidate's other values: a step of a pipeline may be one."""
    if not any(name in candidate for name in step_names(estimator)):
        return shared_parameters(estimator)
    steps = {name: value for name, value in candidate.items() if name in step_names(estimator)}
    return shared_parameters(clone(estimator).set_params(**clone(steps, safe=False)))


def step_names(estimator):
    return [name for name, _ in estimator.steps] if isinstance(estimator, Pipeline) else []


def identity(value):
    """Something hashable that tells values of a parameter apart."""
    try:
        hash(value)
    except TypeError:
        return type(value).__name__, id(value)
    return type(value).__name__, value


def rows_of(X, rows):
    return _safe_indexing(X, rows)
