"""Trees: the same nodes in both libraries; what differs is in which numbers thresholds compare."""

import numpy as np

from fastml._sklearn import Tree as ScikitTree
from fastml.exchange.common import ExchangeError, new, refuse
from fastml_ext.tree import Column
from fastml_ext.tree.structure import LEAF, NUMERIC, Tree, parents

__all__ = ["read", "say", "tree_of"]

LEAVES = -1, -2  # scikit-learn's marks: no child, no feature (and threshold)
ATTRIBUTES = ("n_outputs_", "classes_", "n_classes_", "max_features_")


def say(model, cls):
    other, fitted = new(model, cls)
    if not fitted:
        return other
    for column in model.columns_:
        if column.split != "numeric":
            refuse(model, f"categories, and column {column.name!r} holds some", "encode them before the tree")
    if model.missing_values == "fractional":
        refuse(model, "missing_values='fractional'")
    for name in ("n_features_in_", "feature_names_in_", *ATTRIBUTES):
        if hasattr(model, name):
            setattr(other, name, getattr(model, name))
    if hasattr(model, "classes_"):
        several = model.n_outputs_ > 1
        other.n_classes_ = np.array(model.n_classes_) if several else np.int64(model.n_classes_)
    counts = getattr(model, "n_classes_", [1] * model.tree_.n_outputs)
    other.tree_ = tree_of(model.tree_, counts, float32_thresholds(model, model.tree_))
    return other


def tree_of(tree, counts, thresholds):
    """scikit-learn's Tree with the same nodes and these thresholds; counts: classes in each output, 1 in regression."""
    other = ScikitTree(tree.n_features, np.asarray(counts, np.intp).reshape(-1), tree.n_outputs)
    nodes = np.zeros(tree.node_count, other.__getstate__()["nodes"].dtype)
    nodes["left_child"], nodes["right_child"] = tree.children_left, tree.children_right
    nodes["feature"], nodes["threshold"] = tree.feature, thresholds
    nodes["impurity"], nodes["n_node_samples"] = tree.impurity, tree.n_node_samples
    nodes["weighted_n_node_samples"] = tree.weighted_n_node_samples
    nodes["missing_go_to_left"] = tree.missing_go_to_left
    values = np.ascontiguousarray(tree.value, np.float64)
    other.__setstate__({"max_depth": tree.max_depth, "node_count": tree.node_count, "nodes": nodes, "values": values})
    return other


def float32_thresholds(model, tree):
    """(N,) thresholds that compare with numbers rounded to float32, as scikit-learn rounds them.

    A threshold between two numbers stays between them when they are rounded, where float32 tells them apart.
    """
    thresholds = np.full(tree.node_count, float(LEAVES[1]))
    inner = tree.kind == NUMERIC
    for j in np.unique(tree.feature[inner]):
        here = inner & (tree.feature == j)
        column, cuts = model.columns_[j], tree.threshold[here]
        if column.dtype.kind != "f":
            cuts = between_whole_numbers(column, cuts, tree.threshold_int[here])
        check_apart(tree, column, np.flatnonzero(here), cuts)
        thresholds[here] = cuts
    return thresholds


def between_whole_numbers(column, cuts, whole):
    """The thresholds of a column of integers, half way to the next where they are whole."""
    low = whole.view(np.uint64).astype(float) if column.dtype == np.uint64 else whole.astype(float)
    to_move = np.isfinite(cuts) & (cuts % 1 == 0) & (low < np.iinfo(column.dtype).max)  # the highest: "is missing"
    near, far = low.astype(np.float32), (low + 1).astype(np.float32)
    if (lost := to_move & (near == far)).any():
        refuse_columns(column, f"{whole[lost][0]} and the next integer")
    middle = np.where(np.abs(low) < 2**23, low + 0.5, near)
    return np.where(to_move, middle, np.where(np.isfinite(cuts) & (cuts % 1 == 0), np.inf, cuts))


def check_apart(tree, column, nodes, cuts):
    """Refuse columns that lie between two numbers of float32, and nodes whose rows it does not part.

    Two thresholds between the same numbers of float32 part the same rows; only below one another must they differ.
    """
    nodes, cuts = nodes[np.isfinite(cuts)], cuts[np.isfinite(cuts)]
    if not len(cuts):
        return
    rounded = cuts.astype(np.float32)
    gap = float(np.spacing(np.abs(rounded)).max())
    if 0 < column.spread < gap and column.dtype.itemsize > 4:
        refuse_columns(column, f"numbers {column.spread:g} apart around {cuts[-1]:.17g}")
    last_left = np.where(rounded <= cuts, rounded, np.nextafter(rounded, np.float32(-np.inf)))
    if len(np.unique(last_left)) == len(np.unique(cuts)):
        return
    above, found = parents(tree), dict(zip(nodes.tolist(), last_left.tolist(), strict=True))
    for node, last in found.items():
        other = int(above[node])
        while other >= 0:
            if found.get(other) == last:
                refuse_columns(column, f"thresholds around {last:.9g}")
            other = int(above[other])


def refuse_columns(column, what):
    raise ExchangeError(
        f"column {column.name!r}: scikit-learn rounds it to float32, which does not tell {what} apart: subtract an"
        " offset from the column, and fit again"
    )


def read(model, cls):
    own, fitted = new(model, cls)
    if not fitted:
        return own
    nodes = model.tree_.__getstate__()["nodes"]
    order, place = depth_first(nodes["left_child"], nodes["right_child"])
    nodes = nodes[order]
    leaf = nodes["left_child"] == LEAVES[0]
    left, right = (np.where(leaf, -1, place[nodes[side]]).astype(np.int64) for side in ("left_child", "right_child"))
    names = getattr(model, "feature_names_in_", [f"x{j}" for j in range(model.n_features_in_)])
    own.columns_ = [Column(str(name), "numeric", np.dtype(np.float64)) for name in names]
    for name in ("n_features_in_", "feature_names_in_", *ATTRIBUTES):
        if hasattr(model, name):
            setattr(own, name, getattr(model, name))
    if hasattr(model, "classes_"):
        own.n_classes_ = [int(n) for n in model.n_classes_] if model.n_outputs_ > 1 else int(model.n_classes_)
    count, impurity = len(nodes), nodes["impurity"].astype(np.float64)
    weight = nodes["weighted_n_node_samples"].astype(np.float64)
    tree = Tree(
        left, right,
        np.where(leaf, -2, nodes["feature"]).astype(np.int64),
        np.where(leaf, LEAF, NUMERIC).astype(np.uint8),
        np.where(leaf, -2.0, float64_thresholds(nodes["threshold"])),
        np.zeros(count, np.int64),
        nodes["missing_go_to_left"].astype(bool) & ~leaf,
        impurity,
        nodes["n_node_samples"].astype(np.int64),
        weight,
        np.ascontiguousarray(model.tree_.value[order], np.float64),
        gains(leaf, left, right, impurity, weight),
        np.zeros(count + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int64),
        int(model.n_features_in_),
    )  # fmt: skip
    own._keep(tree)
    return own


def float64_thresholds(thresholds):
    """(N,) the largest float64 that scikit-learn's rounding to float32 does not carry beyond each threshold."""
    with np.errstate(over="ignore"):
        low = thresholds.astype(np.float32)
    low = np.where(low > thresholds, np.nextafter(low, np.float32(-np.inf)), low)
    high = np.nextafter(low, np.float32(np.inf))
    middle = (
        low.astype(float) / 2 + np.where(np.isinf(high), np.sign(high).astype(float) * 2.0**128, high.astype(float)) / 2
    )
    even = low.view(np.uint32) % 2 == 0  # ties go to the even of the two
    return np.where(np.isfinite(thresholds), np.where(even, middle, np.nextafter(middle, -np.inf)), thresholds)


def depth_first(left, right):
    """(nodes in depth-first order, the place of each node in it)."""
    order, waiting = [], [0]
    left, right = left.tolist(), right.tolist()
    while waiting:
        node = waiting.pop()
        order.append(node)
        if left[node] >= 0:
            waiting += [right[node], left[node]]
    place = np.full(len(left), -1)
    place[order] = np.arange(len(order))
    return np.array(order), place


def gains(leaf, left, right, impurity, weight):
    """(N,) impurity minus the children's mean impurity."""
    gain = np.zeros(len(leaf))
    inner = np.flatnonzero(~leaf)
    parts = [weight[side[inner]] / weight[inner] * impurity[side[inner]] for side in (left, right)]
    gain[inner] = np.maximum(impurity[inner] - parts[0] - parts[1], 0.0)
    return gain
