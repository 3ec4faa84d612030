"""Where scikit-learn takes over: input that the compiled pass does not read, and the errors about it."""

import functools
import importlib
import inspect
import numbers
import re
import reprlib
from collections.abc import Callable
from decimal import Decimal
from typing import ParamSpec, TypeVar

import numpy as np

from fastml.kinds.lazy import is_lazy, refuse_lazy

__all__ = ["Unread", "otherwise_scikit_learn"]

SCORES = ("y_score", "y_prob", "y_proba", "probas_pred", "pred_decision", "x", "y")


P = ParamSpec("P")
R = TypeVar("R")


class Unread(Exception):  # noqa: N818  it is no error: the caller goes on elsewhere
    """The arguments are not the plain kind that fastml reads itself; never leaves the package."""


def otherwise_scikit_learn(function: Callable[P, R]) -> Callable[P, R]:
    """Let scikit-learn's function of the same name answer, or raise its own error, where `function` raises Unread.

    Multilabel tables, several outputs and whatever is wrong end there, so they are judged by one authority.
    """

    @functools.wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        if args and hasattr(args[0], "fit"):
            raise TypeError(
                f"{function.__name__} is a metric, which takes labels or numbers, not an estimator:"
                f" for `scoring`, pass make_scorer({function.__name__})"
            )
        try:
            return function(*args, **kwargs)
        except Unread:
            for value in (*args, *kwargs.values()):
                if is_lazy(value):
                    refuse_lazy(value, f"an argument of {function.__name__}")
        original = getattr(importlib.import_module("sklearn.metrics"), function.__name__)
        try:
            return original(*args, **kwargs)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            if isinstance(error, AttributeError) and any(type(each) is list for each in (*args, *kwargs.values())):
                return answer(*map(as_array, args), **{name: as_array(value) for name, value in kwargs.items()})
            name_argument(original, args, kwargs, error)
            raise

    return answer


def as_array(value):
    """Lists as arrays: some of scikit-learn's functions ask a list for its shape."""
    return np.asarray(value) if type(value) is list else value


def name_argument(function, args, kwargs, error):
    """Raise scikit-learn's error with the argument and value behind its words, where these name no argument."""
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return  # the call itself is wrong, and Python has said so
    if any(re.search(rf"\b{name}\b", str(error)) for name in given):
        return
    for name, value in given.items():
        if isinstance(value, str) or not hasattr(value, "__len__"):
            continue
        if len(value) == 0 and "sample" not in str(error):
            words = "Found array with 0 sample(s)" if isinstance(error, IndexError) else str(error).strip()
            raise ValueError(f"{words}: {name} is empty, and {function.__name__} needs at least one row") from error
        wrong = [v for v in np.asarray(value, object).flat if not isinstance(v, numbers.Real | Decimal)]
        if name in SCORES and wrong:
            raise (ValueError if isinstance(error, ValueError) else TypeError)(
                f"{error}: {name} must hold numbers, and {reprlib.repr(wrong[0])} is of type {type(wrong[0]).__name__}"
            ) from error
