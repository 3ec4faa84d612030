"""Prediction: the node of a tree at which each row stops. Contract: reference/applying.py.

A table of one dtype is compared as it is: the thresholds are rounded down to that dtype once, which changes no answer,
for x <= t holds if and only if x is at most the largest number of its own dtype that is not above t.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.tree.applying import predict
from fastml_ext.tree.applying.coded import CodedTree, blend_codes, walk_codes
from fastml_ext.tree.structure import LEAF, NUMERIC, depths, parents
from fastml_ext.tree.thresholds import WHOLE, nearest_below, round_down

__all__ = [
    "apply", "apply_columns", "blend", "decision_path", "nodes_of", "pack", "stop_of_one", "walk", "walk_rows",
    "walker_of",
]  # fmt: skip

COST = 25.0  # ns a row; one more for every level of a tree that is half as deep again
WALK = 12.0, 0.16  # ns a row, and a value of 8 bytes
WALKERS = {
    "float32": (predict.walk_float32, predict.NarrowTree, predict.NARROW),
    "float64": (predict.walk_float64, predict.WideTree, predict.WIDE),
    **dict.fromkeys(("uint8", "int32", "int64"), (predict.walk_whole, predict.WholeTree, predict.WHOLE)),
}
WIDER = {
    "bool": "uint8", "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64", "float16": "float32",
}  # fmt: skip
INT64 = np.iinfo(np.int64)


def apply(tree, X, dtypes, n_jobs=None):
    """Nodes at which the rows of a numeric table stop. Contract: reference/applying.py."""
    return walk(as_walked(X), pack(tree, dtypes, X.dtype), np.arange(tree.node_count), n_jobs)[0]


def walk(X, packed, answers, n_jobs=None):
    """(answers of the nodes at which rows stop, are all values finite) for a table as `as_walked` gives it.

    packed: the tree as `pack` gives it for the dtype of X | answers (N,) int64 or float64, one for each node
    """
    out = np.empty(len(X), answers.dtype)
    cost = WALK[0] + 2 * np.log2(len(answers)) + WALK[1] * X.strides[0] / 8
    clean = pool.run(
        WALKERS[X.dtype.name][0], len(X), X, packed, answers.view(np.int64), out.view(np.int64),
        cost=cost, step=8, n_jobs=n_jobs,
    )  # fmt: skip
    return out, all(clean)


def walk_rows(X, packed, answers, n_jobs=None):
    """As walk, of a CSR matrix of float32 or float64, of which NaN passes."""
    n, d = X.shape
    out = np.empty(n, answers.dtype)
    cost = COST + 2 * np.log2(len(answers)) + 2 * len(X.data) / n
    clean = pool.run(
        predict.walk_sparse, n, X.data, X.indices, X.indptr, d, packed, answers.view(np.int64), out.view(np.int64),
        cost=cost, step=max(1, d // 1024), n_jobs=n_jobs,
    )  # fmt: skip
    return out, all(clean)


def as_walked(X):
    """X in C order and a dtype that a kernel reads."""
    if X.dtype == np.uint64:
        return (np.ascontiguousarray(X) ^ np.uint64(1 << 63)).view(np.int64)  # the same order in int64
    return np.ascontiguousarray(X, dtype=WIDER.get(X.dtype.name, X.dtype.name))


def pack(tree, dtypes, dtype):
    """The tree as `walk` reads it for a table of a dtype; dtypes: those of the fitted columns."""
    return walker_of(dtype)[1](nodes_of(tree, dtypes, dtype), tree.missing_go_to_left.view(np.uint8))


def walker_of(dtype):
    """(kernel, class of the packed tree, record of a node) for a table of a dtype."""
    name = np.dtype(dtype).name
    return WALKERS["int64" if name == "uint64" else WIDER.get(name, name)]


def nodes_of(tree, dtypes, dtype):
    """The records of the nodes for a table of a dtype; leaves are their own children."""
    layout = walker_of(dtype)[2]
    nodes = np.zeros(tree.node_count, layout)
    inner, numbers, child = tree.kind == NUMERIC, np.arange(tree.node_count), nodes["child"]
    child[:, 0] = np.where(inner, tree.children_left, numbers)
    child[:, 1] = np.where(inner, tree.children_right, numbers)
    nodes["feature"] = np.where(inner, tree.feature, 0)
    for kind, at in _by_kind(np.flatnonzero(inner), tree.feature, dtypes):
        nodes["threshold"][at], never = _thresholds(tree, at, kind, np.dtype(dtype), layout["threshold"])
        child[at[never]] = child[at[never], 1:]
    return nodes


def _by_kind(at, feature, dtypes):
    """("f", "i" or "u", the nodes of `at` that split such a column), as `_thresholds` takes them."""
    kinds = {d: "u" if d == np.uint64 else "i" if np.dtype(d).kind in "biu" else "f" for d in set(dtypes)}
    if len(set(kinds.values())) == 1:  # as a rule; a first prediction waits for this
        yield next(iter(kinds.values())), at
        return
    of_columns = np.array([kinds[d] for d in dtypes])
    for kind in np.unique(of_columns):
        yield kind, at[of_columns[feature[at]] == kind]


def _thresholds(tree, at, kind, dtype, stored):
    """(thresholds as they are stored for a table of a dtype, which of them no value of that dtype is below).

    kind: "f", "i", "u" for fitted columns of floats, integers, uint64
    """
    lowest = 0 if dtype.kind in "ub" else -np.inf if dtype.kind == "f" else float(np.iinfo(dtype).min)
    shift = np.int64(INT64.min if dtype == np.uint64 else 0)  # as `as_walked` shifts the values
    t = tree.threshold[at]
    if kind != "f" and stored.kind == "f":  # files of earlier versions have the nearest float64, which may be above
        whole = nearest_below(tree.threshold_int[at].view(np.uint64 if kind == "u" else np.int64))
        t = np.where(np.abs(t) < WHOLE, t, whole)
    elif kind != "f":
        t = tree.threshold_int[at].view(np.uint64 if kind == "u" else np.int64)
    never = t < lowest
    if stored.kind == "f":
        return round_down(t, stored), never
    if kind == "f":
        t = round_down(t, np.dtype(np.uint64 if shift else np.int64))
    elif shift:
        t = np.where(never, 0, t).astype(np.uint64)
    else:
        t = np.minimum(t, np.uint64(INT64.max)) if kind == "u" else t
    return t.astype(np.uint64 if shift else np.int64).view(np.int64) ^ shift, never


def apply_columns(tree, columns, fitted, n_jobs=None):
    """Nodes at which rows given as one array for each column stop. Contract: reference/applying.py."""
    codes, cut = _codes(tree, columns, fitted)
    out = np.empty(len(codes), np.int64)
    pool.run(
        walk_codes, len(codes), codes, CodedTree(tree, cut), out,
        cost=COST + 8 * np.log2(tree.node_count), n_jobs=n_jobs,
    )  # fmt: skip
    return out


def blend(tree, columns, fitted, n_jobs=None):
    """Values of the nodes that rows stop at, by shares of the rows. Contract: reference/applying.py."""
    codes, cut = _codes(tree, columns, fitted)
    missing = [-1 if column.split in ("numeric", "ordered") else len(column.categories) for column in fitted]
    out = np.zeros((len(codes), tree.value.shape[2]))
    pool.run(
        blend_codes, len(codes), codes, np.array(missing, np.int64), CodedTree(tree, cut), tree.weighted_n_node_samples,
        np.ascontiguousarray(tree.value[:, 0]), out,
        cost=COST + 16 * np.log2(tree.node_count), n_jobs=n_jobs,
    )  # fmt: skip
    return out


def _codes(tree, columns, fitted):
    """(codes (n, d) of the rows, cut (N,)): of numbers, how many thresholds of their column are below them.

    -1 where a number or an ordered category is missing, -2 for an ordered category that was not fitted
    """
    n = len(columns[0])
    codes = np.zeros((n, max(1, len(columns))), np.int64)
    cut = np.zeros(tree.node_count, np.int64)
    for j in np.unique(tree.feature[tree.kind != LEAF]):
        if fitted[j].split == "numeric":
            codes[:, j] = _below(tree, j, columns[j], fitted[j].dtype, cut)
        else:
            codes[:, j] = columns[j]
            if fitted[j].split == "ordered":
                codes[columns[j] < 0, j] = -2  # not fitted: in no order to the others
                codes[columns[j] == len(fitted[j].categories), j] = -1
                at = tree.feature == j
                cut[at] = tree.threshold_int[at]
    return codes, cut


def _below(tree, j, x, dtype, cut):
    """How many of column j's thresholds are below each x, -1 where x is missing; `cut` takes each threshold's place."""
    at = np.flatnonzero(tree.feature == j)
    kind = "f" if dtype.kind == "f" else "u" if dtype == np.uint64 else "i"
    walked = as_walked(x)
    stored = walked.dtype if walked.dtype.kind == "f" else np.dtype(np.int64)
    thresholds, never = _thresholds(tree, at, kind, x.dtype, stored)
    distinct, cut[at] = np.unique(thresholds, return_inverse=True)
    cut[at[never]] = -1
    codes = np.searchsorted(distinct, walked)
    if x.dtype.kind == "f":
        codes[np.isnan(x)] = -1
    return codes


def decision_path(tree, stops):
    """(indptr, indices) of the nodes that rows pass on their way. Contract: reference/applying.py."""
    return predict.paths(stops, parents(tree), depths(tree))


def stop_of_one(dtype):
    """The kernel (X, packed) that gives the node of the only row of a finite float32 or float64 table."""
    return predict.stop_float32 if dtype == np.float32 else predict.stop_float64
