"""Which columns to keep: by what each says of the target, or by its spread; by compiled kernels.

scores.py        F, Pearson's r, chi-squared, and what the scores share
information.py   mutual information, information gain, gain ratio
selectors.py     the transformers that keep the columns of the best scores
"""

from fastml.base import hand_through
from fastml.feature_selection.information import (
    gain_ratio,
    information_gain,
    mutual_info_classif,
    mutual_info_regression,
)
from fastml.feature_selection.scores import chi2, f_classif, f_regression, r_regression
from fastml.feature_selection.selectors import (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
)

__all__ = [
    "GenericUnivariateSelect",
    "SelectFdr",
    "SelectFpr",
    "SelectFwe",
    "SelectKBest",
    "SelectPercentile",
    "VarianceThreshold",
    "chi2",
    "f_classif",
    "f_regression",
    "gain_ratio",
    "information_gain",
    "mutual_info_classif",
    "mutual_info_regression",
    "r_regression",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.feature_selection")
