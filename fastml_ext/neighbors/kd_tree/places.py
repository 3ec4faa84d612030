"""Where queries fall in a tree, and in what order they are served. Contract: reference/."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel_exact

__all__ = ["places"]

FIRST = np.zeros(1, np.int64)
LOCATED = 16  # queries located at the same time


def places(tree, Q, n_jobs):
    """The leaf of each query, and the queries in order of their leaves."""
    m, n_leaves = len(Q), len(tree.index)
    if m == 1:  # of ten microseconds that a query may take, an order of one costs one
        home = np.empty(1, np.int64)
        locate(0, 1, tree, Q, home)
        return home, FIRST
    home, order = np.empty(m, np.int64), np.empty(m, np.int64)
    if m == tree.n:
        cost = 2.0 * tree.leaves[0].size
        if all(pool.run(locate_own, n_leaves, tree, Q, home, order, cost=cost, n_jobs=n_jobs)):
            return home, order
    pool.run(locate, m, tree, Q, home, cost=40, n_jobs=n_jobs)
    if m < n_leaves / 4:
        return home, np.argsort(home)
    sort_by_leaf(home, np.zeros(n_leaves + 1, np.int64), order)  # linear in both
    return home, order


@kernel_exact
def locate(start, stop, tree, Q, home):
    """The leaf whose cell holds each query: of a few queries at a time, because each step waits for the one before."""
    at, levels = np.empty((LOCATED, 3), np.int64), 0  # node, first leaf, leaves
    while len(tree.index) >> levels > 1:
        levels += 1
    for first in range(start, stop, LOCATED):
        count = min(LOCATED, stop - first)
        for j in range(count):
            at[j, 0], at[j, 1], at[j, 2] = 0, 0, len(tree.index)
        for _ in range(levels):
            for j in range(count):
                step(tree, Q[first + j], at[j])
        for j in range(count):
            if at[j, 2] > 1:  # leaves lie on two levels
                step(tree, Q[first + j], at[j])
            home[first + j] = at[j, 1]


@kernel_exact
def step(tree, x, at):
    """Go from a node to its child on the side of x, without a branch."""
    node, left = at[0], (at[2] + 1) >> 1
    beyond = x[tree.column[node]] > tree.edges[node, 0]
    at[0] = node + (left if beyond else 1)
    at[1] += left if beyond else 0
    at[2] = at[2] - left if beyond else left


@kernel_exact
def locate_own(start, stop, tree, Q, home, order):
    """Where the queries fall and in what order, if they are the points of these leaves: whether they are."""
    size = tree.leaves.shape[2]
    for leaf in range(start, stop):
        for j in range(size):
            q = tree.index[leaf, j]
            if q == tree.nobody:
                return True
            for c in range(Q.shape[1]):
                if Q[q, c] != tree.leaves[leaf, c, j]:
                    return False
            home[q], order[leaf * size + j] = leaf, q
    return True


@kernel_exact
def sort_by_leaf(home, begin, order):
    """The queries in order of their leaves: neighbours in time are neighbours in space, and in the cache.

    begin (n_leaves + 1,): zeros, is used up
    """
    for q in range(len(home)):
        begin[home[q] + 1] += 1
    for leaf in range(1, len(begin)):
        begin[leaf] += begin[leaf - 1]
    for q in range(len(home)):
        order[begin[home[q]]] = q
        begin[home[q]] += 1
