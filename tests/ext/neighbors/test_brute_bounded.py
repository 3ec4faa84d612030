"""The bound-filtered search: the bound is one, and the answer is the scan's bit for bit."""

from fractions import Fraction

import numpy as np
import pytest
from datasets import fashion_mnist
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.jit import kernel
from fastml_ext.neighbors import axes as bounds
from fastml_ext.neighbors import bounded, brute, reference, scan
from fastml_ext.neighbors.bounded import block

NOBODY = np.empty(0, np.int64)
FEW_COLUMNS = st.integers(1, 9)
ROTATIONS = ["no axes", "half of the axes", "all axes"]


def projection_for(X, rotation):
    """(Axes, PointPanels) of X on random axes, whether they suit it or not: any are right."""
    d = X.shape[1]
    centre = bounds.mean(X)
    scale = bounds.scale_of(bounds.extent(X, centre), d)
    if rotation == "no axes":
        axes = bounds.Axes(centre, scale, np.empty((d, 0)), d, bounds.slack(np.empty((d, 0)), d, d))
    else:
        second = d if rotation == "all axes" else -(-d // 2)
        first = -(-second // 2)
        rotation = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))[0][:, :second]
        axes = bounds.Axes(centre, scale, np.ascontiguousarray(rotation), first, bounds.slack(rotation, first, d))
    return axes, bounds.lay_out_points(X, axes, bounded.WIDTH)


@kernel
def first_scores(queries, points, scores):
    for g in range(len(queries)):
        for p in range(len(points)):
            block.multiply(queries, g, points, p, scores[g], p * bounded.WIDTH)


def both_stages(projection, Q):
    """Scores (2, m, n) of all pairs, in the order of the rows, and N of each query."""
    axes, panels = projection
    queries = bounds.lay_out_queries(Q, axes, block.HEIGHT, block.BLOCK)
    scores = np.zeros((len(queries.panels), block.HEIGHT, len(panels.panels) * bounded.WIDTH), np.float32)
    first_scores(queries.panels, panels.panels, scores)
    m, n = len(Q), len(panels.order)
    first = np.empty((m, n), np.float32)
    first[np.ix_(queries.order, panels.order)] = scores.reshape(-1, scores.shape[2])[:m, :n]
    second = first.copy()
    for s, q in enumerate(queries.order):
        for t, i in enumerate(panels.order):
            second[q, i] += block.dot(panels.rest[t], queries.rest[s])
    norms = np.empty(m)
    norms[queries.order] = queries.norms
    return np.stack([first, second]), norms


@st.composite
def tables(draw, columns=FEW_COLUMNS):
    """(X, Q) of decimals, integers or normal numbers of one or of very different sizes, offset, with duplicates."""
    n, m, d = draw(st.integers(1, 60)), draw(st.integers(1, 10)), draw(columns)
    rng = np.random.default_rng(draw(st.integers(0, 2**30)))
    kind = draw(st.sampled_from(["integers", "tenths", "normal", "sizes", "constant", "one far"]))
    table = rng.integers(-4, 5, (n + m, d)).astype(np.float64)
    if kind == "tenths":
        table /= 10
    elif kind == "normal":
        table = rng.normal(size=table.shape)
    elif kind == "sizes":
        table *= 10.0 ** rng.integers(-9, 9, (n + m, 1))
    elif kind == "constant":
        table[:] = 0.3
    elif kind == "one far":
        table[rng.integers(n + m)] *= 1e7
    table += draw(st.sampled_from([0.0, 1e3, 1e6]))
    table = table.astype(draw(st.sampled_from([np.float32, np.float64])))
    return np.ascontiguousarray(table[:n]), np.ascontiguousarray(table[n:])


@pytest.mark.parametrize("rotation", ROTATIONS)
@given(case=tables())
def test_bound_never_exceeds_the_distance(rotation, case):
    X, Q = case
    axes, _ = projection = projection_for(X, rotation)
    scores, norms = both_stages(projection, Q)
    square, slack = Fraction(axes.scale) ** 2, Fraction(axes.slack)
    for q, query in enumerate(Q):
        N = Fraction(norms[q])
        for i, x in enumerate(X):
            true = sum((Fraction(float(a)) - Fraction(float(b))) ** 2 for a, b in zip(x, query, strict=True)) * square
            for stage in scores:
                assert N - 2 * Fraction(float(stage[q, i])) - 2 * slack * N - 2 * Fraction(bounds.TINY) <= true


@pytest.mark.parametrize("rotation", ["no axes", "half of the axes"])
def test_bound_is_worth_something(rotation):
    """Were the slack too wide, all answers would still be right, but nothing would be left out early."""
    X = np.random.default_rng(0).normal(size=(500, 40))
    projection = projection_for(X, rotation)
    scores, norms = both_stages(projection, X[:50])
    lengths = reference.reduced_distances(X, X[:50]) * projection[0].scale ** 2
    bound = norms[:, None] * (1 - 2 * projection[0].slack) - 2 * scores[1]
    assert np.mean(bound > 0.3 * lengths) > 0.9
    assert projection[0].slack < 1e-4


@pytest.mark.parametrize("rotation", ROTATIONS)
@given(case=tables())
def test_no_threshold_leaves_out_a_point_that_is_near_enough(rotation, case):
    X, Q = case
    axes, panels = projection = projection_for(X, rotation)
    scores, norms = both_stages(projection, Q)
    limits = bounded.Limits(axes.slack, *bounds.rounding(Q.dtype, X.shape[1]), axes.scale**2, panels.longest)
    for q, query in enumerate(Q):
        for i, x in enumerate(X):
            worst = block.squared(x, query)
            cut, reach = block.thresholds_at(worst, norms[q], limits)
            assert (scores[:, q, i] >= cut).all()
            assert reach >= worst * limits.square
            assert block.estimate(x, query) <= block.loosest(worst, limits)


@given(case=tables())
def test_no_cut_by_rank_leaves_out_a_point_that_is_nearer(case):
    """A point that has some score says how far off a neighbour may be: nobody as near may then be below the cut."""
    X, Q = case
    axes, panels = projection = projection_for(X, "no axes")
    scores, norms = both_stages(projection, Q)
    limits = bounded.Limits(axes.slack, *bounds.rounding(Q.dtype, X.shape[1]), axes.scale**2, panels.longest)
    lengths = reference.reduced_distances(X, Q)
    nothing = np.empty((1, 0))
    for q in range(len(Q)):
        for i in range(len(X)):
            state = bounded.State(np.full(1, -np.inf, np.float32), np.ones(1), NOBODY, *[nothing] * 3, nothing[0])
            block.cut_at(scores[0, q, i], state, 0, norms[q], limits)
            assert (scores[0, q, lengths[q] <= lengths[q, i]] >= state.cuts[0]).all()


@pytest.mark.parametrize("spread", [2, 30, 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_neighbors_by_definition(dtype, spread):
    """Many ties, or none: 16 columns as they are, and 64 of rank 3, of which most are left out at first."""
    rng = np.random.default_rng(0)
    for d, rank in ((16, 16), (64, 3)):
        parts = rng.integers(0, spread, (700, rank)) if spread else rng.normal(size=(700, rank))
        X = (parts @ rng.integers(0, 3, (rank, d))).astype(dtype)
        projection = bounds.make(X, bounded.WIDTH)
        assert (projection[0].rotation.shape[1] > 0) == (rank < d)
        for k, exclude in ((17, np.arange(60)), (90, NOBODY), (300, NOBODY), (700, NOBODY)):
            squares, indices = bounded.nearest(X, projection, X[:60], k, exclude)
            expected = reference.reduced_distances(X, X[:60])
            if len(exclude):
                expected[np.arange(60), exclude] = np.inf
            ranked = np.array([np.lexsort((np.arange(700), row))[:k] for row in expected])
            np.testing.assert_array_equal(indices, ranked)
            np.testing.assert_array_equal(squares, np.take_along_axis(expected, ranked, 1))


@st.composite
def large_tables(draw):
    """More points than a block holds and more queries than a panel, of low rank so that axes are found, or not."""
    X, Q = draw(tables(st.sampled_from([3, 20, 60])))
    rng = np.random.default_rng(draw(st.integers(0, 2**30)))
    X, Q = X[rng.integers(0, len(X), draw(st.integers(1, 1500)))], Q[rng.integers(0, len(Q), draw(st.integers(1, 300)))]
    if draw(st.booleans()):
        X += rng.integers(0, 2, X.shape).astype(X.dtype)
    return X, Q, draw(st.integers(1, min(len(X), 90)))


@pytest.mark.parametrize("far", [1e6, 1e30, 1e150])
def test_queries_far_beyond_points_that_are_one(far):
    X, Q = np.full((3, 3), 3e-8), np.array([[3.0, 1.0, -4.0], [far, -far, far]]) * 1e-2
    squares, indices = bounded.nearest(X, projection_for(X, "half of the axes"), Q, 2, NOBODY)
    np.testing.assert_array_equal(indices, [[0, 1]] * 2)
    np.testing.assert_array_equal(squares, scan.nearest(brute.scan_of(brute.prepare(X), Q, NOBODY), 2)[0])


@effort(1.5)
@given(case=large_tables(), rotation=st.sampled_from([*ROTATIONS, "the rule"]), left_out=st.booleans())
def test_same_answer_as_the_scan(case, rotation, left_out):
    X, Q, k = case
    exclude = np.arange(len(Q)) % len(X) if left_out and k < len(X) else NOBODY
    projection = bounds.make(X, bounded.WIDTH) if rotation == "the rule" else projection_for(X, rotation)
    squares, indices = bounded.nearest(X, projection, Q, k, exclude)
    expected = scan.nearest(brute.scan_of(brute.prepare(X), Q, exclude), k)
    np.testing.assert_array_equal(indices, expected[1])
    np.testing.assert_array_equal(squares, expected[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_public_search_takes_the_product_and_agrees(dtype):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 40, (1500, 6)) @ rng.integers(0, 3, (6, 60)) + rng.integers(0, 2, (1500, 60))
    table = np.clip(table, 0, 255).astype(dtype)
    X, Q = table[:1400], table[1400:].astype(np.float32 if dtype == np.float32 else np.float64)
    index = brute.prepare(X)
    index.cache["queries"] = 10_000  # of searches before, which make the axes worth finding
    found = brute.nearest(index, Q, 6)
    assert index.cache["axes"][0].rotation.shape[1] > 0
    for a, b in zip(found, reference.nearest(reference.prepare(X), Q, 6), strict=True):
        np.testing.assert_array_equal(a, b)
    for n_jobs in (1, 3):
        for a, b in zip(brute.nearest(index, Q, 6, n_jobs=n_jobs), found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_axes_are_found_once_the_queries_are_worth_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5)) @ rng.normal(size=(5, 60)) + 0.01 * rng.normal(size=(1500, 60))
    index = brute.prepare(X)
    first = brute.nearest(index, X[:100], 4)
    assert index.cache["axes"][0].rotation.size == 0
    later = [brute.nearest(index, X[:100], 4) for _ in range(10)]
    assert index.cache["axes"][0].rotation.size > 0
    for distances, indices in later:
        np.testing.assert_array_equal(distances, first[0])
        np.testing.assert_array_equal(indices, first[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("flat", [True, False])
def test_within_a_radius_the_product_finds_what_a_scan_finds(dtype, metric, flat, monkeypatch):
    """Points at the radius itself too, of which there are many among whole numbers; with and without principal axes."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, (1200, 50)) if flat else rng.integers(0, 5, (1200, 3)) @ rng.integers(0, 4, (3, 50))
    X = (X + 1).astype(dtype)
    X[1] = X[0]
    Q = X[:300].astype(np.float32 if dtype == np.float32 else np.float64)
    index = brute.prepare(X, metric)
    index.cache["queries"] = 10_000  # of searches before, which make the axes worth finding
    radii = [0, np.sort(brute.nearest(index, Q, 25)[0], axis=None)[-100], np.inf]
    by_product = [brute.within_radius(index, Q, r) for r in radii]
    assert (index.cache["axes"][0].rotation.size == 0) == flat
    monkeypatch.setattr(brute, "product_of", lambda *given: None)
    for r, found in zip(radii, by_product, strict=True):
        for a, b in zip(found, brute.within_radius(index, Q, r), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    assert by_product[2][0][-1] == 300 * 1200


@pytest.mark.parametrize("n", [3, 11, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_many_neighbours_are_scored_in_order_of_the_columns(n, dtype):
    """Eight points are scored side by side, the last ones in part; a neighbour less where the query leaves one out."""
    rng = np.random.default_rng(n)
    X = (10 * rng.random((n, 19))).astype(dtype)
    Q = X[: min(n, 50)].astype(np.float32 if dtype == np.float32 else np.float64)
    projection = bounds.make(X, bounded.WIDTH)
    for exclude in (NOBODY, np.arange(len(Q))):
        for k in {1, min(n - 1, 9), min(n - 1, 70)}:
            found = bounded.nearest(X, projection, Q, k, exclude)
            for a, b in zip(found, scan.nearest(brute.scan_of(brute.prepare(X), Q, exclude), k), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("offset", [0, 1e3, 1e6, 1e8])
def test_far_from_the_origin_nothing_is_lost(offset):
    rng = np.random.default_rng(0)
    X = rng.normal(offset, 0.1, (2000, 8))
    index = brute.prepare(X)
    exact = [np.lexsort((np.arange(2000), reference.reduced_distances(X, X[q : q + 1])[0]))[:5] for q in range(300)]
    np.testing.assert_array_equal(brute.nearest(index, X[:300], 5)[1], exact)
    assert "axes" in index.cache


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_real_images(dtype):
    X, Q = (fashion_mnist(part)[0] for part in ("train", "t10k"))
    X, Q = np.ascontiguousarray(X, dtype), Q[:100].astype(np.float32 if dtype == np.float32 else np.float64)
    index = brute.prepare(X)
    index.cache["queries"] = 10_000  # of searches before, which make the axes worth finding
    found = brute.nearest(index, Q, 5)
    axes, panels = index.cache["axes"]
    assert axes.first < 100
    assert panels.panels.nbytes + panels.rest.nbytes < 100e6
    squares, indices = scan.nearest(brute.scan_of(index, Q, NOBODY), 5)
    np.testing.assert_array_equal(found[1], indices)
    np.testing.assert_array_equal(found[0], np.sqrt(squares))


def test_queries_far_beyond_the_points():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(3000, 20)), rng.normal(size=(200, 20))
    Q[::3] *= 1e9
    Q[1::3] *= 1e150
    projection = bounds.make(X, bounded.WIDTH)
    for a, b in zip(
        bounded.nearest(X, projection, Q, 4, NOBODY),
        scan.nearest(brute.scan_of(brute.prepare(X), Q, NOBODY), 4),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_points_too_large_to_be_centred_are_scanned():
    X = np.full((3000, 30), 1.7e308)
    X[::2] = -1.7e308
    index = brute.prepare(X)
    with np.errstate(over="ignore"):
        distances, indices = brute.nearest(index, X[:60], 2)
    assert index.cache["axes"] is None
    np.testing.assert_array_equal(indices[:2], [[0, 2], [1, 3]])
    np.testing.assert_array_equal(distances, 0)


def test_copies_of_one_point():
    X = np.full((5000, 30), 0.1)
    distances, indices = brute.nearest(brute.prepare(X), X[:64], 3)
    np.testing.assert_array_equal(indices, np.tile([0, 1, 2], (64, 1)))
    np.testing.assert_array_equal(distances, 0)


def test_product_beyond_two_to_the_31st_value(tmp_path):
    depth, panels = 64, 2**31 // (64 * bounded.WIDTH) + 3
    with open(tmp_path / "panels", "wb") as file:
        file.truncate(panels * depth * bounded.WIDTH * 4)  # holes: no disk, no memory
    points = np.memmap(tmp_path / "panels", np.float32, "r+", shape=(panels, depth, bounded.WIDTH))
    rng = np.random.default_rng(0)
    points[-1] = rng.integers(0, 5, points.shape[1:])
    queries = rng.integers(0, 5, (1, depth, block.HEIGHT)).astype(np.float32)
    scores = np.zeros((block.HEIGHT, bounded.WIDTH), np.float32)
    last_scores(queries, np.asarray(points), scores)
    np.testing.assert_array_equal(scores, queries[0].T @ points[-1])


@kernel
def last_scores(queries, points, scores):
    block.multiply(queries, 0, points, len(points) - 1, scores, 0)


def test_working_memory_stays_small():
    """60,000 x 784 against 10,000 queries may add 300 MB; the same search at a tenth of the points, a tenth of it."""
    import tracemalloc

    rng = np.random.default_rng(0)
    X = (rng.normal(size=(6000, 40)) @ rng.normal(size=(40, 784))).astype(np.float32)
    Q = X[rng.integers(0, 6000, 500)] + 1
    index = brute.prepare(X)
    index.cache["queries"] = 10_000  # of searches before, which make the axes worth finding
    brute.nearest(index, Q[:1], 1)
    tracemalloc.start()
    brute.nearest(index, Q, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes + 2**26
