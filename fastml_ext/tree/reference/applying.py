"""At which nodes of a tree rows stop, by definition."""

import numpy as np

from fastml_ext.tree.reference.criteria import NUMERIC
from fastml_ext.tree.reference.fractions import blend_row

__all__ = ["apply", "apply_columns", "blend", "decision_path", "parents"]


def apply(tree, X, dtypes):
    """(m,) int64: the node of the tree at which each row of a table of numbers stops.

    tree: of arrays as structure.py states, all of whose splits are numeric | X (m, d) of any real dtype | dtypes: of
    the fitted columns | values and thresholds are compared as real numbers, whatever their dtypes
    """
    return np.array([_walk(tree, row.tolist(), ["numeric"] * len(dtypes), dtypes) for row in X], np.int64)


def apply_columns(tree, columns, fitted):
    """(m,) int64: the node of the tree at which each row stops.

    columns: for each column (m,) numbers, or for categories the codes: -1 for one that was not fitted, len(categories)
    for a missing one | fitted: the columns as the tree knows them, with split, dtype and categories | a row whose
    category is not listed in a node stops there
    """
    splits, dtypes = [c.split for c in fitted], [c.dtype for c in fitted]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    sizes = [None if c.categories is None else len(c.categories) for c in fitted]
    return np.array([_walk(tree, row, splits, dtypes, sizes) for row in rows], np.int64)


def blend(tree, columns, fitted):
    """(m, K): the mean of the values of the nodes at which a row stops, weighted by its shares: see blend_row.

    columns, fitted: as for apply_columns
    """
    splits, dtypes = [c.split for c in fitted], [c.dtype for c in fitted]
    sizes = [None if c.categories is None else len(c.categories) for c in fitted]

    def compare(node, row):
        value = row[tree.feature[node]]
        if value != value or value == sizes[tree.feature[node]]:
            return None
        child = _next(tree, node, row, splits, dtypes, sizes)
        return -1 if child is None else child

    return np.array([blend_row(tree, row, compare) for row in zip(*(c.tolist() for c in columns), strict=True)])


def _walk(tree, row, splits, dtypes, sizes=None):
    node = 0
    while tree.kind[node]:
        child = _next(tree, node, row, splits, dtypes, sizes)
        if child is None:
            break
        node = child
    return node


def _next(tree, node, row, splits, dtypes, sizes):
    """The child that a row goes to, None if it stops here."""
    j = tree.feature[node]
    value = row[j]
    if tree.kind[node] == NUMERIC:
        if splits[j] == "ordered" and value < 0:
            return None
        if value != value or (splits[j] == "ordered" and value == sizes[j]):
            left = tree.missing_go_to_left[node]
        elif splits[j] == "ordered" or (dtypes[j].kind != "f" and not tree.threshold[node] % 1):
            threshold = int(tree.threshold_int[node])
            left = value <= (threshold % 2**64 if dtypes[j] == np.uint64 else threshold)
        else:
            left = value <= float(tree.threshold[node])
        return int((tree.children_left if left else tree.children_right)[node])
    listed = slice(tree.category_start[node], tree.category_start[node + 1])
    children = dict(zip(tree.category_code[listed].tolist(), tree.category_child[listed].tolist(), strict=True))
    return children.get(value)


def parents(tree):
    parent = [-1] * len(tree.feature)
    for node in range(len(parent)):
        listed = tree.category_child[tree.category_start[node] : tree.category_start[node + 1]]
        for child in (tree.children_left[node], tree.children_right[node], *listed):
            if child >= 0:
                parent[child] = node
    return parent


def decision_path(tree, stops):
    """(indptr (m + 1,), indices): indices[indptr[i] : indptr[i + 1]] are the nodes from the root to stops[i]."""
    parent, indptr, indices = parents(tree), [0], []
    for node in stops:
        path = []
        while node >= 0:
            path.insert(0, int(node))
            node = parent[node]
        indices += path
        indptr.append(len(indices))
    return np.array(indptr), np.array(indices, np.int64)
