"""Linear models, LinearSVC among them: weights, and by which rule scores become answers."""

import numpy as np

from fastml.exchange.common import checked, dress, new, refuse

__all__ = ["read", "say"]

ATTRIBUTES = ("coef_", "intercept_", "classes_", "n_iter_", "t_", "rank_", "singular_", "solver_")


def say(model, cls):
    other, fitted = new(model, cls)
    if not fitted:
        return other
    if getattr(model, "average", None) == "voted" and hasattr(model, "_voters"):
        refuse(model, "average='voted'", "average=True has one vector of weights")
    if getattr(model, "coupling_", None) == "softmax":
        refuse(model, "multi_class='multinomial' in SGDClassifier", "LogisticRegression has it, in both libraries")
    if getattr(model, "loss", None) == "poisson":
        refuse(model, "loss='poisson' in SGDRegressor")
    dress(other, model, ATTRIBUTES)
    if getattr(model, "_one_output", False) and np.ndim(model.coef_) == 2:
        other.coef_, other.intercept_ = model.coef_[0], np.ravel(model.intercept_)[0]
    if hasattr(model, "t_"):
        if not hasattr(model, "classes_"):
            if np.ndim(other.coef_) == 2:
                refuse(model, "several outputs in SGDRegressor", "MultiOutputRegressor fits a model for each")
            other.intercept_ = np.atleast_1d(other.intercept_)
        other._loss_function_ = None
    return other


def read(model, cls):
    own, fitted = new(model, cls)
    if not fitted:
        return own
    dress(own, model, ATTRIBUTES)
    if not hasattr(own, "n_features_in_"):
        own.n_features_in_ = np.shape(model.coef_)[-1]
    if hasattr(own, "classes_"):
        if len(own.classes_) > 2:
            own.coupling_ = "rest"
        elif hasattr(model, "t_"):
            own.coupling_ = "each"
    if isinstance(own.intercept_, np.ndarray):
        own.intercept_ = own.intercept_.astype(model.coef_.dtype, copy=False)
    if not hasattr(own, "classes_"):
        own._flat = own._one_output = np.ndim(model.coef_) == 1
    return checked(own, model.coef_.dtype)
