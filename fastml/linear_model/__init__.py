"""Linear models: by stochastic gradients, by gradient descent, or to the optimum."""

from typing import TYPE_CHECKING

from fastml.base import hand_through

if TYPE_CHECKING:  # each is imported when it is first used
    from fastml.linear_model.least_squares import LinearRegression, Ridge
    from fastml.linear_model.logistic import LogisticRegression
    from fastml.linear_model.perceptron import Perceptron, PerceptronReport
    from fastml.linear_model.ransac import RANSACRegressor as RANSACRegressor
    from fastml.linear_model.sgd import SGDClassifier
    from fastml.linear_model.sgd_regressor import SGDRegressor

HOMES = {
    "least_squares": ["LinearRegression", "Ridge"],
    "logistic": ["LogisticRegression"],
    "perceptron": ["Perceptron", "PerceptronReport"],
    "ransac": ["RANSACRegressor"],
    "sgd": ["SGDClassifier"],
    "sgd_regressor": ["SGDRegressor"],
}

__all__ = [
    "LinearRegression",
    "LogisticRegression",
    "Perceptron",
    "PerceptronReport",
    "Ridge",
    "SGDClassifier",
    "SGDRegressor",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.linear_model", HOMES)
