"""Pruning: a tree with some of its nodes made leaves. Contract: reference/pruning.py."""

import numpy as np

from fastml_ext.tree.pruning import links
from fastml_ext.tree.structure import LEAF, parents

__all__ = ["cheapest_leaves", "first_stop", "subtree_sums", "truncate", "weakest_links"]


def truncate(tree, stop):
    """The tree in which the nodes marked in `stop` are leaves. Contract: reference/pruning.py."""
    parent = parents(tree)
    gone = _below(parent, stop)
    kept = ~gone
    new = np.cumsum(kept) - 1
    leaf = stop[kept]
    fields = {name: getattr(tree, name)[kept].copy() for name in tree._fields[:12]}
    for name in ("children_left", "children_right"):
        child = fields[name]
        child[child >= 0] = new[child[child >= 0]]
        child[leaf] = -1
    for name, value in (("feature", -2), ("kind", LEAF), ("threshold", -2.0), ("threshold_int", 0),
                        ("missing_go_to_left", False), ("gain", 0.0)):  # fmt: skip
        fields[name][leaf] = value
    owner = np.repeat(np.arange(tree.node_count), np.diff(tree.category_start))
    listed = kept[owner] & ~stop[owner]
    counts = np.bincount(new[owner[listed]], minlength=int(kept.sum()))
    return tree._replace(
        **fields,
        category_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        category_code=tree.category_code[listed],
        category_child=new[tree.category_child[listed]],
    )


def first_stop(tree, stop):
    """(N,): the first marked node on the way from the root to each node, the node itself where there is none."""
    return links.first_stop(parents(tree), np.ascontiguousarray(stop).view(np.uint8))


def _below(parent, stop):
    """(N,) bool: nodes under a marked one."""
    first = links.first_stop(parent, np.ascontiguousarray(stop).view(np.uint8))
    return first != np.arange(len(parent))


def weakest_links(tree):
    """(alpha (N,), path (m, 2)) of cost-complexity pruning. Contract: reference/pruning.py."""
    cost = tree.impurity * (tree.weighted_n_node_samples / tree.weighted_n_node_samples[0])
    return links.weakest_links(parents(tree), cost)


def cheapest_leaves(tree, cost, slack=0.0):
    """(N,) bool: nodes that cost no more as leaves than their subtrees do. Contract: reference/pruning.py."""
    return links.cheapest_leaves(parents(tree), np.ascontiguousarray(cost, np.float64), slack)


def subtree_sums(tree, values):
    """For each node the sum over its subtree. Contract: reference/pruning.py."""
    return links.accumulate(parents(tree), values)
