"""Sparse tables: the tree of the dense one, in memory that the entries bound."""

import tracemalloc

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, columns
from fastml_ext.tree import encode_sparse, reference
from fastml_ext.tree.growing import grow as growing


def thin(n, d, density, seed, dtype=np.float64, missing=False):
    """Few values each, ties, explicit zeros, and columns without an entry."""
    random = np.random.default_rng(seed)
    X = sparse.random(n, d, density, "csr", random_state=random)
    X.data = random.integers(-3, 4, X.nnz) / 2
    if missing:
        X.data[random.random(X.nnz) < 0.2] = np.nan
    return X.astype(dtype)


@pytest.fixture
def always_sparse(monkeypatch):
    monkeypatch.setattr(columns, "UNPACKED", 0)
    monkeypatch.setattr(growing, "SUBTREE_ROWS", (8, 40))


def same(X, y, model, weight=None):
    packed, dense = (type(model)(**model.get_params()).fit(table, y, weight) for table in (X, X.toarray()))
    for name in ("feature", "kind", "threshold", "n_node_samples", "missing_go_to_left", "children_left", "value"):
        assert np.array_equal(getattr(packed.tree_, name), getattr(dense.tree_, name)), name
    assert packed.tree_.gain == pytest.approx(dense.tree_.gain, abs=1e-12)
    if packed.missing_values == "branch":
        assert np.array_equal(packed.apply(X), dense.apply(X.toarray()))
    assert np.array_equal(packed.predict(X), dense.predict(X.toarray()))


OPTIONS = [
    {},
    {"criterion": "entropy"},
    {"max_features": 5, "random_state": 0},
    {"splitter": "random", "random_state": 1},
    {"max_leaf_nodes": 12},
    {"missing_values": "fractional"},
    {"criterion": "gain_ratio", "min_samples_leaf": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("missing", [False, True])
def test_classification(always_sparse, options, missing):
    X = thin(300, 80, 0.03, 0, missing=missing)
    same(X, np.random.default_rng(1).integers(0, 3, 300), DecisionTreeClassifier(**options))
    weight = np.random.default_rng(2).integers(0, 3, 300) / 2
    same(X.tocsc(), np.arange(300) % 2, DecisionTreeClassifier(**options), weight)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
def test_regression(always_sparse, criterion):
    X = thin(200, 60, 0.03, 3)
    same(X, np.random.default_rng(1).integers(1, 30, 200).astype(float), DecisionTreeRegressor(criterion=criterion))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["f4", "f8", "i4", "i8", "u1"]), st.sampled_from([0.01, 0.05, 0.3]))
@effort(0.625)
def test_any_table(seed, dtype, density):
    before, columns.UNPACKED = columns.UNPACKED, 0
    try:
        X = abs(thin(60, 30, density, seed)) * 2
        same(X.astype(dtype), np.random.default_rng(seed).integers(0, 3, 60), DecisionTreeClassifier())
    finally:
        columns.UNPACKED = before


@given(st.integers(0, 2**32 - 1), st.sampled_from(["f2", "f4", "f8", "i4", "u1", "?"]))
def test_encode_sparse(seed, dtype):
    random = np.random.default_rng(seed)
    start = np.cumsum([0, *random.integers(0, 9, 5)])
    data = random.integers(0, 5, start[-1]).astype(dtype)
    for found, expected in zip(encode_sparse(data, start), reference.encode_sparse(data, start), strict=True):
        assert found[0].dtype == data.dtype
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])
        assert found[2] == expected[2]


def test_the_given_matrix_is_left_alone():
    """Entries that stand twice are added up, out of order as they are, in a copy."""
    rows, columns = np.array([2, 0, 2, 1, 2]), np.array([0, 0, 0, 1, 1])
    X = sparse.csc_matrix((np.array([1.0, 2, 3, 4, 5]), rows, [0, 3, 5]), shape=(3, 2))
    assert columns.tolist() == [0, 0, 0, 1, 1]
    before = X.data.copy(), X.indices.copy()
    model = DecisionTreeClassifier().fit(X, [0, 1, 2])
    assert model.predict(X.toarray()).tolist() == [0, 1, 2]
    assert np.array_equal(X.data, before[0])
    assert np.array_equal(X.indices, before[1])


def test_twenty_thousand_rows_of_a_hundred_thousand_columns():
    """Two million entries of two thousand million cells: a byte for each cell would be 2 GB."""
    X = sparse.random(20_000, 100_000, 0.001, "csr", dtype=np.float32, random_state=np.random.default_rng(0))
    y = np.asarray(X[:, :500].sum(axis=1) > 0).ravel().astype(int)
    tracemalloc.start()
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    entries = X.data.nbytes + X.indices.nbytes
    assert peak < 3 * entries + 1500 * X.shape[1]  # and what Python keeps of every column
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_sparse_rows_are_answered_as_dense_ones_are(dtype, index):
    """Also entries of one cell that add up, explicit zeros, missing values, and columns instead of rows."""
    random = np.random.default_rng(3)
    X = np.where(random.random((203, 30)) < 0.1, random.normal(size=(203, 30)), 0).astype(dtype)
    X[random.random(X.shape) < 0.01] = np.nan
    model = DecisionTreeRegressor().fit(X, random.normal(size=203))
    row, column = np.nonzero(random.random(X.shape) < 2)
    for share in (1.0, 0.25):  # the second adds up only in the kernel
        entries = share * X[row, column]
        twice = np.concatenate([entries, (1 - share) * X[row, column]])
        rows = sparse.csr_array((203, 30), dtype=dtype)
        order = np.argsort(np.tile(row, 2), kind="stable")
        rows.data = twice.astype(dtype)[order]
        rows.indices, rows.indptr = np.tile(column, 2)[order].astype(index), np.arange(0, 60 * 204, 60).astype(index)
        same = share * X + (1 - share) * X
        assert np.array_equal(model.predict(rows), model.predict(same))
        assert np.array_equal(model.apply(rows.tocsc()), model.apply(same))


@pytest.mark.parametrize("fault", ["infinity", "column", "row"])
def test_a_faulty_sparse_matrix_is_never_read_beyond_its_end(fault):
    X = sparse.random_array((40, 5), density=0.4, format="csr", rng=np.random.default_rng(0))
    model = DecisionTreeRegressor().fit(X, np.arange(40.0))
    if fault == "infinity":
        X.data[3] = np.inf
    elif fault == "column":
        X.indices[3] = 99
    else:
        X.indptr[-1] = 10**6
    with pytest.raises((ValueError, IndexError)):
        model.predict(X)


@pytest.mark.parametrize("depth", [2, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_very_wide_rows_stop_where_dense_ones_do(depth, dtype):
    """Down small trees they walk one at a time, down large ones side by side."""
    rng = np.random.default_rng(0)
    n, d, stored = 301, 40_000, 6000
    cells = rng.normal(size=stored).astype(dtype), (rng.integers(0, n, stored), rng.integers(0, 60, stored) * 650)
    X = sparse.csr_matrix(cells, shape=(n, d))
    model = DecisionTreeClassifier(max_depth=depth).fit(X, rng.integers(0, 2, n))
    assert (model.tree_.node_count > 64) == (depth is None)
    np.testing.assert_array_equal(model.apply(X), model.apply(X.toarray()))
