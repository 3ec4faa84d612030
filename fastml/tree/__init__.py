"""Decision trees."""

from fastml.base import hand_through
from fastml.tree.classes import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier
from fastml.tree.measures import entropy, gain_ratio, information_gain

__all__ = [
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ID3Classifier",
    "entropy",
    "gain_ratio",
    "information_gain",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.tree")
