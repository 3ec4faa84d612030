"""Splits, cross-validation and searches that share work between candidates and folds.

The searches are scikit-learn's, with its parameters, results and attributes; where an estimator says which parameters
share work (fastml.sharing), the candidates that differ in these alone cost about one fit for each fold. Names of
sklearn.model_selection that fastml does not write, such as the splitters in which there is nothing to win
(TimeSeriesSplit, ShuffleSplit, GroupShuffleSplit, PredefinedSplit), are scikit-learn's own.
"""

from typing import TYPE_CHECKING

from fastml.base import hand_through

if TYPE_CHECKING:  # each is imported when it is first used
    from fastml.model_selection.folds import RepeatedStratifiedKFold, StratifiedKFold, train_test_split
    from fastml.model_selection.search import (
        GridSearchCV,
        HalvingGridSearchCV,
        HalvingRandomSearchCV,
        OneStandardError,
        RandomizedSearchCV,
    )
    from fastml.model_selection.splitters import (
        GroupKFold,
        KFold,
        LeaveOneOut,
        RepeatedKFold,
        StratifiedGroupKFold,
        StratifiedShuffleSplit,
    )
    from fastml.model_selection.splitting import train_dev_test_split
    from fastml.model_selection.validation import (
        CrossValidation,
        PairedDifference,
        cross_val_predict,
        cross_val_score,
        cross_validate,
    )

HOMES = {
    "folds": ["RepeatedStratifiedKFold", "StratifiedKFold", "train_test_split"],
    "search": [
        "GridSearchCV",
        "HalvingGridSearchCV",
        "HalvingRandomSearchCV",
        "OneStandardError",
        "RandomizedSearchCV",
    ],
    "splitters": [
        "GroupKFold",
        "KFold",
        "LeaveOneOut",
        "RepeatedKFold",
        "StratifiedGroupKFold",
        "StratifiedShuffleSplit",
    ],
    "splitting": ["train_dev_test_split"],
    "validation": ["CrossValidation", "PairedDifference", "cross_val_predict", "cross_val_score", "cross_validate"],
}

__all__ = [
    "CrossValidation",
    "GridSearchCV",
    "GroupKFold",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "KFold",
    "LeaveOneOut",
    "OneStandardError",
    "PairedDifference",
    "RandomizedSearchCV",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "train_dev_test_split",
    "train_test_split",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.model_selection", HOMES)
