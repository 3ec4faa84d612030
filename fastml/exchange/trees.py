"""Trees: the same nodes in both libraries; what differs is in which numbers thresholds compare."""

import numpy as np
from sklearn.tree import _tree

from fastml.exchange.common import ExchangeError, new, refuse
from fastml_ext.tree import Column
from fastml_ext.tree.structure import LEAF, NUMERIC, Tree, exact_threshold

__all__ = ["read", "say"]

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
    other.tree_ = tree_of(model)
    return other


def tree_of(model):
    """scikit-learn's Tree with the nodes of a fitted model."""
    tree = model.tree_
    nodes = np.zeros(tree.node_count, _tree.NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = tree.children_left, tree.children_right
    nodes["feature"], nodes["threshold"] = tree.feature, float32_thresholds(model, tree)
    nodes["impurity"], nodes["n_node_samples"] = tree.impurity, tree.n_node_samples
    nodes["weighted_n_node_samples"] = tree.weighted_n_node_samples
    nodes["missing_go_to_left"] = tree.missing_go_to_left
    counts = np.asarray(getattr(model, "n_classes_", [1] * tree.n_outputs), np.intp).reshape(-1)
    other = _tree.Tree(tree.n_features, counts, tree.n_outputs)
    values = np.ascontiguousarray(tree.value, np.float64)
    other.__setstate__({"max_depth": tree.max_depth, "node_count": tree.node_count, "nodes": nodes, "values": values})
    return other


def float32_thresholds(model, tree):
    """(N,) thresholds that compare with numbers rounded to float32, as scikit-learn rounds them.

    A threshold between two numbers stays between them when they are rounded, where float32 tells them apart.
    """
    thresholds = np.full(tree.node_count, float(LEAVES[1]))
    for node in np.flatnonzero(tree.kind == NUMERIC):
        column = model.columns_[tree.feature[node]]
        low = exact_threshold(tree, node, column.dtype)
        if np.dtype(column.dtype).kind == "f" or float(low) % 1 or is_last(low, column.dtype):
            thresholds[node] = float(low) if np.isfinite(tree.threshold[node]) else tree.threshold[node]
            continue
        whole = int(low)
        if np.float32(whole) == np.float32(whole + 1):
            refuse_columns(column, f"{whole} and {whole + 1}")
        thresholds[node] = (
            np.nextafter(np.float32(whole + 1), -np.inf, dtype=np.float32) if abs(whole) >= 2**23 else whole + 0.5
        )
    refuse_equal(model, tree, thresholds)
    return thresholds


def is_last(low, dtype):
    """Whether the threshold parts missing values from all others."""
    return np.dtype(dtype).kind in "iu" and low == np.iinfo(dtype).max


def refuse_equal(model, tree, thresholds):
    """Refuse thresholds that float32 does not tell apart, and columns that lie between two numbers of it."""
    for j, column in enumerate(model.columns_):
        cuts = np.unique(thresholds[(tree.kind == NUMERIC) & (tree.feature == j)])
        cuts = cuts[np.isfinite(cuts)]
        if not len(cuts):
            continue
        rounded = cuts.astype(np.float32)
        gap = np.spacing(np.abs(rounded)).astype(float)
        if 0 < column.spread < gap.max() and np.dtype(column.dtype).itemsize > 4:
            refuse_columns(column, f"numbers {column.spread:g} apart around {cuts[-1]:.17g}")
        below = np.where(
            rounded <= cuts, rounded, np.nextafter(rounded, np.float32(-np.inf))
        )  # the last that goes left
        if len(np.unique(below)) < len(cuts):
            refuse_columns(column, f"thresholds around {cuts[int(np.argmin(np.diff(below)))]:.17g}")


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
    moved = [np.where(leaf, -1, place[nodes[side]]).astype(np.int64) for side in ("left_child", "right_child")]
    names = getattr(model, "feature_names_in_", [f"x{j}" for j in range(model.n_features_in_)])
    own.columns_ = [Column(str(name), "numeric", np.dtype(np.float64)) for name in names]
    for name in ("n_features_in_", "feature_names_in_", *ATTRIBUTES):
        if hasattr(model, name):
            setattr(own, name, getattr(model, name))
    if hasattr(model, "classes_"):
        own.n_classes_ = [int(n) for n in model.n_classes_] if model.n_outputs_ > 1 else int(model.n_classes_)
    count, impurity = len(nodes), nodes["impurity"].astype(np.float64)
    weight = nodes["weighted_n_node_samples"].astype(np.float64)
    own.tree_ = Tree(
        *moved,
        np.where(leaf, -2, nodes["feature"]).astype(np.int64),
        np.where(leaf, LEAF, NUMERIC).astype(np.uint8),
        np.where(leaf, -2.0, float64_thresholds(nodes["threshold"])),
        np.zeros(count, np.int64),
        nodes["missing_go_to_left"].astype(bool) & ~leaf,
        impurity,
        nodes["n_node_samples"].astype(np.int64),
        weight,
        np.ascontiguousarray(model.tree_.value[order], np.float64),
        gains(leaf, *moved, impurity, weight),
        np.zeros(count + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int64),
        int(model.n_features_in_),
    )  # fmt: skip
    own._ready()
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
