"""Compositions: scikit-learn's classes with scikit-learn's estimators in them."""

from sklearn.compose import make_column_selector

from fastml.exchange.containers import rebuilt

__all__ = ["read", "say"]

OWN = ("fold", "_made")  # what fastml's have besides


def say(model, cls):
    """The composition in the words of scikit-learn's class `cls`, each part of it said on its own."""
    other = object.__new__(cls)
    state = {name: value for name, value in vars(model).items() if name not in OWN}
    other.__dict__.update(rebuilt(state, said_part)[0])
    return other


def said_part(part):
    from fastml.exchange import said

    if isinstance(part, make_column_selector) and type(part) is not make_column_selector:
        return make_column_selector(part.pattern, dtype_include=part.dtype_include, dtype_exclude=part.dtype_exclude)
    return said(part)


def read(model, cls):
    """None: compositions stay scikit-learn's, with fastml's estimators in them."""
