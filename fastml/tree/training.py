"""What is learnt from, checked, and the rules of growing that an estimator's parameters say."""

from math import ceil
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import check_random_state

from fastml.base import check_weight
from fastml.table import read
from fastml_ext.tree import Settings

__all__ = ["check_options", "draws", "read_training", "refuse_signs", "settings_of", "weigh"]

LARGEST = 2**62  # of whole-number parameters: more never makes a difference


def read_training(model, X, y, sample_weight):
    """(table, class codes or numbers, weights or None) of a fit, checked; the model takes what it knows of X and y."""
    model._validate_params()
    model._forget()
    options = {} if isinstance(model, ClassifierMixin) else {"y_numeric": True}
    if sparse.issparse(y):
        raise TypeError("Sparse data was passed for y, but dense data is required: pass y.toarray()")
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    options |= {"multi_output": True} if len(shape) == 2 and shape[1] > 1 else {}
    if y is None:
        raise ValueError(f"{type(model).__name__} requires y to be passed, but the target y is None")
    if model.criterion == "poisson" and np.asarray(y).dtype.kind in "iuf":
        refuse_signs(np.asarray(y))
    with np.errstate(over="ignore", invalid="ignore"):  # sums that ask whether all of y is finite
        table, y = read(model, X, y, reset=True, text=True, **options)
    target = model._check_target(y)
    check_options(model)
    weight = weigh(model, target, None if sample_weight is None else check_weight(sample_weight, len(y)))
    return table, target, weight


def weigh(model, target, weight):
    """The weights of the rows with those of their classes; None for 1 each."""
    with np.errstate(over="ignore", invalid="ignore"):
        weight = model._weigh_classes(target, weight)
        total = 1 if weight is None else weight.sum()
    if total == 0:
        raise ValueError("sample_weight is 0 for every row: no row is left to grow a tree on")
    if not np.isfinite(total):
        raise ValueError("sample_weight, with class_weight, adds up to more than float64 holds: divide it")
    return weight


def refuse_signs(y):
    """Refuse what criterion="poisson" cannot be asked of; scikit-learn looks at it before the length of y."""
    if (y < 0).any():
        at = tuple(np.argwhere(y < 0)[0].tolist())
        place = f"y[{', '.join(map(str, at))}]"
        raise ValueError(
            f"Some value(s) of y are negative which is not allowed for Poisson regression: {place}={float(y[at])} is"
            " negative, but criterion='poisson' takes numbers from 0 upwards"
        )
    if not y.any(axis=0).all():
        raise ValueError("Sum of y is not positive which is necessary for Poisson regression: y is 0 for every row")


def check_options(model):
    """Refuse what does not go together."""
    fractional = model.missing_values == "fractional"
    if model.monotonic_cst is not None and model.n_outputs_ > 1:
        raise ValueError(
            "Monotonicity constraints are not supported with multiple outputs: monotonic_cst is for one output, but"
            f" y has {model.n_outputs_}: fit a tree for each"
        )
    for name, given in (
        ("criterion='absolute_error'", model.criterion == "absolute_error"),
        ("monotonic_cst", model.monotonic_cst is not None),
        ("max_leaf_nodes", model.max_leaf_nodes is not None),
    ):
        if given and fractional:
            raise ValueError(f"missing_values='fractional' does not go with {name}: take missing_values='branch'")
    if model.n_outputs_ > 1 and (fractional or model.pruning == "pessimistic"):
        name = "missing_values='fractional'" if fractional else "pruning='pessimistic'"
        raise ValueError(f"{name} is for one output, but y has {model.n_outputs_}: fit a tree for each")


def settings_of(model, target, weight, fitted=None):
    """The rules of growing for this target; fitted: the estimator that has read the table, if not the model itself."""
    fitted = model if fitted is None else fitted
    n, d = len(target), fitted.n_features_in_
    total = n if weight is None else weight.sum()
    n_classes = fitted.n_classes_ if isinstance(model, ClassifierMixin) else 0
    leaf, split = model.min_samples_leaf, model.min_samples_split
    leaf = min(int(leaf), n + 1) if isinstance(leaf, Integral) else ceil(leaf * n)
    split = min(int(split), LARGEST) if isinstance(split, Integral) else max(2, ceil(float(split) * n))
    max_features = number_of_features(model.max_features, d)
    seed = check_random_state(model.random_state).randint(np.iinfo(np.int32).max) if draws(fitted) else 0
    return Settings(
        criterion=model.criterion,
        n_classes=n_classes if isinstance(n_classes, int) else max(n_classes),
        random=model.splitter == "random",
        max_depth=LARGEST if model.max_depth is None else min(int(model.max_depth), LARGEST),
        min_samples_split=max(int(split), 2 * int(leaf)),
        min_samples_leaf=leaf,
        min_weight_leaf=model.min_weight_fraction_leaf * total,
        max_features=max_features if max_features < d else 0,
        min_impurity_decrease=model.min_impurity_decrease,
        max_leaf_nodes=min(model.max_leaf_nodes or 0, LARGEST),
        fractional=model.missing_values == "fractional",
        seed=int(seed),
    )


def draws(model):
    """Whether growing draws anything at random."""
    d = model.n_features_in_
    return model.splitter == "random" or number_of_features(model.max_features, d) < d


def number_of_features(max_features, d):
    if max_features is None:
        return d
    if isinstance(max_features, str):
        return max(1, int(np.sqrt(d) if max_features == "sqrt" else np.log2(d)))
    return int(max_features) if isinstance(max_features, Integral) else max(1, int(max_features * d))
