"""Scores and curves with scikit-learn's names and results, counted in one compiled pass; and `Confusion`.

Names of sklearn.metrics that fastml does not write are scikit-learn's own. So is every answer, and every error, about
input that is not a plain vector: multilabel tables, several outputs, mixed kinds of labels.
"""

from fastml.base import hand_through
from fastml.metrics import classification, confusion, probability, ranking, regression, scoring
from fastml.metrics.classification import *  # noqa: F403
from fastml.metrics.confusion import *  # noqa: F403
from fastml.metrics.probability import *  # noqa: F403
from fastml.metrics.ranking import *  # noqa: F403
from fastml.metrics.regression import *  # noqa: F403
from fastml.metrics.scoring import *  # noqa: F403

__all__ = sorted(
    name for module in (classification, confusion, probability, ranking, regression, scoring) for name in module.__all__
)

__getattr__, __dir__ = hand_through(__name__, "sklearn.metrics")
