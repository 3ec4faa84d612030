"""Prediction and pruning against their definitions, on grown trees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column, Settings, reference
from fastml_ext.tree.structure import LEAF, branches, depths, parents

NUMBERS = ["uint8", "int32", "int64", "uint64", "float32", "float64"]
seeds = st.integers(0, 2**32 - 1)


def values_of(random, dtype, n, u=7):
    values = random.integers(0, u, n)
    return (values / 4 if np.dtype(dtype).kind == "f" else values).astype(dtype)


def number_tree(random, dtype, n=40, d=3, missing=False):
    X = np.stack([values_of(random, dtype, n) for _ in range(d)], axis=1)
    if missing and X.dtype.kind == "f":
        X[random.random(X.shape) < 0.2] = np.nan
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    y = random.integers(0, 3, n)
    return X, kernels.grow(columns, y, None, Settings(n_classes=3))


def mixed_tree(random, n=60):
    splits = ["numeric", "multiway", "subset", "ordered"]
    codes = [random.integers(0, 6, n).astype(np.uint8) for _ in splits]  # 5 stands for a missing value
    columns = [Coded(c, np.arange(5.0), split) for c, split in zip(codes, splits, strict=True)]
    tree = kernels.grow(columns, random.integers(0, 3, n), None, Settings(n_classes=3, criterion="entropy"))
    words = np.array(list("abcde"), object)
    fitted = [
        Column("x", s, np.dtype(float if s == "numeric" else object), None if s == "numeric" else words) for s in splits
    ]
    rows = [random.integers(-1, 6, 50) for _ in splits]
    rows[0] = np.where(rows[0] == 5, np.nan, rows[0] / 1.5)
    return tree, fitted, rows


@pytest.mark.parametrize("fitted", NUMBERS)
@pytest.mark.parametrize("asked", [*NUMBERS, "bool", "int8", "uint16", "float16"])
@given(seed=seeds)
def test_apply_compares_exactly_whatever_the_dtypes(fitted, asked, seed):
    random = np.random.default_rng(seed)
    X, tree = number_tree(random, fitted, missing=True)
    dtypes = [X.dtype] * 3
    assert np.array_equal(kernels.apply(tree, X, dtypes), reference.apply(tree, X, dtypes))
    rows = np.stack([values_of(random, asked, 20) for _ in range(3)], axis=1)
    expected = reference.apply(tree, rows, dtypes)
    assert np.array_equal(kernels.apply(tree, rows, dtypes, n_jobs=2), expected)
    columns = [Column("x", "numeric", X.dtype)] * 3
    assert np.array_equal(kernels.apply_columns(tree, list(rows.T), columns), expected)


@pytest.mark.parametrize("low", [2**53, -(2**62), 2**63 + 2**62])
def test_integers_that_no_float_tells_apart(low):
    dtype = np.uint64 if low > 2**63 else np.int64
    X = np.array([[low], [low + 1], [low + 2], [low + 3]], dtype)
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    tree = kernels.grow(columns, np.array([0, 0, 1, 1]), None, Settings())
    assert kernels.apply(tree, X, [X.dtype]).tolist() == [1, 1, 2, 2]
    assert kernels.apply_columns(tree, [X[:, 0]], [Column("x", "numeric", X.dtype)]).tolist() == [1, 1, 2, 2]


@given(seeds)
def test_apply_columns(seed):
    tree, fitted, rows = mixed_tree(np.random.default_rng(seed))
    assert np.array_equal(kernels.apply_columns(tree, rows, fitted), reference.apply_columns(tree, rows, fitted))


@given(seeds)
def test_decision_path(seed):
    tree, _, _ = mixed_tree(np.random.default_rng(seed))
    stops = np.random.default_rng(seed).integers(0, tree.node_count, 9)
    for ours, expected in zip(kernels.decision_path(tree, stops), reference.decision_path(tree, stops), strict=True):
        assert np.array_equal(ours, expected)


@given(seeds, st.sampled_from([0.0, 0.5]))
def test_pruning(seed, slack):
    random = np.random.default_rng(seed)
    tree, fitted, rows = mixed_tree(random)
    cost = random.integers(0, 5, tree.node_count).astype(float)
    leaf = kernels.cheapest_leaves(tree, cost, slack)
    assert np.array_equal(leaf, reference.cheapest_leaves(tree, cost, slack))
    assert np.array_equal(kernels.first_stop(tree, leaf), reference.first_stop(tree, leaf))
    assert np.allclose(kernels.subtree_sums(tree, cost[:, None]), reference.subtree_sums(tree, cost[:, None]))
    small, kept = kernels.truncate(tree, leaf), reference.truncate(tree, leaf)
    assert np.array_equal(small.n_node_samples, tree.n_node_samples[kept])
    place = {int(old): new for new, old in enumerate(kept)}
    for new, old in enumerate(kept):
        expected = [] if leaf[old] else branches(tree, old)
        assert [child for child, _ in branches(small, new)] == [place[child] for child, _ in expected]
    stops = kernels.apply_columns(small, rows, fitted)
    assert np.array_equal(kept[stops], kernels.first_stop(tree, leaf)[kernels.apply_columns(tree, rows, fitted)])


@given(seeds)
def test_weakest_links(seed):
    tree, _, _ = mixed_tree(np.random.default_rng(seed), n=25)
    (alpha, path), (expected, steps) = kernels.weakest_links(tree), reference.weakest_links(tree)
    assert len(path) == len(steps)
    assert alpha == pytest.approx(expected, abs=1e-12)
    assert path == pytest.approx(steps, abs=1e-12)


def test_a_staircase_of_a_hundred_thousand_steps():
    """A tree of one long path: nothing recurses."""
    n = 100_000
    node = np.arange(2 * n + 1)
    inner = (node % 2 == 0) & (node < 2 * n)
    tree = kernels.Tree(
        children_left=np.where(inner, node + 1, -1),
        children_right=np.where(inner, node + 2, -1),
        feature=np.where(inner, 0, -2),
        kind=inner.astype(np.uint8),
        threshold=np.where(inner, node // 2 + 0.5, -2.0),
        threshold_int=np.zeros(len(node), np.int64),
        missing_go_to_left=np.zeros(len(node), bool),
        impurity=np.where(inner, 0.5, 0.0),
        n_node_samples=np.ones(len(node), np.int64),
        weighted_n_node_samples=np.ones(len(node)),
        value=np.ones((len(node), 1, 1)),
        gain=np.where(inner, 0.1, 0.0),
        category_start=np.zeros(len(node) + 1, np.int64),
        category_code=np.zeros(0, np.int64),
        category_child=np.zeros(0, np.int64),
        n_features=1,
    )
    X = np.array([[0.0], [5.0], [n - 1.0], [n + 1.0]])
    stops = kernels.apply(tree, X, [X.dtype])
    assert stops.tolist() == [1, 11, 2 * n - 1, 2 * n]
    assert tree.max_depth == n
    assert parents(tree)[-1] == 2 * n - 2
    assert np.diff(kernels.decision_path(tree, stops)[0]).tolist() == [2, 7, n + 1, n + 1]
    assert kernels.truncate(tree, depths(tree) >= 3).node_count == 7
    assert kernels.cheapest_leaves(tree, np.ones(len(node))).all()
    left = np.cumsum((~inner * 0.25)[::-1])[::-1]  # of the weight and cost below each node
    alphas, path = kernels.weakest_links(tree._replace(impurity=np.where(inner, left + n - node // 2, 0.25)))
    assert np.isfinite(alphas).sum() == n
    assert (np.diff(path[:, 0]) >= -1e-6).all()


def test_a_deep_tree_is_grown():
    """y changes so that the best split takes one row off the end, again and again."""
    n = 3000
    weight = 3.0 ** -np.minimum(np.arange(n), 600)
    columns = [Coded(np.arange(n, dtype=np.uint16), np.arange(n, dtype=float))]
    tree = kernels.grow(columns, np.arange(n) % 2, weight, Settings(criterion="entropy"))
    assert tree.max_depth > 500
    assert tree.node_count == 2 * n - 1


def test_a_staircase_is_grown_from_labels_that_alternate():
    """Nothing gains more than to take one row off an end: as many levels as rows but one."""
    n = 2500
    columns = [Coded(np.arange(n, dtype=np.uint16), np.arange(n, dtype=float))]
    tree = kernels.grow(columns, np.arange(n) % 2, None, Settings())
    assert (tree.max_depth, tree.n_leaves) == (n - 1, n)
    alphas, path = kernels.weakest_links(tree)
    assert np.isfinite(alphas).sum() == n - 1
    assert path[-1, 1] == pytest.approx(0.5)


def test_ten_thousand_categories():
    random = np.random.default_rng(0)
    codes = random.integers(0, 10_000, 30_000).astype(np.uint16)
    y = codes % 2
    for split, leaves in (("multiway", len(np.unique(codes))), ("subset", 2)):
        tree = kernels.grow([Coded(codes, np.arange(10_000), split)], y, None, Settings())
        assert tree.n_leaves == leaves
        assert (tree.impurity[tree.kind == LEAF] == 0).all()


def test_one_row_one_class_constant_and_missing_columns():
    one = Coded(np.zeros(5, np.uint8), np.array([1.0]))
    missing = Coded(np.zeros(5, np.uint8), np.array([]))
    for columns in ([one], [missing], [one, missing]):
        tree = kernels.grow(columns, np.array([0, 1, 0, 1, 0]), None, Settings())
        assert tree.node_count == 1
        assert tree.value[0, 0] == pytest.approx([0.6, 0.4])
    tree = kernels.grow([Coded(np.zeros(1, np.uint8), np.array([1.0]))], np.array([0]), None, Settings(n_classes=1))
    assert tree.node_count == 1
