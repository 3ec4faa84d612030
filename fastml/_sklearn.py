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
import sys
from typing import Any

import numpy as np
from sklearn.utils import validation

__all__ = ["PRIVATE", "check_array", "check_input_parameters", "check_sample_weight", "validate_data"]

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
FOR_FRAMES = {  # what may be asked of validate_data for a frame that is read here
    *("accept_sparse", "dtype", "ensure_all_finite", "ensure_min_features", "ensure_min_samples", "multi_output"),
    *("order", "reset", "y_numeric"),
}
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
    """scikit-learn's function, in silence, as `check_array`.

    A frame of pandas whose columns are floats of one kind, with names that are strings, is read here: scikit-learn
    takes 0.3 ms to find out what it is.
    """
    names = names_of_floats(tables[0], options)
    if names is not None:
        if options.get("reset", True):
            values = np.asarray(tables[0].to_numpy(), order=options.get("order"))
            found = _validated(estimator, (values, *tables[1:]), options)
            estimator.feature_names_in_ = np.array(names, dtype=object)
            return found
        if len(tables) == 1 and are_fitted(estimator, names):
            return np.asarray(tables[0].to_numpy(), order=options.get("order"))
    return _validated(estimator, tables, options)


def _validated(estimator, tables, options):
    with np.errstate(invalid="ignore"):
        return validation.validate_data(estimator, *tables, **options)


def names_of_floats(X, options):
    """The names of the columns of a frame of pandas that an array of its floats stands for; None of anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(X) is not pandas.DataFrame or min(X.shape) == 0 or type(X.columns) is not pandas.Index:
        return None
    if options.get("ensure_all_finite", True) is not False or options.get("dtype", "numeric") != "numeric":
        return None
    if not options.keys() <= FOR_FRAMES or X.shape[0] < options.get("ensure_min_samples", 1):
        return None
    names, kinds = X.columns.tolist(), set(X.dtypes.tolist())
    if len(kinds) != 1 or not kinds <= FLOATS or len({*names}) < len(names):
        return None
    enough = X.shape[1] >= options.get("ensure_min_features", 1)
    return names if enough and all(type(name) is str for name in names) else None


def are_fitted(estimator, names):
    """Whether a model was fitted to columns of these names."""
    fitted = estimator.__dict__.get("feature_names_in_")
    if type(fitted) is not np.ndarray or estimator.__dict__.get("n_features_in_", len(names)) != len(names):
        return False
    return fitted.tolist() == names


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
