"""Scorers: scikit-learn's own, and the check that tells a metric from one."""

from typing import Any

import sklearn.metrics

__all__ = ["check_scoring"]


def check_scoring(estimator: Any = None, scoring: Any = None, *, allow_none: Any = False, raise_exc: Any = True) -> Any:
    """The scorer that `scoring` names or is; sklearn.metrics.check_scoring, which knows the metrics of fastml too.

    estimator: whose `score` is the default | scoring: name, scorer, or several as a list, tuple, set or dict
    allow_none: None instead of an error for an estimator without `score` | raise_exc: of several scorers, let one
    that fails raise; otherwise its score is the text of its error

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> check_scoring(KNeighborsClassifier(), "accuracy")
    make_scorer(accuracy_score, response_method='predict')
    """
    refuse_metric(scoring)
    return sklearn.metrics.check_scoring(estimator, scoring, allow_none=allow_none, raise_exc=raise_exc)


def refuse_metric(scoring):
    """Raise ValueError where `scoring`, or one of several, is a function of fastml.metrics rather than a scorer."""
    if isinstance(scoring, dict):
        scoring = list(scoring.values())
    for each in scoring if isinstance(scoring, (list, tuple, set)) else [scoring]:
        module = getattr(each, "__module__", None) if callable(each) else None
        if isinstance(module, str) and module.startswith("fastml.metrics."):
            raise ValueError(
                f"scoring value {each!r} looks like it is a metric function rather than a scorer. A scorer should"
                f" require an estimator as its first parameter. Please use `make_scorer` to convert a metric to a"
                f" scorer: make_scorer({each.__name__})"
            )
