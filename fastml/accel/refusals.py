"""What fastml takes and scikit-learn refuses: an unchanged program gets scikit-learn's answer to it, the error."""

import inspect

import numpy as np
from scipy.sparse import issparse

__all__ = ["beyond", "takes"]


def takes(function, bound=1):
    """A test whether scikit-learn's function takes (args, options), for fastml's may take more.

    bound: how many of its parameters are given already, as `self` is
    """
    parameters = inspect.signature(function).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    most = sum(p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY) for p in parameters) - bound
    any_name, any_number = inspect.Parameter.VAR_KEYWORD in kinds, inspect.Parameter.VAR_POSITIONAL in kinds

    def test(args, options):
        return (any_number or len(args) <= most) and (any_name or not options or names.issuperset(options))

    return test


def categories(X):
    """Why a tree's rows are scikit-learn's, or ""."""
    if type(X) is np.ndarray and X.dtype.kind in "biuf":
        return ""
    if hasattr(X, "dtypes") and hasattr(X, "iloc"):
        numbers = all(getattr(dtype, "kind", "O") in "biuf" for dtype in X.dtypes)
    else:
        numbers = issparse(X) or kind_of(X) in "biuf"
    return "" if numbers else "columns that are no numbers"


def missing(X):
    """Why the rows of naive Bayes are scikit-learn's, or ""."""
    X = X.data if issparse(X) and hasattr(X, "data") else X
    if type(X) is not np.ndarray or X.dtype.kind == "O":
        try:
            X = np.asarray(X, np.float64)
        except (TypeError, ValueError):  # lists of different lengths, texts
            return ""
    return "missing values" if X.dtype.kind == "f" and X.size and np.isnan(X.min()) else ""


def kind_of(X):
    try:
        return np.asarray(X).dtype.kind
    except ValueError:
        return "O"


BEYOND = {"trees": categories, "naive_bayes": missing}  # by module of the exchange


def beyond(how, args, options):
    """Why the rows that a method is given are scikit-learn's to judge, or ""; how: the family's module."""
    judge = BEYOND.get(how)
    if judge is None:
        return ""
    X = args[0] if args else options.get("X")
    return "" if X is None else judge(X)
