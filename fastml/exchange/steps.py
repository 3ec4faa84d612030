"""Steps before a model: fastml's classes are scikit-learn's with other passes over tables, so attributes are shared."""

from fastml.exchange.common import new
from fastml.preprocessing.scaling import ByKernel

__all__ = ["read", "say"]

OWN = ("_fast_columns", "_made")  # what fastml's notes beside scikit-learn's results


def say(model, cls):
    """The model in the words of scikit-learn's class `cls`."""
    other, fitted = new(model, cls)
    if fitted:
        parameters = set(model.get_params(deep=False))
        found = {name: value for name, value in vars(model).items() if name not in parameters and name not in OWN}
        other.__dict__.update(found)
    return other


def read(model, cls):
    """The model as one of fastml's class `cls`."""
    own = say(model, cls)
    if isinstance(own, ByKernel) and hasattr(own, "n_features_in_"):
        own._note_columns()
    return own
