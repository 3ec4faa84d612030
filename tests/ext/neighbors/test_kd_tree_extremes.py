"""The KD-tree where it may break: degenerate clouds, odd arrays, sizes beyond 2^31, real data, a second process."""

import pickle
import subprocess
import sys

import datasets
import numpy as np
import pytest
from scipy.spatial import cKDTree

from fastml_ext import neighbors as kernels
from fastml_ext.neighbors import kd_tree, reference


def tenths(n, d, seed=0, dtype=np.float64):
    return (np.random.default_rng(seed).integers(0, 300, (n, d)) / 10).astype(dtype)


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("k", [5, 40])
def test_column_of_weight_zero_takes_no_part_even_where_it_overflows(p, k):
    rng = np.random.default_rng(k)
    X, w = rng.normal(size=(200, 3)), np.array([1.0, 0.0, 2.0])
    X[::2, 1] = 1.7e308
    Q = X[1:30] * [1, -1, 1]
    tree = kernels.build_tree(X, metric="minkowski", p=p, w=w)
    with np.errstate(over="ignore"):
        expected = reference.query_tree(reference.build_tree(X, metric="minkowski", p=p, w=w), Q, k)
    assert same(kernels.query_tree(tree, Q, k), expected)
    assert (expected[1] >= 0).all()


def test_one_point():
    tree = kernels.build_tree(np.array([[1.0, 2.0]]))
    distances, indices = kernels.query_tree(tree, np.array([[1.0, 5.0]]), 3)
    assert distances.tolist() == [[3, np.inf, np.inf]]
    assert indices.tolist() == [[0, -1, -1]]
    assert kernels.query_tree(tree, np.empty((0, 2)), 3)[1].shape == (0, 3)


def test_copies_of_one_point_are_told_apart_by_their_index():
    n = 100_000
    tree = kernels.build_tree(np.full((n, 2), 0.1))
    _, indices = kernels.query_tree(tree, np.full((n, 2), 0.1), 3, exclude=np.arange(n))
    assert indices[0].tolist() == [1, 2, 3]
    assert indices[1].tolist() == [0, 2, 3]
    assert (indices[3:] == [0, 1, 2]).all()


def test_a_few_points_copied_often():
    X = np.repeat(tenths(7, 2), 5000, axis=0)[np.random.default_rng(0).permutation(35_000)]
    tree = kernels.build_tree(X)
    _, indices = kernels.query_tree(tree, X[:2000], 4)
    for i, found in enumerate(indices[:50]):
        assert found.tolist() == np.flatnonzero((X == X[i]).all(axis=1))[:4].tolist()
    assert (kernels.count_radius(tree, X[:50], 0) == 5000).all()


def test_leaves_and_threads_change_nothing():
    X, Q = tenths(30_000, 2), tenths(2000, 2, seed=1)
    expected = kernels.query_tree(kernels.build_tree(X), Q, 5)
    radius = kernels.query_radius(kernels.build_tree(X), Q, 0.3)
    for leaf_size in (1, 8, 30, 64, 1000):
        for n_jobs in (1, 3):
            tree = kernels.build_tree(X, leaf_size, n_jobs=n_jobs)
            assert same(kernels.query_tree(tree, Q, 5, n_jobs=n_jobs), expected)
    assert same(kernels.query_radius(tree, Q, 0.3, n_jobs=3), radius)
    for part in (slice(7), slice(1, 2000, 3), slice(None, None, -1)):
        assert same(kernels.query_tree(tree, Q[part], 5), [a[part] for a in expected])


@pytest.mark.parametrize("d", [1, 200])
def test_columns(d):
    X, Q = tenths(300, d), tenths(20, d, seed=1)
    expected = reference.query_tree(reference.build_tree(X), Q, 3)
    assert same(kernels.query_tree(kernels.build_tree(X, 8), Q, 3), expected)


def test_more_neighbours_than_points():
    X, Q = tenths(100, 2), tenths(5, 2, seed=1)
    distances, indices = kernels.query_tree(kernels.build_tree(X, 8), Q, 150)
    assert same([distances[:, :100], indices[:, :100]], reference.query_tree(reference.build_tree(X), Q, 100))
    assert np.isinf(distances[:, 100:]).all()
    assert (indices[:, 100:] == -1).all()


def test_points_whose_squared_distance_overflows_are_still_found():
    X, Q = np.array([[0.0, 0.0], [1e200, 0.0], [-1e200, 0.0]]), np.array([[0.0, 0.0]])
    distances, indices = kernels.query_tree(kernels.build_tree(X), Q, 4)
    assert distances.tolist() == [[0, np.inf, np.inf, np.inf]]
    assert indices.tolist() == [[0, 1, 2, -1]]


def test_layouts_and_dtypes():
    whole = np.random.default_rng(0).integers(0, 2, (200, 2))
    Q = np.array([[0.5, 0.25], [1, 1]])
    expected = kernels.query_tree(kernels.build_tree(whole.astype(float)), Q, 6)
    frozen = whole.astype(float)
    frozen.flags.writeable = False
    strided = np.repeat(whole.astype(float), 3, axis=0)[::3]
    for X in (whole, whole.astype(np.uint8), whole.astype(bool), np.asfortranarray(whole), strided, frozen):
        assert same(kernels.query_tree(kernels.build_tree(X), Q, 6), expected)
    for swapped in (">f8", ">f4"):
        distances, indices = kernels.query_tree(kernels.build_tree(whole.astype(swapped)), Q.astype(swapped), 6)
        assert np.array_equal(indices, expected[1])
        assert distances.dtype == np.dtype(swapped).newbyteorder("=")


def test_a_tree_survives_pickling():
    tree = kernels.build_tree(tenths(500, 2))
    again = pickle.loads(pickle.dumps(tree))
    assert same(kernels.query_tree(again, tenths(9, 2), 3), kernels.query_tree(tree, tenths(9, 2), 3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "hamming"}, "metric='hamming': a tree serves euclidean"),
        ({"metric": "minkowski", "p": 0.5}, "p=0.5: below 1"),
        ({"metric": "minkowski", "p": np.inf, "w": np.ones(2)}, "w: the chebyshev distance"),
    ],
)
def test_errors_name_the_argument(wrong, message):
    with pytest.raises(ValueError, match=message):
        kernels.build_tree(np.zeros((3, 2)), **wrong)


def test_positions_beyond_2_to_the_31(tmp_path):
    """A tree of 2^31 + 16 points, in files that have never been written but for its last leaf."""
    n_leaves, size = 2**27 + 1, 16

    def zeros(name, shape, dtype):
        try:
            return np.asarray(np.memmap(tmp_path / name, dtype, "w+", shape=shape))
        except OSError as error:
            pytest.skip(f"no sparse file of that size here: {error}")

    leaves, index = zeros("leaves", (n_leaves, 1, size), np.float64), zeros("index", (n_leaves, size), np.int64)
    leaves[-1, 0], index[-1] = np.arange(1, 17), np.arange(2**31, 2**31 + 16)
    tree = kd_tree.Tree(
        leaves,
        index,
        edges=zeros("edges", (n_leaves - 1, 2), np.float64),
        column=zeros("column", n_leaves - 1, np.int32),
        lowest=zeros("lowest", 2 * n_leaves - 1, np.int64),
        box=np.array([[0.0], [16.0]]),
        weights=np.ones(1),
        p=2.0,
        metric=0,
        shrink=1.0,
        n=n_leaves * size,
        nobody=2**63 - 1,
    )
    distances, indices = kernels.query_tree(tree, np.array([[14.0]]), 3)
    assert distances.tolist() == [[0, 1, 1]]
    assert indices.tolist() == [[2**31 + 13, 2**31 + 12, 2**31 + 14]]


def test_cities():
    latitude, longitude = np.radians(datasets.cities()[0]).T
    X = np.column_stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    distances, indices = kernels.query_tree(kernels.build_tree(X), X, 4)
    expected, _ = cKDTree(X).query(X, k=4)
    assert np.allclose(distances, expected, rtol=0, atol=1e-15)
    assert np.allclose(np.linalg.norm(X[indices] - X[:, None], axis=2), expected, rtol=0, atol=1e-15)
    pairs = kernels.pairs(kernels.build_tree(X), 1e-4)
    assert set(map(tuple, pairs)) == cKDTree(X).query_pairs(1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1e3, 1e6, 1e8])
def test_far_from_the_origin_nothing_is_lost(offset, dtype):
    X = (np.round(np.random.default_rng(0).normal(0, 0.1, (3000, 3)), 1) + offset).astype(dtype)
    _, indices = kernels.query_tree(kernels.build_tree(X), X[:200], 5)
    direct = np.zeros((200, len(X)), dtype)
    for c in range(3):
        direct += (X[:200, None, c] - X[None, :, c]) ** 2
    assert np.array_equal(indices, np.argsort(direct, axis=1, kind="stable")[:, :5])


def test_a_second_process_compiles_nothing():
    code = """
import numpy as np
from fastml_ext import jit, neighbors
tree = neighbors.build_tree(np.random.default_rng(0).random((100, 2)))
neighbors.query_tree(tree, np.zeros((3, 2)), 1), neighbors.query_tree(tree, np.zeros((3, 2)), 4)
neighbors.query_radius(tree, np.zeros((3, 2)), 0.5)
print(jit.compilations())
"""
    counts = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)
    ]
    assert counts[1].stdout.strip() == "0"
