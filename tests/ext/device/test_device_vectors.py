"""Each piece of vector code against a loop over numbers: on integers, so that no sum is rounded, and at odd places."""

import numpy as np
import pytest

from fastml_ext.device import vectors
from fastml_ext.jit import kernel

HEIGHT, LANES = 3, 4
NEAR = 8  # places of keep_nearest
tiles = {(rows, size): vectors.tile(rows, size) for rows in (1, 3) for size in (16, 64)}
panels = {lanes: vectors.panel(lanes) for lanes in (1, 4, 16)}
sums = {widths: vectors.inner_product(*widths) for widths in ((1,), (16, 1), (16, 4, 1))}
product_of_panels, not_below = vectors.panel_product(HEIGHT, LANES), vectors.compare_mask(2 * LANES)


@kernel
def multiply(queries, group, points, panel, scores, column):
    product_of_panels(queries, group, points, panel, scores, column)


@kernel
def mask(row, column, cut):
    return not_below(row, column, cut)


@kernel
def lowest_bit(bits):
    return vectors.lowest_bit(bits)


def integers(rng, shape, dtype):
    return rng.integers(-9, 10, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("widths", list(sums))
def test_inner(widths, dtype):
    inner = sums[widths]

    @kernel
    def called(A, a, B, b, count):
        return inner(A, a, B, b, count)

    rng = np.random.default_rng(0)
    A, B = integers(rng, (9, 11), dtype), integers(rng, 90, dtype)
    for count in (0, 1, 3, 4, 15, 16, 17, 40, 53):
        assert called(A, 7, B, 5, count) == A.ravel()[7 : 7 + count] @ B[5 : 5 + count]


def test_inner_adds_in_lanes():
    """The order of the sum is part of what it promises: by 16 lanes, then their halves."""

    @kernel
    def called(A, B, count):
        return vectors.inner(A, 0, B, 0, count)

    x = np.random.default_rng(0).normal(size=32)
    lanes = x[:16] + x[16:]
    for width in (8, 4, 2, 1):
        lanes = lanes[:width] + lanes[width:]
    assert called(x, np.ones(32), 32) == lanes[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "size"), list(tiles))
def test_tile(rows, size, dtype):
    tile, lanes = tiles[rows, size], size // np.dtype(dtype).itemsize

    @kernel
    def called(C, B, A, W, n, count):
        tile((C, 5, 30), (B, 1, 20), (A, 2, 9, 2), (W, 3, 25), n, count)

    rng = np.random.default_rng(0)
    B, A, W = (integers(rng, 400, dtype) for _ in range(3))
    for n in sorted({1, lanes - 1, lanes} - {0}):
        for count in (0, 1, 4):
            C = np.full(200, 7, dtype)
            expected = C.copy()
            for r in range(rows):
                for o in range(n):
                    terms = [A[2 + 9 * r + 2 * j] * W[3 + 25 * j + o] for j in range(count)]
                    expected[5 + 30 * r + o] = B[1 + 20 * r + o] + sum(terms)
            called(C, B, A, W, n, count)
            np.testing.assert_array_equal(C, expected)  # what stands before and behind is left alone


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lanes", list(panels))
def test_panel(lanes, dtype):
    panel = panels[lanes]

    @kernel
    def called(C, B, A, W, count):
        panel((C, 3), (B, 1), (A, 2), (W, 5, 17), count)

    rng = np.random.default_rng(0)
    B, A, W = integers(rng, 40, dtype), integers(rng, 40, dtype), integers(rng, 200, dtype)
    for count in (0, 1, 7):
        C = np.full(30, 7, dtype)
        expected = C.copy()
        expected[3 : 3 + lanes] = B[1 : 1 + lanes]
        for j in range(count):
            expected[3 : 3 + lanes] += A[2 + j] * W[5 + 17 * j : 5 + 17 * j + lanes]
        called(C, B, A, W, count)
        np.testing.assert_array_equal(C, expected)


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_panel_product(depth):
    rng = np.random.default_rng(depth)
    queries, points = (
        integers(rng, (2, depth, HEIGHT), np.float32),
        integers(rng, (3, depth, 2 * LANES), np.float32),
    )
    scores = np.full((HEIGHT, 20), 7, np.float32)
    expected = scores.copy()
    expected[:, 5 : 5 + 2 * LANES] = queries[1].T @ points[2]
    multiply(queries, 1, points, 2, scores, 5)
    np.testing.assert_array_equal(scores, expected)


def test_compare_mask():
    row = np.array([9, 9, 0, 1, 2, 3, np.nan, -np.inf, np.inf, 2, 9], np.float32)
    expected = sum(1 << j for j, x in enumerate(row[2:10]) if not x < 2)
    assert mask(row, 2, np.float32(2)) == expected
    assert mask(row, 2, np.float32(np.nan)) == 255


@pytest.mark.parametrize("bits", [1, 2, 12, 2**63, 2**63 + 2**40, 2**64 - 1])
def test_lowest_bit(bits):
    assert lowest_bit(np.uint64(bits)) == f"{bits:b}"[::-1].index("1")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", [vectors.SQUARES, vectors.SIZES, vectors.LARGEST, vectors.POWERS])
def test_leaf_distances(kind, weighted, dtype):
    if weighted and kind == vectors.LARGEST:
        pytest.skip("has no weights")
    SIZE, KIND = 8, kind + (vectors.WEIGHTED if weighted else 0)

    @kernel
    def called(leaves, weights, power, leaf, Q, q, worst, distances):
        return vectors.leaf_distances((leaves, weights, power), leaf, Q, q, Q.shape[1], SIZE, KIND, worst, distances)

    rng = np.random.default_rng(0)
    leaves, Q = integers(rng, (3, 5, SIZE), dtype), integers(rng, (4, 5), dtype)
    weights = np.array([1, 2, 0, 3, 1], dtype) if weighted else np.ones(5, dtype)
    sizes = np.abs(leaves[2] - Q[3][:, None])
    terms = {vectors.SQUARES: sizes**2, vectors.SIZES: sizes, vectors.LARGEST: sizes, vectors.POWERS: sizes**3}[kind]
    terms = terms * weights[:, None]
    expected = terms.max(axis=0) if kind == vectors.LARGEST else terms.sum(axis=0)
    worst, distances = np.sort(expected)[3], np.zeros(SIZE + 2, dtype)
    bits = called(leaves, weights, 3.0, 2, Q, 3, worst, distances)
    np.testing.assert_allclose(distances[:SIZE], expected, rtol=1e-6)
    assert not distances[SIZE:].any()
    if kind != vectors.POWERS:  # pow may be off by its last bit
        assert bits == sum(1 << j for j in range(SIZE) if expected[j] <= worst)


@pytest.mark.parametrize("index", [np.uint32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keep_nearest(dtype, index):
    @kernel
    def called(near, who, found, distances, indices, leaf):
        vectors.keep_nearest(near, who, found, distances, indices, leaf, NEAR)

    rng = np.random.default_rng(0)
    for _ in range(50):
        near, who = np.full(NEAR, np.inf, dtype), np.full(NEAR, 10**6)
        near[:5] = np.sort(rng.integers(0, 4, 5))
        who[:5] = np.arange(100, 105)
        distances, indices = rng.integers(0, 4, 6).astype(dtype), rng.permutation(1998).reshape(-1, 6)[:3].astype(index)
        found = int(rng.integers(64))
        points = [(distances[j], int(indices[1, j])) for j in range(6) if found >> j & 1]
        expected = sorted([*zip(near.tolist(), who.tolist(), strict=True), *points])[:NEAR]
        called(near, who, np.uint64(found), distances, indices, 1)
        assert list(zip(near.tolist(), who.tolist(), strict=True)) == expected
