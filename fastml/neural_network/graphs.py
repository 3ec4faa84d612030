"""A network as a computation graph of fastml.autodiff."""

import numpy as np

from fastml import autodiff as ad

__all__ = ["to_graph"]


def to_graph(network, n_samples, loss, delta):
    """The Graph that `Network.to_graph` describes; loss: a Loss, or None."""
    graph, dtype = ad.Graph(), network.dtype
    a = graph.variable("X", (n_samples, network.units[0]), dtype)
    last = len(network.coefs)
    for number, (coef, activation) in enumerate(zip(network.coefs, network.activations, strict=True), 1):
        weights = graph.variable(f"W{number}", coef.shape, dtype)
        biases = graph.variable(f"b{number}", coef.shape[1:], dtype)
        z = (ad.matmul(a, weights) + biases).named(f"z{number}")
        a = activation.value(z).named("output" if number == last else f"a{number}")
    if loss is None:
        return graph.output(a)
    y = graph.variable("y", a.shape, dtype)
    return graph.output(loss_node(loss, a, y, n_samples, delta).named("loss"))


def loss_node(loss, output, y, n_samples, delta):
    eps = float(np.finfo(output.dtype).eps)
    if np.isfinite(loss.high):
        output = ad.clip(output, loss.low * eps, 1 - loss.high * eps)
    elif np.isfinite(loss.low):
        output = ad.maximum(output, loss.low * eps)
    total = ad.sum(loss.value(output, y, delta))
    mean = total / n_samples if n_samples > 1 else total
    return ad.sqrt(mean) if loss.name == "root_mean_squared_error" else mean
