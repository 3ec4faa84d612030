"""Naive Bayes: counts and logarithms under the same names; what fastml derives from them is made anew."""

import numpy as np

from fastml.exchange.common import checked, dress, new
from fastml.naive_bayes.smoothing import smoothing

__all__ = ["read", "say"]

ATTRIBUTES = (
    "classes_", "class_count_", "class_log_prior_", "class_prior_", "feature_count_", "feature_log_prob_",
    "feature_all_", "category_count_", "n_categories_", "epsilon_", "theta_", "var_",
)  # fmt: skip


def say(model, cls):
    other, fitted = new(model, cls)
    return dress(other, model, ATTRIBUTES) if fitted else other


def read(model, cls):
    own, fitted = new(model, cls)
    if not fitted:
        return own
    dress(own, model, ATTRIBUTES)
    k, d = len(model.classes_), model.n_features_in_
    sparse = "csr" if cls._sparse_input else False
    checked(own, getattr(model, "theta_", np.empty(0)).dtype, sparse=sparse, allow_nan=True)
    if hasattr(model, "theta_"):
        total = np.repeat(np.asarray(model.class_count_, float)[:, None], d, axis=1)
        spread = np.maximum(model.var_.astype(float) - model.epsilon_, 0.0) * total
        own._moments, own.epsilon_ = (total, model.theta_.astype(float), spread), float(model.epsilon_)
    elif hasattr(model, "category_count_"):
        alpha = smoothing(own.alpha, own.force_alpha, own.n_features_in_)
        totals = [np.log((count + alpha).sum(axis=1, keepdims=True)) for count in model.category_count_]
        own._unseen = [np.log(alpha) - total if alpha > 0 else np.zeros((k, 1)) for total in totals]
    elif hasattr(model, "binarize"):
        own._missing_count = np.zeros((k, d))
        with np.errstate(divide="ignore"):
            own._absent_log_prob = np.log1p(-np.exp(np.minimum(model.feature_log_prob_, 0.0)))
    else:
        own._column_order = False
    own._ready()
    return own
