"""Multilayer perceptrons: layers of weights, and which function follows each."""

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from fastml.exchange.common import checked, dress, new, refuse
from fastml.neural_network.design import activations_of

__all__ = ["read", "say"]

ATTRIBUTES = (
    "coefs_", "intercepts_", "classes_", "n_layers_", "n_outputs_", "out_activation_", "n_iter_", "t_", "loss_",
    "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
)  # fmt: skip


def say(model, cls):
    other, fitted = new(model, cls)
    if not fitted:
        return other
    hidden = activations_of(model, model.n_layers_ - 2)
    for activation in hidden:
        if activation not in cls._parameter_constraints["activation"][0].options:
            refuse(model, f"activation={activation!r}")
    if len(set(hidden)) > 1:
        refuse(model, f"activations that differ from layer to layer, as {hidden} do")
    if hidden:
        other.activation = hidden[0]
    if model.out_activation_ != output_of(model, cls):
        refuse(model, f"output_activation={model.out_activation_!r} where it has {output_of(model, cls)!r}")
    dress(other, model, ATTRIBUTES)
    other._no_improvement_count = 0
    if hasattr(model, "classes_"):
        several_labels = np.vstack([np.zeros(len(model.classes_), int), np.ones(len(model.classes_), int)])
        other._label_binarizer = LabelBinarizer().fit(several_labels if model._several else model.classes_)
        other._label_binarizer.classes_ = model.classes_
    return other


def output_of(model, cls):
    """The activation of the outputs that scikit-learn's network would have."""
    if not hasattr(model, "classes_"):
        return "exp" if model.loss == "poisson" and "loss" in cls._parameter_constraints else "identity"
    return "softmax" if len(model.classes_) > 2 and not model._several else "logistic"


def read(model, cls):
    own, fitted = new(model, cls)
    if not fitted:
        return own
    dress(own, model, ATTRIBUTES)
    own._units = [len(model.coefs_[0]), *(coef.shape[1] for coef in model.coefs_)]
    own._first = own._second = None
    if hasattr(model, "classes_"):
        own._several = model._label_binarizer.y_type_.startswith("multilabel")
    elif not hasattr(own, "_one_output"):
        own._one_output = own.n_outputs_ == 1
    return checked(own, model.coefs_[0].dtype)
