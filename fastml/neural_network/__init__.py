"""Neural networks: multilayer perceptrons, and networks whose weights are given."""

from fastml.base import hand_through
from fastml.neural_network.classifier import MLPClassifier
from fastml.neural_network.network import Network
from fastml.neural_network.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "Network"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.neural_network")
