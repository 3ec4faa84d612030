"""What every family needs to be said in scikit-learn's terms: parameters, attributes, refusals."""

from inspect import signature

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

__all__ = ["ExchangeError", "detached", "dress", "is_fitted", "new", "refuse"]

# Parameters of fastml that say how a fit is carried out, never what comes out.
CARRIED_OUT = {"n_jobs", "verbose", "callbacks", "checkpoint"}


class ExchangeError(ValueError):
    """What one library says and the other has no words for."""


def refuse(model, what, cure=""):
    raise ExchangeError(f"{type(model).__name__}: scikit-learn has no {what}{cure and ': '}{cure}")


def new(model, cls):
    """An estimator of class `cls` with the parameters of `model`; whether `model` is fitted.

    Of a model that is not fitted, parameters that `cls` lacks must have their defaults.
    """
    given, known = model.get_params(deep=False), set(cls._get_param_names())
    other = cls(**{name: value for name, value in given.items() if name in known})
    fitted = is_fitted(model)
    if not fitted:
        defaults = signature(type(model).__init__).parameters
        for name in given.keys() - known - CARRIED_OUT:
            if not same(given[name], defaults[name].default):
                raise ExchangeError(
                    f"{type(model).__name__}: {cls.__name__} of the other library has no {name}={given[name]!r}"
                )
        try:
            other._validate_params()
        except ValueError as error:
            raise ExchangeError(f"{type(model).__name__}: the other library refuses that. {error}") from None
    return other, fitted


def same(value, default):
    return value is default or (isinstance(value, int | float | str | bool) and value == default)


def is_fitted(model):
    try:
        check_is_fitted(model)
    except Exception:  # NotFittedError; a vectorizer without a vocabulary raises another
        return False
    return True


def dress(other, model, names):
    """Give `other` those fitted attributes of `model` that are there; the columns' names among them."""
    for name in ("n_features_in_", "feature_names_in_", *names):
        if hasattr(model, name):
            setattr(other, name, getattr(model, name))
    return other


def checked(own, dtype, *, sparse="csr", allow_nan=False):
    """Give a model of fastml what `_check_fit` would have noted of its rows."""
    own._note_rows(dtype, sparse=sparse, allow_nan=allow_nan)
    return own


def detached(model):
    """The model with arrays of its own, None for None; searches for neighbours keep the rows they have."""
    if model is None:
        return None
    kept = ("_fit_X", "_tree", "_search", "tree_")
    for name, value in vars(model).items():
        if name not in kept:
            model.__dict__[name] = copied(value)
    return model


def copied(value):
    if isinstance(value, np.ndarray) or issparse(value):
        return value.copy()
    return [copied(part) for part in value] if type(value) is list else value
