"""Growing the tree: medians on the widest side, until a node is one leaf. Contract: reference.py.

The n points fill leaves of B points each, but for the last. A node of L leaves has 2 children, of (L + 1) // 2 leaves
and the rest, and internal nodes are numbered in preorder: the left child of node v is v + 1, the right one v + (leaves
of the left child). So (node, first leaf, number of leaves) says all about a node, and no links are stored.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["grow", "lowest_indices"]

PARTS = 64  # subtrees grown at the same time
WORTH_PARTS = 20_000  # points


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
    cost = 100.0 * n * (4 + d / 8)
    while n > WORTH_PARTS and len(nodes) < PARTS:
        arrays = X, perm, key, leaf_size, nodes, edges, column
        pool.run(split_nodes, len(nodes), *arrays, cost=cost / len(nodes) / 16, n_jobs=n_jobs)
        nodes = children(nodes)
    arrays = X, perm, key, nodes, leaves, index, edges, column
    pool.run(grow_subtrees, len(nodes), *arrays, cost=cost / len(nodes), n_jobs=n_jobs)
    return leaves, index, edges, column


def children(nodes):
    """The (node, first leaf, leaves) of both children of each of `nodes`."""
    node, leaf, n_leaves = nodes.T
    left = (n_leaves + 1) // 2
    below = np.array([[node + 1, leaf, left], [node + left, leaf + left, n_leaves - left]])
    return np.ascontiguousarray(below.transpose(2, 0, 1).reshape(-1, 3))


@kernel
def split_nodes(start, stop, X, perm, key, leaf_size, nodes, edges, column):
    """Split each of nodes[start:stop]."""
    box = np.empty((2, X.shape[1]), X.dtype)
    sample = np.empty(128, X.dtype)
    for i in range(start, stop):
        split(X, perm, key, leaf_size, nodes[i, 0], nodes[i, 1], nodes[i, 2], box, sample, edges, column)


@kernel
def grow_subtrees(start, stop, X, perm, key, nodes, leaves, index, edges, column):
    """Split nodes[start:stop] and all below, and fill their leaves."""
    leaf_size = index.shape[1]
    box = np.empty((2, X.shape[1]), X.dtype)
    sample = np.empty(128, X.dtype)
    stack = np.empty((64, 3), np.int64)
    for i in range(start, stop):
        stack[0] = nodes[i]
        depth = 1
        while depth > 0:
            depth -= 1
            node, leaf, n_leaves = stack[depth, 0], stack[depth, 1], stack[depth, 2]
            if n_leaves == 1:
                fill(X, perm, leaf, leaves, index)
                continue
            split(X, perm, key, leaf_size, node, leaf, n_leaves, box, sample, edges, column)
            left = (n_leaves + 1) // 2
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = node + left, leaf + left, n_leaves - left
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = node + 1, leaf, left
            depth += 2


@kernel
def fill(X, perm, leaf, leaves, index):
    """Copy the points of a leaf, column by column; the places of the last leaf that no point takes are infinitely far."""
    size, n = index.shape[1], len(perm)
    first = leaf * size
    for j in range(min(size, n - first)):
        i = perm[first + j]
        index[leaf, j] = i
        for c in range(X.shape[1]):
            leaves[leaf, c, j] = X[i, c]
    for j in range(n - first, size):
        index[leaf, j] = np.iinfo(index.dtype).max
        leaves[leaf, :, j] = np.inf


@kernel
def split(X, perm, key, leaf_size, node, leaf, n_leaves, box, sample, edges, column):
    """Part the points of a node at the median of its widest side, in perm."""
    start = leaf * leaf_size
    stop = min(start + n_leaves * leaf_size, len(perm))
    middle = start + (n_leaves + 1) // 2 * leaf_size
    c, width = widest(X, perm, start, stop, max(1, (stop - start) // 128), box)
    if width == 0 and stop - start > 128:
        c, width = widest(X, perm, start, stop, 1, box)
    column[node] = c
    if width == 0:  # equal points stand in order of their index: the lowest of a tie are found in the first leaves
        if not ascending(perm, start, stop):
            heap_sort(perm, start, stop)
        edges[node] = X[perm[start], c]
        return
    for i in range(start, stop):
        key[i] = X[perm[i], c]
    edges[node, 0], edges[node, 1] = select(key, perm, start, middle, stop, sample)


@kernel
def lowest_indices(index, allowed):
    """The lowest index among the (allowed) points of every node and leaf, numbered together in preorder."""
    n_leaves, size = index.shape
    nobody = np.iinfo(index.dtype).max
    lowest = np.full(2 * n_leaves - 1, nobody, index.dtype)
    parent = np.empty(2 * n_leaves - 1, np.int64)
    stack = np.empty((64, 3), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2] = -1, 0, n_leaves
    depth, place, leaf = 1, 0, 0
    while depth > 0:
        depth -= 1
        parent[place], half = stack[depth, 0], stack[depth, 2]
        if half == 1:
            for i in index[leaf]:
                if i != nobody and (len(allowed) == 0 or allowed[i]):
                    lowest[place] = min(lowest[place], i)
            leaf += 1
        else:
            left = (half + 1) // 2
            stack[depth, 0], stack[depth, 2] = place, half - left
            stack[depth + 1, 0], stack[depth + 1, 2] = place, left
            depth += 2
        place += 1
    for place in range(2 * n_leaves - 2, 0, -1):
        lowest[parent[place]] = min(lowest[parent[place]], lowest[place])
    return lowest


@kernel
def widest(X, perm, start, stop, step, box):
    """(column, width) of the widest side of every step-th point."""
    low, high = box
    low[:] = X[perm[start]]
    high[:] = low
    for i in range(start + step, stop, step):
        row = X[perm[i]]
        for c in range(X.shape[1]):
            low[c] = min(low[c], row[c])
            high[c] = max(high[c], row[c])
    best, width = 0, high[0] - low[0]
    for c in range(1, X.shape[1]):
        if high[c] - low[c] > width:
            best, width = c, high[c] - low[c]
    return best, width


@kernel
def select(key, perm, start, middle, stop, sample):
    """Order key, and perm with it, so that none before `middle` is above those from there on: (last before, first from).

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
            cut = partition_equal(key, perm, low, high, pivot)
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
    margin = 0.75 * np.sqrt(count) if count > 8 else 0.0
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
def partition_equal(key, perm, low, high, pivot):
    """As partition, but moving what is not above the pivot."""
    cut = low
    for i in range(low, high):
        x, p = key[i], perm[i]
        key[i], perm[i] = key[cut], perm[cut]
        key[cut], perm[cut] = x, p
        cut += x <= pivot
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
def ascending(a, start, stop):
    for i in range(start + 1, stop):  # noqa: SIM110  Numba compiles no generator
        if a[i - 1] > a[i]:
            return False
    return True


@kernel
def heap_sort(a, start, stop):
    """Sort a[start:stop]; never quadratic, no recursion."""
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
