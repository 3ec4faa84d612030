"""The one door to scikit-learn's private names: which fastml uses, where each stands, and what for.

scikit-learn may rename or move a private name in any release without a word, so no other file of fastml imports one: a
test says so, and CI tries the oldest scikit-learn that pyproject.toml allows, the newest and the nightly. When a name
moves, this is the file to mend: look where it went, and take it from either place by the version. Where versions
differ, a function here hides it.

Names are found on first use, because `sklearn.model_selection` is slow to import and most families do without it.

>>> from fastml._sklearn import Interval
>>> Interval.__module__
'sklearn.utils._param_validation'
"""

import functools
import importlib
import inspect
from typing import Any

import numpy as np
from sklearn.utils import validation

__all__ = ["PRIVATE", "check_array", "check_input_parameters", "check_sample_weight", "validate_data"]

PRIVATE = {
    # How constraints of parameters are written in `_parameter_constraints`, and checked.
    "HasMethods": "sklearn.utils._param_validation",
    "Hidden": "sklearn.utils._param_validation",
    "Interval": "sklearn.utils._param_validation",
    "Options": "sklearn.utils._param_validation",
    "RealNotInt": "sklearn.utils._param_validation",
    "StrOptions": "sklearn.utils._param_validation",
    "InvalidParameterError": "sklearn.utils._param_validation",
    "validate_parameter_constraints": "sklearn.utils._param_validation",
    # Checks of input, with scikit-learn's own errors.
    "_check_feature_names_in": "sklearn.utils.validation",
    "_check_method_params": "sklearn.utils.validation",
    "_check_partial_fit_first_call": "sklearn.utils.multiclass",
    "_check_y": "sklearn.utils.validation",
    # Quantiles of numbers with weights.
    "_weighted_percentile": "sklearn.utils.stats",
    # Which of SciPy's two kinds of sparse matrices a user wants, and how many rows a share of them is.
    "_align_api_if_sparse": "sklearn.utils._sparse",
    "_validate_shuffle_split": "sklearn.model_selection._split",
    # How many rows of each class a stratified draw takes, and how many rows there are.
    "_approximate_mode": "sklearn.utils.extmath",
    "_num_samples": "sklearn.utils.validation",
    # Where values are missing, whatever stands for them.
    "_get_mask": "sklearn.utils._mask",
    # What kind of table a transformer gives.
    "_get_output_config": "sklearn.utils._set_output",
    "_get_threadlocal_config": "sklearn._config",
    # Rows of arrays, frames and lists alike.
    "_safe_indexing": "sklearn.utils",
    # The nodes of a fitted tree, which are made anew by its __setstate__.
    "Tree": "sklearn.tree._tree",
    # Searches: model_selection/search.py also calls the private methods of BaseSearchCV, under scikit-learn's names.
    "BaseSearchCV": "sklearn.model_selection._search",
    "_fit_and_score": "sklearn.model_selection._validation",
    "_insert_error_scores": "sklearn.model_selection._validation",
    "_warn_or_raise_about_fit_failures": "sklearn.model_selection._validation",
}


def check_sample_weight(sample_weight: Any, n: int) -> np.ndarray:
    """(n,) float64 from a number, None or an array, by scikit-learn's check; 0 everywhere passes."""
    check, options = _weight_check()
    with np.errstate(invalid="ignore"):
        return check(sample_weight, np.empty((n, 0)), dtype=np.float64, **options)


@functools.cache
def _weight_check() -> tuple:
    """scikit-learn's check of weights, and the option that lets 0 everywhere pass, where a version needs to be told."""
    from sklearn.utils.validation import _check_sample_weight as check

    option = "allow_all_zero_weights"
    return check, {option: True} if option in inspect.signature(check).parameters else {}


def check_array(array: Any, **options: Any) -> Any:
    """scikit-learn's function, in silence: it adds up a table to see whether it is finite, -inf and inf as well."""
    with np.errstate(invalid="ignore"):
        return validation.check_array(array, **options)


def validate_data(estimator: Any, *tables: Any, **options: Any) -> Any:
    """scikit-learn's function, in silence, as `check_array`."""
    with np.errstate(invalid="ignore"):
        return validation.validate_data(estimator, *tables, **options)


def check_input_parameters(search: Any, X: Any, y: Any, split_params: dict) -> None:
    """What a search checks before it begins; in older versions only successive halving has such a check."""
    check = getattr(search, "_check_input_parameters", None)
    if check is not None:
        check(X=X, y=y, split_params=split_params)


def __getattr__(name: str) -> Any:
    if name not in PRIVATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(PRIVATE[name]), name)
    except (ImportError, AttributeError) as error:
        import sklearn

        raise ImportError(
            f"scikit-learn {sklearn.__version__} has no {PRIVATE[name]}.{name}, which fastml needs:"
            ' install a version that fastml supports (pip show fastml-learn, "Requires")'
        ) from error
    globals()[name] = value  # found once
    return value
