"""Models said in scikit-learn's terms, and read from them: `fastml.to_sklearn` and `fastml.from_sklearn`.

families.py         the one table: which class is said by which module
common.py           parameters, attributes and refusals that all share
trees.py  linear.py  neighbors.py  naive_bayes.py  networks.py  vectorizers.py  searches.py  compositions.py
                    how the fitted state of a family is said, and read
containers.py       what holds models: pipelines, votes, whatever pickle can take apart
"""

from typing import Any

from sklearn.base import BaseEstimator

from fastml.exchange.common import ExchangeError, detached
from fastml.exchange.containers import rebuilt
from fastml.exchange.families import is_own, read, say

__all__ = ["ExchangeError", "from_sklearn", "to_sklearn"]


def to_sklearn(model: Any) -> Any:
    """The scikit-learn object with the same parameters and, where `model` is fitted, the same answers.

    Whatever knows scikit-learn's classes can take it: explainers, converters, a process without fastml. Parameters that
    only fastml has, and that matter for training alone, are left behind once the model is fitted. Arrays are copied,
    but for the rows that neighbours are searched among.

    Parameters
    ----------
    model : estimator
        A model of fastml with a class of the same name in scikit-learn, or any scikit-learn estimator that holds such
        models: a pipeline, a vote, a search, a model for each class. It stays as it is.

    Returns
    -------
    estimator
        Of scikit-learn, with no part of fastml in it.

    Raises
    ------
    ExchangeError
        A ValueError: the model does what scikit-learn has no words for (categories in a tree, an activation it lacks,
        a class it lacks). The message says what.

    Notes
    -----
    scikit-learn rounds what its trees are asked to float32, and BLAS sums in another order: answers of trees are equal
    where float32 tells the numbers of a column apart, other numbers up to rounding. Among neighbours at the very same
    distance scikit-learn's algorithms may choose others.

    Examples
    --------
    >>> import fastml
    >>> from fastml.tree import DecisionTreeClassifier
    >>> model = fastml.to_sklearn(DecisionTreeClassifier().fit([[1.0], [2.0]], ["a", "b"]))
    >>> type(model).__module__, model.predict([[1.2]]).tolist()
    ('sklearn.tree._classes', ['a'])
    """
    check_estimator(model)
    return said(model) or rebuilt(model, said)[0]


def said(part):
    """The twin of an estimator of fastml; None for anything else."""
    found = say(part)
    if found is None and isinstance(part, BaseEstimator) and is_own(type(part)):
        raise ExchangeError(f"{type(part).__name__}: scikit-learn has no such class")
    return detached(found)


def from_sklearn(model: Any) -> Any:
    """The fastml model of a scikit-learn one: the same parameters and, where it is fitted, the same answers, sooner.

    Parameters
    ----------
    model : estimator
        Of scikit-learn: of a class that fastml has too, or one that holds such models, as a pipeline does. Parts that
        fastml has no class for stay scikit-learn's, and so do ensembles that grow their own trees. It stays as it is.

    Returns
    -------
    estimator
        Of fastml, or for a container of the same class with fastml's models in it.

    Raises
    ------
    ExchangeError
        A ValueError: neither the model nor a part of it is of a class that fastml has.

    Notes
    -----
    A tree's nodes are numbered in depth-first order, which differs from scikit-learn's where it was grown with
    `max_leaf_nodes`. Thresholds are those numbers up to which scikit-learn's rounding to float32 goes left.

    Examples
    --------
    >>> import fastml
    >>> from sklearn.linear_model import LinearRegression
    >>> model = fastml.from_sklearn(LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0]))
    >>> type(model).__module__, float(model.predict([[3.0]])[0].round(9))
    ('fastml.linear_model.least_squares', 6.0)
    """
    check_estimator(model)
    if (found := read(model)) is not None:
        return detached(found)
    if is_own(type(model)):
        return model
    found, parts = rebuilt(model, lambda part: detached(read(part)))
    if not parts:
        raise ExchangeError(f"{type(model).__name__}: fastml has no such class, and none of a part of it")
    return found


def check_estimator(model):
    if not isinstance(model, BaseEstimator):
        raise TypeError(f"{type(model).__name__} is no estimator: pass a model of fastml or scikit-learn")
