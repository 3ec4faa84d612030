"""Linear models: by stochastic gradients, by gradient descent, or to the optimum."""

from fastml.base import hand_through
from fastml.linear_model.explanation import Explanation
from fastml.linear_model.sgd import SGDClassifier, SGDRegressor

__all__ = ["Explanation", "SGDClassifier", "SGDRegressor"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.linear_model")
