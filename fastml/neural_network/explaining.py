"""Why a network answers as it does: gradient times input."""

import numpy as np
from scipy.sparse import issparse

from fastml.explanation import Explanation, readable
from fastml.neural_network.backpropagation import propagate

__all__ = ["explain", "score_gradients"]


def score_gradients(network, passed):
    """Derivatives of one sample's scores, the last layer's weighted sums, by its features: (n_outputs, n_features).

    passed: what `network.forward` gave of one row
    """
    deltas = np.eye(network.units[-1], dtype=network.dtype)
    for layer in reversed(range(len(network.coefs))):
        deltas = propagate(passed, network.coefs, network.activations, layer, deltas)
    return deltas


def explain(network, row):
    """What each feature of one sample adds to the scores: the score's derivative by the feature, times the feature.

    A score is the weighted sum of an output, before softmax or the logistic function, which flatten it. In a network of
    ReLUs and identities the contributions and what the biases on the active paths add make up the score exactly; of
    other activations `rest` is what their curvature adds, too.
    Source: Shrikumar, Greenside, Kundaje, Learning important features through propagating activation differences, 2017,
    on gradient times input.

    Parameters
    ----------
    network : Network
    row : array-like or CSR of shape (1, n_features)
        One sample.

    Returns
    -------
    Explanation
        A row for each feature, the one that weighs most in the highest score first: its value, and its contribution to
        each output. Details: `contributions` and `gradients` (n_outputs, n_features) in the order of the columns of X,
        `scores` and `rest` (n_outputs,).

    Examples
    --------
    >>> from fastml.neural_network import Network
    >>> net = Network([[[1.0, -1.0], [2.0, 0.0]], [[1.0], [1.0]]], activations=["relu", "identity"])
    >>> print(net.explain([1.0, 3.0]))
    7: score of y 7, of which features 7, the rest 0
    feature  value  y
    x1       3      6
    x0       1      1
    """
    passed = network.forward(row)
    values = passed.activations[0].toarray()[0] if issparse(row) else passed.activations[0][0]
    gradients, scores = score_gradients(network, passed), passed.sums[-1][0]
    parts = gradients * values + 0.0  # no -0
    rest = scores - parts.sum(axis=1)
    outputs, prediction, top = network.output_names, network.predict(row)[0], int(np.argmax(scores))
    answer = ", ".join(map(readable, np.atleast_1d(prediction)))
    return Explanation(
        prediction,
        f"{answer}: score of {outputs[top]} {scores[top]:.4g}, of which features {parts[top].sum():.4g},"
        f" the rest {rest[top]:.4g}",
        ("feature", "value", *outputs),
        [
            (str(network.feature_names[j]), float(values[j]), *map(float, parts[:, j]))
            for j in np.argsort(-np.abs(parts[top]), kind="stable")
        ],
        {"contributions": parts, "gradients": gradients, "scores": scores, "rest": rest},
    )
