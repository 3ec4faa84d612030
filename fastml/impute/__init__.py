"""Missing numbers filled in, under scikit-learn's names; its other names are handed through."""

from fastml.base import hand_through
from fastml.impute.simple import MissingIndicator, SimpleImputer

__all__ = ["MissingIndicator", "SimpleImputer"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.impute")
