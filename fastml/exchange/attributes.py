"""Estimators whose attributes mean the same in both libraries: one is the other, computed in another way."""

import importlib

import numpy as np

from fastml.exchange.common import checked, new, refuse
from fastml.persistence import function_name
from fastml.schema import table_of

__all__ = ["read", "say"]

CHECKED = ("_allow_nan", "_sparse", "_dtype", "_fast_columns")  # what fastml notes of the rows of a fit


def say(model, cls):
    other, fitted = new(model, cls)
    other.set_params(**functions_in("sklearn", model))
    if fitted:
        take(other, model, table_of(type(model))[0])
    return other


def read(model, own):
    ours, fitted = new(model, own)
    ours.set_params(**functions_in("fastml", model))
    if not fitted:
        return ours
    take(ours, model, table_of(own)[0])
    dtype = next((v.dtype for v in vars(ours).values() if isinstance(v, np.ndarray) and v.dtype.char in "fd"), "f8")
    sparse = bool(ours.__sklearn_tags__().input_tags.sparse)
    return checked(ours, dtype, sparse=sparse, allow_nan=getattr(own, "_takes_nan", False))


def take(other, model, rules):
    for name in rules:
        if name in vars(model) and name not in CHECKED:
            setattr(other, name, vars(model)[name])


def functions_in(package, model):
    """The parameters that are functions which both libraries have, as those of `package`."""
    found = {}
    for name, value in model.get_params(deep=False).items():
        if callable(value) and (known := function_name(value)):
            family, _, short = known.partition(".")
            twin = getattr(importlib.import_module(f"{package}.{family}"), short, None)
            if twin is None:
                refuse(model, f"function {short}")
            found[name] = twin
    return found
