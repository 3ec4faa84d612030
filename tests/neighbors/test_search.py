"""One answer from every algorithm: against the definition, SciPy and scikit-learn, on made-up and on real data."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn.neighbors
from datasets import cities, covtype, digits, fashion_mnist
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from fastml.neighbors import (
    KNeighborsClassifier,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    kneighbors_graph,
    radius_neighbors_graph,
)
from fastml_ext.neighbors import reference

METRICS = [
    {"metric": "euclidean"},
    {"metric": "manhattan"},
    {"metric": "chebyshev"},
    {"p": 3},
    {"p": 1.5, "metric_params": {"w": [1, 0.5, 2]}},
    {"metric": "hamming"},
    {"metric": "cosine"},
    {"metric": "canberra"},
    {"metric": "seuclidean", "metric_params": {"V": np.array([1.0, 2.0, 3.0])}},
]


def searched(X, Q, k, **parameters):
    return NearestNeighbors(n_neighbors=k, **parameters).fit(X).kneighbors(Q)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# Each pair, in two and in many columns, is a kernel of its own to compile; tests/ext has all of them.
COMPILED = [(np.float64, "euclidean"), (np.float32, "euclidean"), (np.float64, "manhattan")]


@st.composite
def clouds(draw):
    """(X, Q, metric): whole numbers (many ties), steps of a tenth, far offsets, or duplicates."""
    n, m, d = draw(st.integers(1, 40)), draw(st.integers(1, 8)), draw(st.sampled_from([2, 9]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X, Q = random.integers(-3, 4, (n, d)).astype(float), random.integers(-3, 4, (m, d)).astype(float)
    scale, offset = draw(st.sampled_from([1.0, 0.1])), draw(st.sampled_from([0.0, 1e3, 1e6, 1e8]))
    dtype, metric = draw(st.sampled_from(COMPILED))
    return (X * scale + offset).astype(dtype), (Q * scale + offset).astype(dtype), metric


@given(clouds(), st.integers(1, 40), st.data())
def test_every_algorithm_gives_the_answer_by_definition(cloud, k, data):
    X, Q, metric = cloud
    k = min(k, len(X))
    expected = reference.nearest(reference.prepare(X, metric), Q, k)
    for algorithm in ("brute", "kd_tree", "auto", "ball_tree"):
        n_jobs, leaf_size = data.draw(st.sampled_from([1, 2, None])), data.draw(st.sampled_from([1, 5, 30, 100]))
        found = searched(X, Q, k, algorithm=algorithm, metric=metric, n_jobs=n_jobs, leaf_size=leaf_size)
        assert same(found, expected)


@given(clouds(), st.sampled_from([0.0, 0.1, 1.0, 2.5, 1e9]))
def test_every_algorithm_finds_the_same_within_a_radius(cloud, radius):
    X, Q, metric = cloud
    starts, indices, distances = reference.within_radius(reference.prepare(X, metric), Q, X.dtype.type(radius))
    for algorithm in ("brute", "kd_tree"):
        search = NearestNeighbors(algorithm=algorithm, metric=metric, radius=radius).fit(X)
        near, who = search.radius_neighbors(Q)
        assert np.array_equal(np.concatenate([*who]), indices)
        assert np.array_equal(np.concatenate([*near]), distances)
        assert [len(row) for row in who] == np.diff(starts).tolist()


@given(clouds(), st.integers(1, 39))
def test_none_leaves_out_exactly_the_point_itself_also_among_duplicates(cloud, k):
    X, _, metric = cloud
    assume(len(X) > 1)
    k = min(k, len(X) - 1)
    expected = reference.nearest(reference.prepare(X, metric), X, k, np.arange(len(X)))
    for algorithm in ("brute", "kd_tree"):
        assert same(searched(X, None, k, algorithm=algorithm, metric=metric), expected)


@pytest.mark.parametrize("parameters", METRICS, ids=lambda p: f"{p.get('metric', 'minkowski')}{p.get('p', '')}")
def test_metrics_are_scikit_learns(parameters):
    random = np.random.default_rng(0)
    X, Q = random.integers(1, 6, (200, 3)).astype(float), random.integers(1, 6, (50, 3)) + random.normal(size=(50, 3))
    Q = np.abs(Q) if parameters.get("metric") != "hamming" else np.round(np.abs(Q))
    ours = NearestNeighbors(n_neighbors=7, algorithm="brute", **parameters).fit(X)
    theirs = sklearn.neighbors.NearestNeighbors(n_neighbors=7, algorithm="brute", **parameters).fit(X)
    assert np.allclose(ours.kneighbors(Q)[0], theirs.kneighbors(Q)[0], atol=1e-7)
    assert ours.effective_metric_ == theirs.effective_metric_


def test_haversine():
    X = np.radians(np.random.default_rng(0).uniform([-90, -180], [90, 180], (300, 2)))
    theirs = sklearn.neighbors.NearestNeighbors(metric="haversine", algorithm="ball_tree").fit(X[:250])
    ours = NearestNeighbors(metric="haversine").fit(X[:250])
    assert np.allclose(ours.kneighbors(X[250:])[0], theirs.kneighbors(X[250:])[0])
    assert np.array_equal(ours.kneighbors(X[250:])[1], theirs.kneighbors(X[250:])[1])
    assert ours.algorithm_ == "brute"


def test_nan_euclidean():
    from sklearn.metrics import nan_euclidean_distances

    random = np.random.default_rng(0)
    X = np.where(random.random((60, 4)) < 0.2, np.nan, random.normal(size=(60, 4)))
    distances, _ = NearestNeighbors(metric="nan_euclidean", n_neighbors=5).fit(X[:50]).kneighbors(X[50:])
    expected = np.sort(nan_euclidean_distances(X[50:], X[:50]), axis=1)[:, :5]
    assert np.allclose(distances, expected)
    with pytest.raises(ValueError, match=r"X\[3, 1\] is inf"):
        NearestNeighbors(metric="nan_euclidean").fit(np.where(np.arange(60)[:, None] == 3, [[0, np.inf, 0, 0]], X))


def test_a_users_metric_is_compiled_and_gives_its_distances():
    def canberra(x, y):
        total = 0.0
        for j in range(len(x)):
            total += abs(x[j] - y[j]) / (abs(x[j]) + abs(y[j]))
        return total

    X = np.random.default_rng(0).random((100, 3)) + 1
    distances, indices = searched(X, X[:9], 4, metric=canberra)
    assert np.allclose(distances, np.sort(cdist(X[:9], X, "canberra"), axis=1)[:, :4])
    assert np.array_equal(indices[:, 0], np.arange(9))
    with pytest.raises(ValueError, match="kd_tree.*canberra"):
        NearestNeighbors(metric=canberra, algorithm="kd_tree").fit(X)
    with pytest.raises(ValueError, match="cannot be compiled"):
        searched(X, X[:9], 4, metric=lambda x, y: open(x))  # noqa: SIM115


def test_precomputed_distances():
    X = np.random.default_rng(0).normal(size=(80, 3))
    D = cdist(X, X)
    table = NearestNeighbors(metric="precomputed", n_neighbors=4).fit(D)
    assert same(table.kneighbors(D[:9]), searched(X, X[:9], 4))
    assert same(table.kneighbors(), searched(X, None, 4))
    sparse = radius_neighbors_graph(X, 4.0, mode="distance")
    graph = NearestNeighbors(metric="precomputed", n_neighbors=1).fit(sparse)
    assert same(graph.kneighbors(sparse), searched(X, None, 1))
    assert np.array_equal(np.concatenate([*graph.radius_neighbors(sparse, 0.7)[0]]),
                          np.concatenate([*NearestNeighbors(radius=0.7).fit(X).radius_neighbors()[0]]))  # fmt: skip
    with pytest.raises(ValueError, match="n_neighbors=50 but row"):
        graph.kneighbors(sparse, 50)
    with pytest.raises(ValueError, match="square"):
        NearestNeighbors(metric="precomputed").fit(D[:5])


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_are_their_dense_selves(metric, dtype):
    X = scipy.sparse.random_array((300, 40), density=0.1, rng=np.random.default_rng(0), dtype=dtype).tocsr()
    dense = NearestNeighbors(metric=metric, algorithm="brute").fit(X.toarray())
    sparse = NearestNeighbors(metric=metric).fit(X)
    assert same(sparse.kneighbors(X[:30]), dense.kneighbors(X[:30].toarray()))
    assert same(sparse.kneighbors(), dense.kneighbors())
    with pytest.raises(ValueError, match=r"X\[2, \d+\] is NaN"):
        sparse.kneighbors(scipy.sparse.csr_array(np.where(np.arange(9)[:, None] == 2, np.nan, np.ones((9, 40)))))
    with pytest.raises(ValueError, match="chebyshev.*not served for sparse"):
        NearestNeighbors(metric="chebyshev").fit(X)
    with pytest.warns(UserWarning, match="brute force"):
        NearestNeighbors(algorithm="kd_tree").fit(X)


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("offset", [0, 1e3, 1e6, 1e8])
def test_recall_is_whole_far_from_the_origin(algorithm, offset):
    X = np.random.default_rng(0).normal(0, 0.1, (2000, 8)) + offset
    truth = np.array([sorted(range(2000), key=lambda i, q=q: (((X[i] - q) ** 2).sum(), i))[:5] for q in X[:40]])
    assert np.array_equal(searched(X, X[:40], 5, algorithm=algorithm)[1], truth)


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_surveyed_points_in_float32_are_the_best_float32_can_do(algorithm):
    """Metres east and north of a survey: 5,403,000 north leaves float32 steps of half a metre."""
    X = (np.random.default_rng(0).uniform(0, 500, (3000, 2)) + [3_512_000, 5_403_000]).astype(np.float32)
    wide = X.astype(np.float64)  # the same points exactly, so the same neighbours
    distances, indices = searched(X, X[:100], 5, algorithm=algorithm)
    assert distances.dtype == np.float32
    assert np.array_equal(indices, searched(wide, wide[:100], 5)[1])


def agree(X, Q, k, algorithm="auto"):
    """Equal to SciPy's exact answer; where it has several points at one distance, in distance only."""
    distances, indices = searched(X, Q, k, algorithm=algorithm)
    theirs, who = cKDTree(X).query(Q, k)
    assert np.allclose(distances, theirs.reshape(distances.shape), rtol=1e-12, atol=1e-12)
    different = indices != who.reshape(indices.shape)
    nearest = np.sqrt(((X[indices] - Q[:, None]) ** 2).sum(axis=2))
    assert np.allclose(nearest[different], theirs.reshape(distances.shape)[different], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
def test_scipys_answer_on_digits(algorithm):
    X, _ = digits()
    agree(X, X[:300], 6, algorithm)


def test_scipys_answer_on_cities():
    degrees, _ = cities()
    latitude, longitude = np.radians(degrees).T
    sphere = np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], 1)
    agree(sphere, sphere[::50], 5)
    agree(degrees, degrees[::50], 5)


def test_scipys_answer_on_covtype():
    X, _ = covtype("50k-7class")
    agree(X[:20_000].astype(float), X[20_000:20_300].astype(float), 3, "kd_tree")
    assert same(
        searched(X[:20_000], X[20_000:20_300], 3, algorithm="kd_tree"),
        searched(X[:20_000], X[20_000:20_300], 3, algorithm="brute"),
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_images(dtype):
    """5000 by 500 images of uint8, whose squared distances are whole numbers that float64 holds exactly."""
    X, _ = fashion_mnist()
    Q, _ = fashion_mnist("t10k")
    X, Q = X[:5000], Q[:500]
    distances, indices = searched(X.astype(dtype), Q.astype(dtype), 5)
    squares = cdist(Q.astype(float), X.astype(float), "sqeuclidean")
    expected = np.lexsort((np.broadcast_to(np.arange(5000), squares.shape), squares))[:, :5]
    if dtype == np.float32:  # sums beyond 2**24 are rounded on the way: ties may fall otherwise
        assert np.mean(indices == expected) > 0.999
    else:
        assert np.array_equal(indices, expected)
    assert np.allclose(distances, np.sqrt(np.take_along_axis(squares, expected, 1)), rtol=1e-5)


def test_the_answer_depends_on_nothing_but_the_data():
    random = np.random.default_rng(0)
    X, Q = random.integers(0, 4, (3000, 5)).astype(float), random.integers(0, 4, (700, 5)).astype(float)
    expected = searched(X, Q, 9, algorithm="brute", n_jobs=1)
    for layout in (
        np.asfortranarray,
        lambda A: np.repeat(A, 2, axis=0)[::2],
        lambda A: A.astype(">f8"),
        lambda A: A.tolist(),
    ):
        assert same(searched(layout(X), layout(Q), 9), expected)
    for frame in (pd.DataFrame, lambda A: pl.DataFrame(A, schema=list("abcde"))):
        assert same(searched(frame(X), frame(Q), 9), expected)
    for dtype in (np.uint8, np.int16, np.int64, np.float32, np.uint64):
        found = searched(X.astype(dtype), Q.astype(dtype), 9)
        assert np.array_equal(found[1], expected[1])
    for algorithm in ("brute", "kd_tree"):
        for n_jobs in (1, 2, 3, 8):
            assert same(searched(X, Q, 9, algorithm=algorithm, n_jobs=n_jobs), expected)
        for leaf_size in (1, 8, 64, 5000):
            assert same(searched(X, Q, 9, algorithm=algorithm, leaf_size=leaf_size), expected)
        one_by_one = [searched(X, q[None], 9, algorithm=algorithm) for q in Q[:50]]
        assert np.array_equal(np.concatenate([i for _, i in one_by_one]), expected[1][:50])


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((1, 1)),
        np.full((50, 3), 0.1),
        np.full((100_000, 2), 7.0),
        np.arange(1000.0)[:, None],
        np.random.default_rng(0).normal(size=(500, 200)),
        np.array([[True, False], [False, False], [True, True]]),
    ],
    ids=["one row", "equal", "100,000 copies", "one column", "200 columns", "bool"],
)
def test_odd_tables(algorithm, X):
    k = min(3, len(X))
    distances, indices = searched(X, X[:20], k, algorithm=algorithm)
    if (X == X[0]).all():
        assert indices.tolist() == [list(range(k))] * min(len(X), 20)
        assert not distances.any()
    else:
        squares = cdist(X[:20].astype(float), X.astype(float), "sqeuclidean")
        assert np.array_equal(indices, np.argsort(squares, axis=1, kind="stable")[:, :k])


def test_graphs_are_scikit_learns():
    X = np.random.default_rng(0).normal(size=(60, 3))
    for mode in ("connectivity", "distance"):
        for include_self in (False, True, "auto"):
            ours = kneighbors_graph(X, 4, mode=mode, include_self=include_self)
            theirs = sklearn.neighbors.kneighbors_graph(X, 4, mode=mode, include_self=include_self)
            assert type(ours) is type(theirs)
            assert np.allclose(ours.toarray(), theirs.toarray())
            ours = radius_neighbors_graph(X, 0.9, mode=mode, include_self=include_self)
            theirs = sklearn.neighbors.radius_neighbors_graph(X, 0.9, mode=mode, include_self=include_self)
            assert np.allclose(ours.toarray(), theirs.toarray())
    search = NearestNeighbors().fit(X)
    assert np.array_equal(kneighbors_graph(search, 4).toarray(), kneighbors_graph(X, 4).toarray())
    with pytest.raises(ValueError, match="metric='cosine'.*minkowski"):
        kneighbors_graph(search, 4, metric="cosine")
    with pytest.raises(ValueError, match="mode='edges'"):
        kneighbors_graph(X, 4, mode="edges")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"metric": "no such"}, "metric='no such' is not known; choose from .*euclidean"),
        ({"metric": "cosine", "algorithm": "kd_tree"}, "kd_tree.*'cosine'.*euclidean, manhattan, chebyshev, minkowski"),
        ({"p": 0.5, "algorithm": "kd_tree"}, "p=0.5.*p >= 1"),
        ({"metric_params": {"w": [1, 2]}}, "metric_params w=.*3 finite weights"),
        ({"metric_params": {"w": [1, 2, -1]}}, "none negative"),
        ({"metric_params": {"V": 1}}, r"metric_params has \['V'\]"),
        ({"metric": "cosine", "metric_params": {"V": 1}}, r"metric_params has \['V'\]"),
        ({"radius": -1.0}, "radius"),
        ({"algorithm": "cover_tree"}, "algorithm"),
    ],
)
def test_bad_parameters_are_named(parameters, words):
    X = np.arange(30.0).reshape(10, 3)
    with pytest.raises(ValueError, match=words):
        NearestNeighbors(**parameters).fit(X).kneighbors(X)


def test_a_number_that_an_estimator_has_no_default_for():
    X, y = np.arange(30.0).reshape(10, 3), np.arange(10) % 2
    assert not hasattr(RadiusNeighborsClassifier().fit(X, y), "kneighbors")
    assert not hasattr(KNeighborsClassifier().fit(X, y), "radius_neighbors")
    with pytest.raises(ValueError, match="n_neighbors=None, and this NearestNeighbors"):
        NearestNeighbors(n_neighbors=None).fit(X).kneighbors(X)
    with pytest.raises(ValueError, match="radius=None, and this NearestNeighbors"):
        NearestNeighbors(radius=None).fit(X).radius_neighbors(X)


def test_bad_radius_is_named():
    search = NearestNeighbors().fit(np.arange(30.0).reshape(10, 3))
    for radius in (-1, "wide", np.nan):
        with pytest.raises(ValueError, match=f"radius={radius!r}"):
            search.radius_neighbors(radius=radius)
    with pytest.raises(ValueError, match="return_distance=False"):
        search.radius_neighbors(return_distance=False, sort_results=True)


def test_verbose_shows_a_bar(capsys, monkeypatch):
    from fastml import progress

    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "INTERVAL_IN_A_FILE", 0)
    X = np.random.default_rng(0).normal(size=(4000, 20))
    expected = searched(X, X, 5, algorithm="brute")
    assert same(searched(X, X, 5, algorithm="brute", verbose=1), expected)
    assert "searching neighbors [" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_bray_curtis_of_numbers_of_both_signs(dtype):
    """sum |q - x| / sum (|q| + |x|): |q + x| may be 0 where the rows are far apart."""
    points, queries = (np.array(rows, dtype) for rows in ([[1, -2], [3, 4], [-1, 1], [0, 0]], [[2, -1], [0, 0]]))
    found = NearestNeighbors(n_neighbors=4, metric="braycurtis").fit(points).kneighbors(queries)
    np.testing.assert_allclose(found[0], [[2 / 6, 6 / 10, 1, 1], [0, 1, 1, 1]], rtol=1e-6)
    assert found[1].tolist() == [[0, 1, 2, 3], [3, 0, 1, 2]]


@pytest.mark.parametrize("metric", ["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule"])
def test_metrics_of_booleans_take_what_is_not_0_as_true(metric):
    points = np.array([[1.0, -2, 0, 3], [0, 4, 0.5, 0], [2, 0, 0, 1]])
    found = NearestNeighbors(n_neighbors=3, metric=metric).fit(points).kneighbors(points * 3)
    expected = NearestNeighbors(n_neighbors=3, metric=metric).fit(points != 0).kneighbors(points != 0)
    np.testing.assert_allclose(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
