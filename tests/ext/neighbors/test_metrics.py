"""The table of metrics: every row is served where it says and refused elsewhere, and there is no other table."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from scipy.spatial.distance import cdist

import fastml.neighbors
import fastml_ext.neighbors
from fastml_ext.neighbors import brute, cases, kd_tree, metrics, reference, scan
from fastml_ext.neighbors.metrics import COMPUTED, METRICS, OTHERS, PRODUCT, ROWS, SPARSE, TILES, TREE

WITH_KERNEL = [row for row in METRICS.values() if row.code >= 0]
WITHOUT = [row for row in METRICS.values() if row.code < 0]


def rows_of(row, n, seed=0):
    """(n, d): small steps, so that there are ties; of the size of latitudes for haversine."""
    d = row.n_columns or 5
    rows = np.random.default_rng(seed).integers(0, 5, (n, d)) / 4
    if row.missing:
        rows[::7, 1] = np.nan
    return rows


def ids(row):
    return row.name


def power(row):
    return 3 if row.name == "minkowski" else 2


@pytest.mark.parametrize("row", WITH_KERNEL, ids=ids)
def test_kernels_serve_a_row_as_the_reference_has_it(row):
    X, Q, p = rows_of(row, 150), rows_of(row, 20, 1), power(row)
    if row.name == "precomputed":
        X, Q = np.zeros((150, 150)), reference.distances(X, Q)
    index = brute.prepare(X, row.name, p)
    expected = reference.nearest(reference.prepare(X, row.name, p), Q, 7)
    for m in (20, 1):  # by tiles, or by rows
        distances, indices = brute.nearest(index, Q[:m], 7)
        np.testing.assert_array_equal(indices, expected[1][:m])
        np.testing.assert_allclose(distances, expected[0][:m], rtol=1e-12)


@pytest.mark.parametrize("row", WITH_KERNEL, ids=ids)
def test_reduced_distances_are_those_that_distances_come_from(row):
    reduced = np.array([0.0, 0.01, 0.25, 0.75])
    distances = row.distance(reduced.copy(), 3.0, 4)
    assert (np.diff(distances) > 0).all()
    np.testing.assert_allclose([row.reduced(r, 3.0, 4) for r in distances], reduced, rtol=1e-5)


@pytest.mark.parametrize("row", WITH_KERNEL, ids=ids)
def test_a_row_says_who_serves_it(row):
    assert (row.code in scan.BY_ROWS) != (TILES in row.served_by)
    assert TILES in row.served_by or ROWS in row.served_by
    X, p = rows_of(row, 40), power(row)
    assert COMPUTED not in row.served_by
    if TREE in row.served_by:
        tree = kd_tree.build_tree(X, None, row.name, p)
        found, expected = kd_tree.query_tree(tree, X[:9], 5), brute.nearest(brute.prepare(X, row.name, p), X[:9], 5)
        np.testing.assert_array_equal(found[1], expected[1])
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    else:
        with pytest.raises(ValueError, match=f"metric='{row.name}': a tree serves"):
            kd_tree.build_tree(X, None, row.name)
    sparse = scipy.sparse.csr_array(X)
    if SPARSE in row.served_by:
        found, expected = (
            brute.nearest(brute.prepare(sparse, row.name), sparse[:9], 5),
            brute.nearest(brute.prepare(X, row.name), X[:9], 5),
        )
        np.testing.assert_array_equal(found[1], expected[1])
    else:
        with pytest.raises(ValueError, match=f"metric='{row.name}' does not take a sparse X"):
            brute.prepare(sparse, row.name, p)
    large = brute.prepare(np.zeros((2000, X.shape[1])), row.name, p)
    served = brute.product_of(large, np.zeros((2000, X.shape[1])), 5, 1) is not None
    assert served == (PRODUCT in row.served_by)


@pytest.mark.parametrize("row", WITHOUT, ids=ids)
def test_a_row_without_a_kernel_is_computed(row):
    assert row.served_by == (COMPUTED,)
    with pytest.raises(ValueError, match=r"has no kernel.*precomputed"):
        brute.prepare(np.zeros((3, 3)), metrics.Metric(row.name))
    X = np.random.default_rng(0).random((30, 4)) > 0.5 if row.boolean else np.random.default_rng(0).random((30, 4))
    options = {row.required: np.eye(4) if row.required == "VI" else np.ones(4)} if row.required else {}
    search = fastml.neighbors.NearestNeighbors(metric=row.name, metric_params=options).fit(X)
    expected = np.sort(cdist(X, X, row.name, **options), axis=1)[:, :3]
    np.testing.assert_allclose(search.kneighbors(X, 3)[0], expected, atol=1e-12)


def test_names_codes_and_powers():
    names = [*METRICS, *metrics.ALIASES, *OTHERS]
    assert len(names) == len(set(names))
    assert all(metrics.by_name(alias).name == name for alias, name in metrics.ALIASES.items())
    codes = {row.code for row in (*METRICS.values(), *OTHERS.values())} - {-1}
    assert codes == set(range(len(codes)))
    for power, name in metrics.BY_POWER.items():
        assert metrics.resolve("minkowski", power, None, 3).name == name
        X = rows_of(METRICS[name], 20)
        np.testing.assert_allclose(reference.distances(X, X, "minkowski", power), reference.distances(X, X, name))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("taxicab", {}, "metric='taxicab' is not known; choose from .*manhattan"),
        ("hamming", {"w": [1]}, r"\['w'\], which metric='hamming' has no use for: w is only for metric='minkowski'"),
        ("cosine", {"q": 1}, r"\['q'\], which metric='cosine' has no use for$"),
        ("minkowski", {"p": 0}, "p=0 must be above 0"),
        ("minkowski", {"p": np.nan}, "p=nan must be above 0"),
        ("minkowski", {"w": [1, -1]}, "2 finite weights"),
        ("minkowski", {"w": [1, 1], "p": np.inf}, "takes no weights"),
        ("seuclidean", {}, "'V' parameter is required"),
        ("mahalanobis", {}, "'V' or 'VI' parameter is required"),
    ],
)
def test_one_validator_refuses(name, options, message):
    with pytest.raises(ValueError, match=message):
        metrics.resolve(name, 2, options, 2)
    with pytest.raises(ValueError, match=message):
        fastml.neighbors.NearestNeighbors(metric=name, metric_params=options).fit([[0, 1], [1, 1]])


def test_what_is_drawn_from_the_table():
    from fastml.neighbors.metrics import OBJECTS

    assert set(cases.METRICS) == {"euclidean", "manhattan", "chebyshev", "hamming", "cosine"}
    assert fastml.neighbors.KDTree.valid_metrics == sorted(
        ["euclidean", "l2", "manhattan", "l1", "cityblock", "chebyshev", "infinity", "minkowski", "p"]
    )
    assert set(OBJECTS.values()) == {row.name for row in WITH_KERNEL}


def test_there_is_no_second_table():
    """No other file of the family lists metrics: a tuple, list, set or dictionary that holds the names of three."""
    for package in (fastml.neighbors, fastml_ext.neighbors):
        for path in Path(inspect.getfile(package)).parent.rglob("*.py"):
            if path == Path(metrics.__file__):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                held = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
                names = {value.value for value in held if isinstance(value, ast.Constant)} & set(METRICS)
                assert len(names) < 3, f"{path}:{node.lineno}: {sorted(names)}"
