"""Where scikit-learn takes over: input that the compiled pass does not read, and the errors about it."""

import functools
import importlib
import inspect

__all__ = ["Unread", "otherwise_scikit_learn"]


class Unread(Exception):  # noqa: N818  it is no error: the caller goes on elsewhere
    """The arguments are not the plain kind that fastml reads itself; never leaves the package."""


def otherwise_scikit_learn(function):
    """Let scikit-learn's function of the same name answer, or raise its own error, where `function` raises Unread.

    Multilabel tables, several outputs and whatever is wrong end there, so they are judged by one authority.
    """

    @functools.wraps(function)
    def answer(*args, **kwargs):
        if args and hasattr(args[0], "fit"):
            raise TypeError(
                f"{function.__name__} is a metric, which takes labels or numbers, not an estimator:"
                f" for `scoring`, pass make_scorer({function.__name__})"
            )
        try:
            return function(*args, **kwargs)
        except Unread:
            pass
        original = getattr(importlib.import_module("sklearn.metrics"), function.__name__)
        try:
            return original(*args, **kwargs)
        except IndexError as error:
            refuse_empty(original, args, kwargs, error)
            raise

    return answer


def refuse_empty(function, args, kwargs, error):
    """Say so where scikit-learn, which counts the rows in most functions, stumbles over there being none."""
    name, value = next(iter(inspect.signature(function).bind(*args, **kwargs).arguments.items()))
    if len(value) == 0:
        raise ValueError(
            f"Found array with 0 sample(s): {name} is empty, and {function.__name__} needs at least one row"
        ) from error
