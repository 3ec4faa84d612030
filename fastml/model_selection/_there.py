"""Fits of searches and cross-validation on workers: what a task does, with rows that it names by their split."""

import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

from sklearn.base import clone

from fastml._sklearn import _fit_and_score

__all__ = ["Data", "evaluate_there", "fit_there", "workers_now"]


class Data(NamedTuple):
    """What every task needs to have of the rows; it goes to each worker once."""

    X: Any
    y: Any
    fit_params: dict
    score_params: dict


def workers_now() -> Any:
    """Where fits are to be sent, see `fastml.dask.workers`; None for nowhere."""
    if "distributed" not in sys.modules:
        return None
    from fastml.dask.tasks import workers_now

    return workers_now()


def fit_there(data: Data, split: tuple, estimator: Any, parameters: Any, options: dict, told: str) -> dict:
    """scikit-learn's result of a fit; its error says of which candidate and fold."""
    train, test = split
    try:
        return _fit_and_score(
            clone(estimator), data.X, data.y, train=train, test=test, parameters=parameters,
            fit_params=data.fit_params, score_params=data.score_params, **options,
        )  # fmt: skip
    except Exception as error:
        error.add_note(f"in {told}")
        raise


def evaluate_there(
    data: Data, split: tuple, group: Any, parameters: dict, estimator: Any, options: dict, told: list[str]
) -> tuple[list, bool]:
    """(results of a candidate, or of those of a group that shares work, whether it has been shared)."""
    from fastml.model_selection._evaluation import Evaluation

    if group is None:
        return [fit_there(data, split, estimator, parameters, options, told[0])], False
    like, settings, candidates = group
    search = SimpleNamespace(return_train_score=options["return_train_score"])
    evaluated = Evaluation(search, options["scorer"], data.X, data.y, None)._share(like, settings, [split])
    if evaluated is not None:
        return [row[0] for row in evaluated], True
    each = zip(candidates, told, strict=True)
    return [fit_there(data, split, estimator, parameters, options, name) for parameters, name in each], False
