"""Linear models: by stochastic gradients, by gradient descent, or to the optimum."""

from fastml.base import hand_through
from fastml.linear_model.least_squares import LinearRegression, Ridge
from fastml.linear_model.logistic import LogisticRegression
from fastml.linear_model.perceptron import Perceptron, PerceptronReport
from fastml.linear_model.sgd import SGDClassifier
from fastml.linear_model.sgd_regressor import SGDRegressor

__all__ = [
    "LinearRegression",
    "LogisticRegression",
    "Perceptron",
    "PerceptronReport",
    "Ridge",
    "SGDClassifier",
    "SGDRegressor",
]

_of_scikit_learn, __dir__ = hand_through(__name__, "sklearn.linear_model")


def __getattr__(name):
    if name == "RANSACRegressor":  # which asks what its estimator is
        from fastml.linear_model.ransac import RANSACRegressor

        return RANSACRegressor
    return _of_scikit_learn(name)
