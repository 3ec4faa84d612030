"""What the kernels of trees compute, by definition; how a tree is grown stands in growing_reference.py."""

import math

import numpy as np

from fastml_ext.tree.fractions_reference import blend_row
from fastml_ext.tree.growing_reference import grow, id3, impurity

__all__ = [
    "apply", "apply_columns", "blend", "cheapest_leaves", "decision_path", "encode", "encode_sparse", "first_stop",
    "grow", "id3", "impurity", "midpoint", "round_down", "subtree_sums", "truncate", "weakest_links",
]  # fmt: skip

NUMERIC = 1


def encode(X):
    """[(values, codes)] of every column of X: its distinct values in ascending order, and each row's place among them.

    X (n, d) bool, integer or float of at most 64 bits, finite or NaN | values in the dtype of X; NaN is none of them:
    its code is len(values); -0.0 is 0.0 | codes uint8 below 256 codes, uint16 below 65536, else uint32 | n below 2^31,
    ValueError otherwise
    """
    columns = []
    for column in X.T:
        values = sorted({value.item() for value in column if value == value})
        place = {value: code for code, value in enumerate(values)}
        codes = [place[value.item()] if value == value else len(values) for value in column]
        columns.append((np.array(values, X.dtype), np.array(codes)))
    return columns


def encode_sparse(data, start):
    """[(values, codes, rest)] of columns of which only some rows are stored; in all others they are 0.

    data (m,) as the values of encode's X, those of column j at start[j] .. start[j + 1] | values: the distinct ones, 0
    among them | codes: as encode's, of the rows stored | rest: the code of 0
    """
    columns = []
    for j in range(len(start) - 1):
        stored = np.append(data[start[j] : start[j + 1]], np.zeros(1, data.dtype))
        ((values, codes),) = encode(stored[:, None])
        columns.append((values, codes[:-1], int(codes[-1])))
    return columns


def midpoint(a, b):
    """(a + b) / 2 in the dtype of a and b, rounded towards a, element by element: a <= midpoint < b for a < b.

    a, b (m,) of one dtype, float16, float32, float64, an integer or bool
    """
    return np.array([_lower_middle(x, y, a.dtype) for x, y in zip(a, b, strict=True)], a.dtype)


def _lower_middle(x, y, dtype):
    if dtype.kind != "f":
        return (int(x) + int(y)) // 2
    (p, q), (r, s) = x.item().as_integer_ratio(), y.item().as_integer_ratio()
    return _largest_not_above(p * s + r * q, 2 * q * s, dtype)


def _largest_not_above(p, q, dtype):
    with np.errstate(over="ignore"):
        near = dtype.type(p / q)  # Python divides integers with one rounding
    if math.isinf(near):
        return near if p < 0 else np.finfo(dtype).max
    over, under = near.item().as_integer_ratio()
    return np.nextafter(near, dtype.type(-np.inf)) if over * q > p * under else near


def round_down(x, dtype):
    """float64 x (m,) as the largest number of a float or integer dtype that is not above it, or the dtype's lowest."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.array([v if math.isinf(v) else _largest_not_above(*v.as_integer_ratio(), dtype) for v in x], dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array(
        [high if v == np.inf else low if v == -np.inf else min(max(math.floor(v), low), high) for v in x], dtype
    )


# ------------------------------------------------------------------------------------------------ walking


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


def _parents(tree):
    parent = [-1] * len(tree.feature)
    for node in range(len(parent)):
        listed = tree.category_child[tree.category_start[node] : tree.category_start[node + 1]]
        for child in (tree.children_left[node], tree.children_right[node], *listed):
            if child >= 0:
                parent[child] = node
    return parent


def decision_path(tree, stops):
    """(indptr (m + 1,), indices): indices[indptr[i] : indptr[i + 1]] are the nodes from the root to stops[i]."""
    parent, indptr, indices = _parents(tree), [0], []
    for node in stops:
        path = []
        while node >= 0:
            path.insert(0, int(node))
            node = parent[node]
        indices += path
        indptr.append(len(indices))
    return np.array(indptr), np.array(indices, np.int64)


# ------------------------------------------------------------------------------------------------ pruning


def first_stop(tree, stop):
    """(N,): the marked node nearest to the root among those above or at each node; the node itself if there is none."""
    indptr, paths = decision_path(tree, range(len(stop)))
    found = []
    for node in range(len(stop)):
        marked = [at for at in paths[indptr[node] : indptr[node + 1]] if stop[at]]
        found.append(marked[0] if marked else node)
    return np.array(found)


def subtree_sums(tree, values):
    """(N, m): for every node the sum of values (N, m) over itself and all nodes below it."""
    indptr, paths = decision_path(tree, range(len(values)))
    total = np.zeros(np.shape(values))
    for node in range(len(values)):
        for above in paths[indptr[node] : indptr[node + 1]]:
            total[above] += values[node]
    return total


def truncate(tree, stop):
    """The numbers of the nodes that stay, in order, if those marked in stop (N,) bool become leaves.

    The kernel returns the Tree of these nodes, numbered anew.
    """
    first = first_stop(tree, stop)
    return np.array([node for node in range(len(stop)) if first[node] == node])


def cheapest_leaves(tree, cost, slack=0.0):
    """(N,) bool: nodes that cost at most `slack` more as leaves than the cheapest pruning of their subtree; all leaves.

    cost (N,): of each node as a leaf | a tree costs the sum of its leaves
    """
    parent = _parents(tree)
    children = [[i for i, p in enumerate(parent) if p == node] for node in range(len(parent))]

    def cheapest(node):
        below = sum(cheapest(child) for child in children[node])
        return below if children[node] and cost[node] > below + slack else cost[node]

    return np.array([not children[i] or cost[i] <= sum(map(cheapest, children[i])) + slack for i in range(len(parent))])


def weakest_links(tree):
    """(alpha (N,), path (m, 2)): cost-complexity pruning step by step (Breiman et al. 1984, section 3.3).

    The cost of a node is its impurity times its share of the weight. Each step cuts off the branches of the node t with
    the least (cost of t - cost of the leaves below t) / (number of these - 1), the lowest node of those that are equal
    but for the rounding of the sums (to within 2^-38); this is its alpha, and that of the nodes below it that still had
    branches; inf for leaves. path: (0, cost of the leaves), then (alpha, cost of the leaves) after every step.
    """
    parent = _parents(tree)
    cost = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    alpha, inner = np.full(len(parent), np.inf), [node in parent for node in range(len(parent))]

    def leaves(node):
        if not inner[node]:
            return [node]
        return [leaf for i, p in enumerate(parent) if p == node for leaf in leaves(i)]

    path = [(0.0, sum(cost[leaves(0)]))]
    while inner[0]:
        links = {
            t: (cost[t] - sum(cost[leaves(t)])) / (len(leaves(t)) - 1)
            for t in range(len(parent))
            if inner[t] and reached(t, parent, inner)
        }
        least = min(links.values())
        weakest = min(t for t in links if links[t] <= least + abs(least) * 2.0**-38)
        for node in range(len(parent)):
            if inner[node] and weakest in _ancestors(node, parent):
                alpha[node], inner[node] = links[weakest], False
        path.append((links[weakest], sum(cost[leaves(0)])))
    return alpha, np.array(path)


def _ancestors(node, parent):
    return [] if node < 0 else [node, *_ancestors(parent[node], parent)]


def reached(node, parent, inner):
    return all(inner[above] for above in _ancestors(parent[node], parent))
