"""Steps for some columns and steps for the target, under scikit-learn's names; its other names are handed through."""

from fastml.base import hand_through
from fastml.compose.columns import ColumnTransformer, make_column_selector, make_column_transformer
from fastml.compose.target import TransformedTargetRegressor

__all__ = ["ColumnTransformer", "TransformedTargetRegressor", "make_column_selector", "make_column_transformer"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.compose")
