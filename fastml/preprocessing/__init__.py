"""Steps before a model: scaling and encoding under scikit-learn's names, and feature maps of fastml's own."""

from typing import TYPE_CHECKING

from fastml.base import hand_through

if TYPE_CHECKING:  # each is imported when it is first used: feature maps load much that scalers do not need
    from fastml.preprocessing.bins import PiecewiseConstant
    from fastml.preprocessing.discretizer import KBinsDiscretizer
    from fastml.preprocessing.distributions import QuantileTransformer
    from fastml.preprocessing.encoders import OneHotEncoder, OrdinalEncoder
    from fastml.preprocessing.feature_map import FeatureMap
    from fastml.preprocessing.label_sets import MultiLabelBinarizer
    from fastml.preprocessing.labels import LabelBinarizer, LabelEncoder
    from fastml.preprocessing.periodic import Periodic
    from fastml.preprocessing.polynomials import PolynomialFeatures
    from fastml.preprocessing.powers import PowerTransformer
    from fastml.preprocessing.rowwise import Binarizer, Normalizer
    from fastml.preprocessing.scalers import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
    from fastml.preprocessing.splines import SplineTransformer
    from fastml.preprocessing.target_encoder import TargetEncoder
    from fastml.preprocessing.templates import Collisions, FeatureTemplates
    from fastml.preprocessing.thermometer import Thermometer

HOMES = {
    "bins": ["PiecewiseConstant"],
    "discretizer": ["KBinsDiscretizer"],
    "distributions": ["QuantileTransformer"],
    "encoders": ["OneHotEncoder", "OrdinalEncoder"],
    "feature_map": ["FeatureMap"],
    "label_sets": ["MultiLabelBinarizer"],
    "labels": ["LabelBinarizer", "LabelEncoder"],
    "periodic": ["Periodic"],
    "polynomials": ["PolynomialFeatures"],
    "powers": ["PowerTransformer"],
    "rowwise": ["Binarizer", "Normalizer"],
    "scalers": ["MaxAbsScaler", "MinMaxScaler", "RobustScaler", "StandardScaler"],
    "splines": ["SplineTransformer"],
    "target_encoder": ["TargetEncoder"],
    "templates": ["Collisions", "FeatureTemplates"],
    "thermometer": ["Thermometer"],
}

__all__ = [
    "Binarizer",
    "Collisions",
    "FeatureMap",
    "FeatureTemplates",
    "KBinsDiscretizer",
    "LabelBinarizer",
    "LabelEncoder",
    "MaxAbsScaler",
    "MinMaxScaler",
    "MultiLabelBinarizer",
    "Normalizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "Periodic",
    "PiecewiseConstant",
    "PolynomialFeatures",
    "PowerTransformer",
    "QuantileTransformer",
    "RobustScaler",
    "SplineTransformer",
    "StandardScaler",
    "TargetEncoder",
    "Thermometer",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.preprocessing", HOMES)
