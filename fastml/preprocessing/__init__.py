"""Feature maps: bins, harmonics, thermometers and expressions between raw columns and a model."""

from fastml.base import hand_through
from fastml.preprocessing.bins import PiecewiseConstant
from fastml.preprocessing.feature_map import FeatureMap
from fastml.preprocessing.periodic import Periodic
from fastml.preprocessing.templates import Collisions, FeatureTemplates
from fastml.preprocessing.thermometer import Thermometer

__all__ = [
    "Collisions",
    "FeatureMap",
    "FeatureTemplates",
    "Periodic",
    "PiecewiseConstant",
    "Thermometer",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.preprocessing")
