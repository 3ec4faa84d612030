"""Steps before a model: fastml's classes are scikit-learn's with other passes over tables, so attributes are shared."""

import sklearn.preprocessing

import fastml.preprocessing
from fastml.exchange.common import new
from fastml.preprocessing.scaling import ByKernel

__all__ = ["read", "say"]

OWN = ("_fast_columns", "_made", "_spans", "_encoder", "_knots")  # what fastml's notes beside scikit-learn's results


MADE = {"KBinsDiscretizer": ("_encoder",), "SplineTransformer": ("bsplines_",)}  # what fastml makes when it is asked


def say(model, cls):
    """The model in the words of scikit-learn's class `cls`."""
    other, fitted = new(model, cls)
    if fitted:
        parameters = set(model.get_params(deep=False))
        found = {name: value for name, value in vars(model).items() if name not in parameters and name not in OWN}
        other.__dict__.update(found | more_there(model, cls))
    return other


def more_there(model, cls):
    """What scikit-learn keeps in a fitted model of its class, and fastml makes when it is asked for."""
    if hasattr(model, "_scaler"):
        library = sklearn if cls.__module__.startswith("sklearn") else fastml
        way = say if library is sklearn else read
        return {"_scaler": way(model._scaler, library.preprocessing.StandardScaler)}
    names = MADE.get(cls.__name__, ()) if cls.__module__.startswith("sklearn") else ()
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def read(model, cls):
    """The model as one of fastml's class `cls`."""
    own = say(model, cls)
    if isinstance(own, ByKernel) and hasattr(own, "n_features_in_"):
        own._note_columns()
        own._note_anew()
    return own
