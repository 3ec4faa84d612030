"""Discriminant analysis: classes as normal distributions, with one covariance or with one each.

scatter.py   products of the columns round the means of the classes
linear.py  quadratic.py
"""

from fastml.base import hand_through
from fastml.discriminant_analysis.linear import LinearDiscriminantAnalysis
from fastml.discriminant_analysis.quadratic import QuadraticDiscriminantAnalysis

__all__ = ["LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.discriminant_analysis")
