"""Small inputs for the trees; as in fastml_ext/neighbors/cases.py. Trees to walk and prune are grown by the kernels."""

import numpy as np

from fastml_ext import tree as kernels
from fastml_ext.tree.structure import LEAF, Column, Tree, branches

CLOSE = {"blend": 1e-12, "grow": 1e-9, "subtree_sums": 1e-12, "weakest_links": 1e-9}
WITHIN: dict[str, str] = {}

NUMBERS = ("uint8", "int32", "int64", "uint64", "float32", "float64")


def encode(family, random):
    return family.encode(numbers(random))


def encode_sparse(family, random):
    start = np.cumsum([0, *random.integers(0, 5, 6)])
    return family.encode_sparse(random.integers(-2, 3, start[-1]) / 2, start)


def floats(random):
    X = random.integers(-9, 9, (random.integers(1, 40), 3)) / random.choice([1, 4, 3])
    return np.where(random.random(X.shape) < 0.1, np.nan, X).astype(random.choice(["float32", "float64"]))


def add_distinct(family, random):
    X = floats(random)
    known = family.add_distinct(X[: len(X) // 2], [np.empty(0, np.uint64)] * 3, 12)
    return [np.zeros(0) if keys is None else keys for keys in family.add_distinct(X, known, 12)]


def count_digits(family, random):
    X = floats(random)
    width, first, bits = 8 * X.dtype.itemsize, int(random.integers(1, 16)), int(random.integers(1, 9))
    keys = kernels.add_distinct(X, [np.empty(0, np.uint64)] * 3, 99)
    prefixes = [np.unique((each >> np.uint64(width - first))[::2]) for each in keys]
    counts = [np.zeros((len(each), 2**bits), np.int64) for each in prefixes]
    family.count_digits(X, prefixes, width - first - bits, bits, counts)
    return counts


def keys_of_prefixes(family, random):
    X = floats(random)
    shift = int(random.integers(1, 8 * X.dtype.itemsize - 1))
    keys = kernels.add_distinct(X, [np.empty(0, np.uint64)] * 3, 99)
    return family.keys_of_prefixes(X, [np.unique((each >> np.uint64(shift))[::3]) for each in keys], shift)


def code_values(family, random):
    X, whole = floats(random), random.integers(2, size=3).astype(bool).tolist()
    keys = kernels.add_distinct(floats(random).astype(X.dtype), [np.empty(0, np.uint64)] * 3, 99)
    codes = [np.empty(len(X), dtype) for dtype in (np.uint8, np.uint16, np.uint32)]
    return [*codes, np.array(family.code_values(X, keys, whole, codes))]


def coded_rows(random):
    """(codes of three columns, the walk down a tree of five nodes)."""
    n = random.integers(1, 60)
    codes = [random.integers(0, 6, n).astype(dtype) for dtype in (np.uint8, np.uint16, np.uint32)]
    cut, feature = random.integers(0, 5, 5).astype(np.uint32), random.integers(0, 3, 5).astype(np.int32)
    feature[[1, 3, 4]] = -1
    left, right = np.array([1, -1, 3, -1, -1], np.int32), np.array([2, -1, 4, -1, -1], np.int32)
    return codes, (feature, cut, np.full(3, 5, np.uint32), random.integers(0, 2, 5).astype(np.uint8), left, right)


def go_down(family, random):
    codes, walk = coded_rows(random)
    nodes = np.zeros(len(codes[0]), np.int32)
    family.go_down(codes, *walk, nodes)
    return nodes


def count_codes(family, random):
    codes, _ = coded_rows(random)
    n, dtype = len(codes[0]), random.choice([np.uint8, np.uint32])
    counts = [np.zeros((2, 6, 3), np.uint32) for _ in codes]
    slot = random.integers(-2, 2, n).astype(np.int32)
    family.count_codes(codes, slot, random.integers(0, 3, n).astype(dtype), counts)
    return counts


def blend(family, random):
    X = numbers(random)
    X = np.where(random.random(X.shape) < 0.3, np.nan, X.astype(float))
    return family.blend(number_tree(X, random), list(X.T), [Column("x", "numeric", X.dtype)] * X.shape[1])


def midpoint(family, random):
    a, b = np.sort(random.standard_normal((2, 9)) * 10.0 ** random.integers(-9, 9), axis=0)
    dtype = random.choice(["int32", "int64", "float16", "float32", "float64"])
    with np.errstate(over="ignore"):
        return family.midpoint(np.clip(a, -6e4, 6e4).astype(dtype), np.clip(b, -6e4, 6e4).astype(dtype))


def round_down(family, random):
    dtype = random.choice(["int8", "uint16", "int64", "float16", "float32", "float64"])
    values = random.standard_normal(9) * 10.0 ** random.integers(-9, 9)
    return family.round_down(values, np.dtype(str(dtype)))


def grow(family, random):
    """Each node as (rows, kind, impurity, gain), in depth-first order."""
    columns = [kernels.Coded(codes, values) for values, codes in kernels.encode(numbers(random))]
    n = len(columns[0].codes)
    criterion = random.choice(["gini", "entropy", "gain_ratio", "squared_error"])
    n_classes = 0 if criterion == "squared_error" else 3
    y = random.integers(0, 3, n) if n_classes else random.integers(0, 5, n) / 2
    weight = random.integers(1, 4, n).astype(float) if random.integers(2) else None
    tree = family.grow(columns, y, weight, kernels.Settings(criterion=str(criterion), n_classes=n_classes))
    return np.array(list(arrays_nodes(tree) if isinstance(tree, Tree) else dict_nodes(tree)), float)


def arrays_nodes(tree, at=0):
    yield tree.n_node_samples[at], tree.kind[at], tree.impurity[at], 0 if tree.kind[at] == LEAF else tree.gain[at]
    for child, _ in branches(tree, at):
        yield from arrays_nodes(tree, child)


def dict_nodes(node):
    yield node["n"], node.get("kind", LEAF), node["impurity"], node.get("gain", 0)
    for child in node.get("children", ()):
        yield from dict_nodes(child)


def apply(family, random):
    X = numbers(random)
    return family.apply(number_tree(X, random), X, [X.dtype] * X.shape[1])


def apply_columns(family, random):
    X = numbers(random)
    return family.apply_columns(number_tree(X, random), list(X.T), [Column("x", "numeric", X.dtype)] * X.shape[1])


def decision_path(family, random):
    tree = number_tree(numbers(random), random)
    return family.decision_path(tree, random.integers(0, tree.node_count, 9))


def first_stop(family, random):
    tree = number_tree(numbers(random), random)
    return family.first_stop(tree, random.random(tree.node_count) < 0.3)


def subtree_sums(family, random):
    tree = number_tree(numbers(random), random)
    return family.subtree_sums(tree, random.standard_normal((tree.node_count, 2)))


def truncate(family, random):
    """The rows of each node that stays."""
    tree = number_tree(numbers(random), random)
    kept = family.truncate(tree, random.random(tree.node_count) < 0.3)
    return kept.n_node_samples if isinstance(kept, Tree) else tree.n_node_samples[kept]


def cheapest_leaves(family, random):
    tree = number_tree(numbers(random), random)
    return family.cheapest_leaves(tree, random.integers(0, 5, tree.node_count).astype(float), random.choice([0.0, 0.5]))


def weakest_links(family, random):
    return family.weakest_links(number_tree(numbers(random), random))


def numbers(random):
    """A table with many ties, of any dtype, with a few missing values where it can have them."""
    X = random.integers(0, 7, (random.integers(2, 25), random.integers(1, 4)))
    dtype = np.dtype(random.choice(NUMBERS))
    if dtype.kind == "f":
        X = np.where(random.random(X.shape) < 0.1, np.nan, X / 4)
    return X.astype(dtype)


def number_tree(X, random):
    columns = [kernels.Coded(codes, values) for values, codes in kernels.encode(X)]
    return kernels.grow(columns, random.integers(0, 3, len(X)), None, kernels.Settings(n_classes=3))
