"""Growing the tree: medians on the widest side, until a node is one leaf. Contract: reference/.

The n points fill leaves of B points each, but for the last. A node of L leaves has 2 children, of (L + 1) // 2 leaves
and the rest, and internal nodes are numbered in preorder: the left child of node v is v + 1, the right one v + (leaves
of the left child). So (node, first leaf, number of leaves) says all about a node, and no links are stored.
"""

from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["grow", "lowest_indices"]

PARTS = 64  # subtrees grown at the same time
WORTH_PARTS = 20_000  # points


class Work(NamedTuple):
    """What growing reads and reorders."""

    X: np.ndarray  # (n, d)
    perm: np.ndarray  # (n,): the points, each node's together
    key: np.ndarray  # (n,): their values in the column that is split
    leaf_size: int
    nobody: int  # index of no point


def grow(X, leaf_size, n_jobs):
    """(leaves, index, edges, column): the arrays of a Tree for X (n, d), n >= 1."""
    n, d = X.shape
    n_leaves = -(-n // leaf_size)
    perm = np.arange(n, dtype=np.int32 if n < 2**31 else np.int64)
    key = np.empty(n, X.dtype)
    leaves = np.empty((n_leaves, d, leaf_size), X.dtype)
    index = np.empty((n_leaves, leaf_size), perm.dtype)
    edges = np.empty((n_leaves - 1, 2), X.dtype)
    column = np.empty(n_leaves - 1, np.int32)
    nodes = np.array([[0, 0, n_leaves]])
    work, arrays = Work(X, perm, key, leaf_size, np.iinfo(perm.dtype).max), (leaves, index, edges, column)
    cost = 100.0 * n * (4 + d / 8)
    while n > WORTH_PARTS and len(nodes) < PARTS:
        pool.run(split_nodes, len(nodes), work, nodes, True, *arrays, cost=cost / len(nodes) / 16, n_jobs=n_jobs)
        nodes = children(nodes)
    pool.run(split_nodes, len(nodes), work, nodes, False, *arrays, cost=cost / len(nodes), n_jobs=n_jobs)
    return leaves, index, edges, column


def lowest_indices(index, allowed):
    """The lowest index among the points of every node and leaf, numbered together in preorder, that are allowed."""
    places = 2 * len(index) - 1
    lowest, parent = np.empty(places, index.dtype), np.empty(places, np.int64)
    fill_lowest(index, allowed, np.iinfo(index.dtype).max, parent, lowest)
    return lowest


def children(nodes):
    """The (node, first leaf, leaves) of both children of each of `nodes`."""
    node, leaf, n_leaves = nodes.T
    left = (n_leaves + 1) // 2
    below = np.array([[node + 1, leaf, left], [node + left, leaf + left, n_leaves - left]])
    return np.ascontiguousarray(below.transpose(2, 0, 1).reshape(-1, 3))


@kernel
def split_nodes(start, stop, work, nodes, once, leaves, index, edges, column):
    """Split nodes[start:stop]; unless it is done once, split all below them too, and fill their leaves."""
    box, sample = np.empty((2, work.X.shape[1]), work.X.dtype), np.empty(128, work.X.dtype)
    stack = np.empty((64, 3), np.int64)
    for i in range(start, stop):
        stack[0, 0], stack[0, 1], stack[0, 2] = nodes[i, 0], nodes[i, 1], nodes[i, 2]
        depth = 1
        while depth > 0:
            depth -= 1
            node, leaf, n_leaves = stack[depth, 0], stack[depth, 1], stack[depth, 2]
            if n_leaves == 1:
                fill(work, leaf, leaves, index)
                continue
            split(work, node, leaf, n_leaves, box, sample, edges, column)
            left = (n_leaves + 1) // 2
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = node + left, leaf + left, n_leaves - left
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = node + 1, leaf, left
            depth += 0 if once else 2


@kernel
def fill(work, leaf, leaves, index):
    """Copy the points of a leaf, column by column; the places of the last leaf that no point takes are far away."""
    X, perm, size = work.X, work.perm, work.leaf_size
    first = leaf * size
    real = min(size, len(perm) - first)
    for j in range(size):
        index[leaf, j] = perm[first + j] if j < real else work.nobody
        for c in range(X.shape[1]):
            leaves[leaf, c, j] = X[perm[first + j], c] if j < real else np.inf


@kernel
def split(work, node, leaf, n_leaves, box, sample, edges, column):
    """Part the points of a node at the median of its widest side, in perm."""
    X, perm, key = work.X, work.perm, work.key
    start = leaf * work.leaf_size
    stop = min(start + n_leaves * work.leaf_size, len(perm))
    middle = start + (n_leaves + 1) // 2 * work.leaf_size
    step = (stop - start) // 128 + 1
    while True:
        c, width = widest(X, perm, start, stop, step, box)
        if width > 0 or step == 1:
            break
        step = 1  # a sample of equal points
    column[node] = c
    if width == 0:  # equal points stand in order of their index: the lowest of a tie are found in the first leaves
        sort_indices(perm, start, stop)
        edges[node, 0] = edges[node, 1] = X[perm[start], c]
        return
    for i in range(start, stop):
        key[i] = X[perm[i], c]
    edges[node, 0], edges[node, 1] = select(key, perm, start, middle, stop, sample)


@kernel
def fill_lowest(index, allowed, nobody, parent, lowest):
    """Write the lowest index among the (allowed) points of every node and leaf, and its parent, in preorder."""
    n_leaves, size = index.shape
    stack = np.empty((64, 2), np.int64)  # parent, leaves
    stack[0, 0], stack[0, 1] = 0, n_leaves
    depth, leaf = 1, 0
    for place in range(2 * n_leaves - 1):
        depth -= 1
        parent[place], below = stack[depth, 0], stack[depth, 1]
        lowest[place] = nobody
        if below > 1:
            left = (below + 1) // 2
            stack[depth, 0], stack[depth, 1] = place, below - left
            stack[depth + 1, 0], stack[depth + 1, 1] = place, left
            depth += 2
            continue
        for j in range(size):
            i = index[leaf, j]
            if i < lowest[place] and (len(allowed) == 0 or allowed[i]):
                lowest[place] = i
        leaf += 1
    for place in range(2 * n_leaves - 2, 0, -1):
        lowest[parent[place]] = min(lowest[parent[place]], lowest[place])


@kernel
def widest(X, perm, start, stop, step, box):
    """(column, width) of the widest side of every step-th point."""
    for c in range(X.shape[1]):
        box[0, c] = box[1, c] = X[perm[start], c]
    for i in range(start + step, stop, step):
        for c in range(X.shape[1]):
            x = X[perm[i], c]
            box[0, c] = min(box[0, c], x)
            box[1, c] = max(box[1, c], x)
    best, width = 0, box[1, 0] - box[0, 0]
    for c in range(1, X.shape[1]):
        if box[1, c] - box[0, c] > width:
            best, width = c, box[1, c] - box[0, c]
    return best, width


@kernel
def select(key, perm, start, middle, stop, sample):
    """Order key, and perm with it, so that none before `middle` is above the others: (last before, first from there).

    Floyd and Rivest's selection: the pivot is taken from a sample, a little beyond the middle on the side where more
    is cut away.
    """
    low, high = start, stop
    while high - low > 32:
        pivot = choose_pivot(key, low, middle, high, sample)
        cut = partition(key, perm, low, high, pivot)
        if middle < cut:
            high = cut
        elif cut > low:
            low = cut
        else:  # the pivot is the least: set all that equal it aside
            cut = partition(key, perm, low, high, np.nextafter(pivot, key.dtype.type(np.inf)))
            if middle < cut:
                break
            low = cut
    else:
        insertion_sort(key, perm, low, high)
    first = key[middle]
    if low < middle:  # all of [low, middle) is sorted, or equal
        return key[middle - 1], first
    last = key[start]
    for i in range(start + 1, middle):
        last = max(last, key[i])
    return last, first


@kernel
def choose_pivot(key, low, middle, high, sample):
    """A value of key[low:high] that parts it near `middle`."""
    size = high - low
    count = 128 if size > 16384 else 32 if size > 512 else 8
    step = size // count
    for i in range(count):
        x, j = key[low + i * step + step // 2], i
        while j > 0 and sample[j - 1] > x:
            sample[j] = sample[j - 1]
            j -= 1
        sample[j] = x
    rank = (middle - low) / size * count
    margin = 0.75 * count**0.5 if count > 8 else 0.0
    rank += margin if 2 * (middle - low) < size else -margin
    return sample[min(max(int(rank), 0), count - 1)]


@kernel
def partition(key, perm, low, high, pivot):
    """Move what is below the pivot to the front, without a branch that could be mispredicted; where the rest begins."""
    cut = low
    for i in range(low, high):
        x, p = key[i], perm[i]
        key[i], perm[i] = key[cut], perm[cut]
        key[cut], perm[cut] = x, p
        cut += x < pivot
    return cut


@kernel
def insertion_sort(key, perm, low, high):
    for i in range(low + 1, high):
        x, p, j = key[i], perm[i], i
        while j > low and key[j - 1] > x:
            key[j], perm[j] = key[j - 1], perm[j - 1]
            j -= 1
        key[j], perm[j] = x, p


@kernel
def sort_indices(a, start, stop):
    """Sort a[start:stop], which often is sorted: heap sort, never quadratic and without recursion."""
    ascending = True
    for i in range(start + 1, stop):
        ascending &= a[i - 1] < a[i]
    if ascending:
        return
    n = stop - start
    for end in range(n + n // 2 - 1, 0, -1):
        root = end - n  # first build the heap from its last parent, then take the greatest off it
        size = n
        if root < 0:
            a[start], a[start + end] = a[start + end], a[start]
            root, size = 0, end
        x = a[start + root]
        child = 2 * root + 1
        while child < size:
            if child + 1 < size and a[start + child + 1] > a[start + child]:
                child += 1
            if a[start + child] <= x:
                break
            a[start + root] = a[start + child]
            root, child = child, 2 * child + 1
        a[start + root] = x
