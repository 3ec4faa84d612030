"""What the rows of a class count: the parameter class_weight of every classifier, beside the weights of the rows."""

import numpy as np

__all__ = ["class_factors", "row_weights"]


def class_factors(class_weight, classes, codes, weight=None):
    """(n_classes,) float64: what the weights of the rows of each class are multiplied with.

    class_weight: None, a dict {label: factor} in which absent labels count 1, or "balanced", which gives all classes
    that have rows the same total. classes (n_classes,), codes (n,): as `fastml.base.encode_labels` gives them.
    weight: the weights of the rows, None or empty for one each; under "balanced" a row of weight 2 is the row twice,
    and a row of weight 0 is not there.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, dict):
        return factors_by_name(class_weight, classes)
    if weight is None or len(weight) == 0:
        totals = np.bincount(codes, minlength=len(classes)).astype(float)
    else:
        largest = max(float(np.max(weight)), np.finfo(float).tiny)  # so that no sum overflows
        totals = np.bincount(codes, weights=np.asarray(weight, float) / largest, minlength=len(classes))
    held = totals > 0
    factors = np.ones(len(classes))
    factors[held] = totals.sum() / (np.count_nonzero(held) * totals[held])
    return factors


def factors_by_name(class_weight, classes):
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    missing = [label for label in labels if label not in class_weight]
    if missing and len(labels) - len(missing) < len(class_weight):  # a misspelt label, and the one it was meant for
        strangers = [label for label in class_weight if label not in labels]
        raise ValueError(
            f"The classes, {missing}, are not in class_weight, which names {strangers} instead: name the labels of y"
        )
    factors = np.array([class_weight.get(label, 1.0) for label in labels], float)
    for label, factor in zip(labels, factors, strict=True):
        if not 0 <= factor < np.inf:
            raise ValueError(f"class_weight[{label!r}]={factor} must be a finite number of at least 0")
    return factors


def row_weights(class_weight, classes, codes, weight=None):
    """(n,) the weights of the rows times the factors of their classes; `weight` as it is where class_weight is None."""
    if class_weight is None:
        return weight
    of_rows = class_factors(class_weight, classes, codes, weight)[codes]
    return of_rows if weight is None or len(weight) == 0 else of_rows * weight
