"""Naive Bayes: the features are taken as independent, given the class."""

from fastml.base import hand_through
from fastml.naive_bayes.categorical import CategoricalNB
from fastml.naive_bayes.counts import BernoulliNB, ComplementNB, MultinomialNB
from fastml.naive_bayes.gaussian import GaussianNB
from fastml.naive_bayes.mixed import MixedNB

__all__ = ["BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MixedNB", "MultinomialNB"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.naive_bayes")
