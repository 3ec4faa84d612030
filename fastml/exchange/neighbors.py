"""Neighbours: both libraries keep the rows, and search among them anew."""

import numpy as np

from fastml.exchange.common import ExchangeError, new, refuse

__all__ = ["read", "say"]


def say(model, cls):
    other, fitted = new(model, cls)
    if not fitted:
        return other
    if getattr(model, "_copies", None) is not None:
        refuse(model, "sample_weight of neighbours")
    if getattr(model, "class_weight", None) is not None:
        refuse(model, f"class_weight={model.class_weight!r} of neighbours")
    y: tuple = ()
    if hasattr(model, "classes_"):
        labels = [labels[codes] for labels, codes in zip(model._labels, model._codes, strict=True)]
        y = (np.stack(labels, axis=1) if model.outputs_2d_ else labels[0],)
    elif hasattr(model, "_targets"):
        targets = model._targets.astype(model._target_dtype, copy=False)
        y = (targets[:, 0] if model._one_output else targets,)
    try:
        other.fit(model._fit_X, *y)
    except (TypeError, ValueError) as error:
        raise ExchangeError(f"{type(model).__name__}: scikit-learn refuses these rows. {error}") from None
    if hasattr(model, "feature_names_in_"):
        other.feature_names_in_ = model.feature_names_in_
    return other


def read(model, cls):
    own, fitted = new(model, cls)
    if not fitted:
        return own
    y: tuple = ()
    if hasattr(model, "classes_"):
        classes = model.classes_ if model.outputs_2d_ else [model.classes_]
        codes = np.reshape(model._y, (len(model._y), -1)).T
        labels = [labels[code] for labels, code in zip(classes, codes, strict=True)]
        y = (np.stack(labels, axis=1) if model.outputs_2d_ else labels[0],)
    elif hasattr(model, "_y"):
        y = (model._y,)
    own.fit(model._fit_X, *y)
    if hasattr(model, "feature_names_in_"):
        own.feature_names_in_, own._fast_columns = model.feature_names_in_, -1
    return own
