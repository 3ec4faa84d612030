"""Scores and curves with scikit-learn's names and results, counted in one compiled pass; and `Confusion`.

Names of sklearn.metrics that fastml does not write are scikit-learn's own. So is every answer, and every error, about
input that is not a plain vector: multilabel tables, several outputs, mixed kinds of labels.
"""

import importlib

from fastml.metrics.classification import *  # noqa: F403
from fastml.metrics.classification import __all__ as _classification

_WRITTEN = [*_classification]


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("sklearn.metrics"), name)


__all__ = sorted(_WRITTEN)
