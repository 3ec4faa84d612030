"""Which nodes of a tree are made leaves, and by what measure."""

import numpy as np
from scipy.special import betaincinv

from fastml_ext import tree as kernels
from fastml_ext.tree.structure import LEAF, depths, parents

__all__ = ["pessimistic_leaves", "pruned", "reduced_error_leaves", "stops_at", "weakest_links"]


def pruned(tree, model):
    """A tree that was just grown, cut back as the model's parameters say."""
    if model.pruning == "pessimistic":
        tree = kernels.truncate(tree, pessimistic_leaves(tree, model.confidence))
    if model.ccp_alpha > 0:
        tree = kernels.truncate(tree, weakest_links(tree)[0] <= model.ccp_alpha)
    return tree


def weakest_links(tree):
    """`kernels.weakest_links`, of costs that float64 holds."""
    if not np.isfinite(tree.impurity).all():
        raise ValueError("the impurity of the tree, a variance, overflows float64, and costs cannot be told: divide y")
    return kernels.weakest_links(tree)


def pessimistic_leaves(tree, confidence):
    """(N,) bool: nodes whose estimated errors as leaves are no more than those of their subtrees (Quinlan 1993, ch. 4).

    A leaf of weight n with e errors is expected to make n * U errors, U being the upper end of the one-sided confidence
    interval of a binomial share, at the given confidence.
    """
    n = tree.weighted_n_node_samples
    errors = n * (1 - tree.value[:, 0].max(axis=1))
    upper = betaincinv(errors + 1, np.maximum(n - errors, 1e-12), 1 - confidence)
    return kernels.cheapest_leaves(tree, n * upper, 1e-9)


def reduced_error_leaves(tree, stops, y, weight, classes):
    """(N,) bool: nodes whose errors on held-out rows, which stop at `stops`, are no more as leaves than below."""
    if classes is not None:
        place = {label: code for code, label in enumerate(classes.tolist())}
        label = np.array([place.get(value, len(classes)) for value in y.tolist()])
        reached = np.zeros((tree.node_count, len(classes) + 1))
        np.add.at(reached, (stops, label), weight)
        reached = kernels.subtree_sums(tree, reached)
        answer = tree.value[:, 0].argmax(axis=1)
        cost = reached.sum(axis=1) - reached[np.arange(tree.node_count), answer]
        return kernels.cheapest_leaves(tree, cost, 1e-9)
    cost = squared_errors(tree, stops, y, weight)
    return kernels.cheapest_leaves(tree, np.where(tree.kind == LEAF, cost, cost * (1 - 1e-12)))


def squared_errors(tree, stops, y, weight):
    """(N,) the squared error of each node's value over the rows below it, in a unit in which nothing overflows.

    Means and squares about them are merged from the leaves up (Chan, Golub, LeVeque 1983), which is exact far from 0.
    """
    value = tree.value[:, 0, 0]
    unit = max(float(np.abs(y).max(initial=0)), float(np.abs(value).max())) or 1.0
    y, value, weight = y / unit, value / unit, weight / (weight.max(initial=0) or 1.0)
    n, off = np.bincount(stops, weight, tree.node_count), y - value[stops]
    known = np.where(n > 0, n, 1)
    shift = np.bincount(stops, weight * off, tree.node_count) / known
    square = np.bincount(stops, weight * (off - shift[stops]) ** 2, tree.node_count)
    total, mean, squares = n.tolist(), (value + shift).tolist(), square.tolist()
    for node, above in list(enumerate(parents(tree).tolist()))[:0:-1]:  # children come after their parents
        if total[node]:
            step, both = mean[node] - mean[above], total[above] + total[node]
            squares[above] += squares[node] + step * step * total[above] * (total[node] / both)
            mean[above] += step * (total[node] / both)
            total[above] = both
    return np.array(squares) + np.array(total) * (np.array(mean) - value) ** 2


def stops_at(model, values):
    """For each value of one parameter the nodes, (N,) bool, that are leaves in a tree fitted with it."""
    tree, known = model.tree_, ("max_depth", "min_samples_split", "min_impurity_decrease", "ccp_alpha")
    if len(values) != 1 or next(iter(values)) not in known:
        raise ValueError(
            f"predict_path takes one of {', '.join(known)} with a sequence of values, but got {list(values)}"
        )
    ((name, wanted),) = values.items()
    alphas = weakest_links(tree)[0] if name == "ccp_alpha" else None
    grown = getattr(model, name, None)
    for value in wanted:
        if name == "max_depth":
            value = np.inf if value is None else value
            looser = grown is not None and value > grown
            stop = depths(tree) >= value
        elif name == "min_samples_split":
            looser = isinstance(grown, int) and value < grown
            stop = tree.n_node_samples < value
        elif name == "min_impurity_decrease":
            looser = grown is not None and value < grown
            share = tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
            stop = tree.gain * share + np.finfo(float).eps < value
        else:
            looser = grown is not None and value < grown
            stop = alphas <= value if value > 0 else np.zeros(tree.node_count, bool)
        if looser:
            raise ValueError(f"{name}={value} asks for more than the tree has: it was fitted with {name}={grown}")
        yield stop
