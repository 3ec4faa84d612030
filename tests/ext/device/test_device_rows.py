import numpy as np
import pytest
import scipy.sparse as sp

from fastml_ext.device import rows
from fastml_ext.jit import kernel


@kernel
def by_two(data, indices, first, last, w, start):
    return rows.row_product(data, indices, first, last, w, start)


@kernel
def by_four(data, indices, first, last, w, start):
    return rows.row_product_by_four(data, indices, first, last, w, start)


def by_definition(data, columns, w, start, n_sums):
    """The sums side by side, in the order that the contract has; by fused operations it may differ by rounding."""
    sums, whole = [start] + [0.0] * (n_sums - 1), len(data) // n_sums * n_sums
    for at, (x, j) in enumerate(zip(data, columns, strict=True)):
        sums[at % n_sums if at < whole else 0] += float(x * w[j])
    while len(sums) > 1:
        sums = [a + b for a, b in zip(sums[::2], sums[1::2], strict=True)]
    return sums[0]


@pytest.mark.parametrize(("function", "n_sums"), [(by_two, 2), (by_four, 4)])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtypes", [(np.float64, np.float64), (np.float32, np.float32), (np.float32, np.float64)])
def test_a_row_times_weights(function, n_sums, index, dtypes):
    rng = np.random.default_rng(0)
    X = sp.random(30, 40, 0.3, format="csr", random_state=0, dtype=dtypes[0])
    X.data[:] = rng.integers(-9, 10, len(X.data))
    w = rng.integers(-9, 10, 40).astype(dtypes[1])
    indices, indptr = X.indices.astype(index), X.indptr.astype(index)
    for i in range(30):
        first, last = indptr[i], indptr[i + 1]
        for ends in ((first, last), (np.uint64(first), np.uint64(last))):
            assert function(X.data, indices, *ends, w, 0.5) == 0.5 + X.getrow(i).toarray()[0] @ w  # exact
    assert function(X.data, indices, 3, 3, w, -2.0) == -2.0  # an empty row


@pytest.mark.parametrize(("function", "n_sums"), [(by_two, 2), (by_four, 4)])
def test_numbers_that_are_rounded(function, n_sums):
    rng = np.random.default_rng(1)
    for n in range(14):
        data, w, columns = rng.normal(size=n), rng.normal(size=20), rng.permutation(20)[:n]
        expected = by_definition(data, columns, w, 0.1, n_sums)
        assert function(data, columns, 0, n, w, 0.1) == pytest.approx(expected, rel=1e-14, abs=1e-14)


@kernel
def move(w, X, last, a, this, following, count):
    return rows.moved(w, X, last, a, this, following, count)


@kernel
def move_ahead(w, X, last, a, this, following, count):
    return rows.moved_ahead(w, X, last, a, this, following, count)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 17, 40, 53])
def test_weights_that_move_and_their_products(count, dtype):
    """Integers, so that no sum is rounded; what stands behind the weights stays."""
    rng = np.random.default_rng(0)
    X, w, a = rng.integers(-9, 10, (3, 71)).astype(dtype), rng.integers(-9, 10, 60).astype(dtype), dtype(3)
    last, this, following = X.ravel()[1 : 1 + count], X.ravel()[72 : 72 + count], X.ravel()[144 : 144 + count]
    new = w.copy()
    new[:count] += a * last
    for function, products in (
        (move, (new[:count] @ this, 0)),
        (move_ahead, (new[:count] @ following, this @ following)),
    ):
        moving = w.copy()
        assert function(moving, X, 1, a, 72, 144, count) == products
        np.testing.assert_array_equal(moving, new)
