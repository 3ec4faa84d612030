"""What a search may be given: trees, fitted searches, metric objects, distances, sparse beside dense rows."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse
import sklearn.neighbors
from scipy.spatial.distance import cdist
from sklearn.metrics import DistanceMetric

import fastml.neighbors
from fastml.neighbors import (
    KDTree,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)

RANDOM = np.random.default_rng(0)
X, Q = RANDOM.integers(0, 4, (40, 3)).astype(float), RANDOM.integers(0, 4, (9, 3)).astype(float)
y = np.arange(40) % 3
EVERY_METRIC = [
    {"metric": name}
    for name in (
        "euclidean", "manhattan", "chebyshev", "hamming", "cosine", "nan_euclidean", "braycurtis", "canberra",
        "correlation", "sqeuclidean", "jaccard",
    )
] + [
    {"p": 3}, {"p": 1.5, "metric_params": {"w": np.array([1, 0.5, 2])}}, {"metric": lambda a, b: np.abs(a - b).max()},
    {"metric": "seuclidean", "metric_params": {"V": np.array([1.0, 2.0, 3.0])}},
    {"metric": "mahalanobis", "metric_params": {"V": np.eye(3) + 0.1}},
]  # fmt: skip
FORMATS = [
    scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array,
    scipy.sparse.lil_array,
]  # fmt: skip


def same(one, other):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("algorithm", ["auto", "brute"])
@pytest.mark.parametrize("parameters", EVERY_METRIC, ids=repr)
def test_sparse_queries_of_dense_points(parameters, algorithm, monkeypatch):
    options = {"n_neighbors": 4, "radius": 1.5, "algorithm": algorithm} | parameters
    if isinstance(options.get("metric"), str) and options["metric"] == "jaccard":
        search = NearestNeighbors(**options).fit(X > 1)
    else:
        search = NearestNeighbors(**options).fit(X)
    expected = search.kneighbors(Q), search.radius_neighbors(Q)
    for size in (2**22, 6):
        monkeypatch.setattr("fastml.neighbors.search.DENSE_AT_ONCE", size)
        for as_sparse in FORMATS:
            assert same(search.kneighbors(as_sparse(Q)), expected[0])
            for found, rows in zip(search.radius_neighbors(as_sparse(Q)), expected[1], strict=True):
                assert same(found, rows)
    itself = search.kneighbors(), search.kneighbors(X)
    assert itself[0][0].shape == itself[1][0].shape


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_dense_and_sparse_in_every_pair(metric):
    points, queries = (X, scipy.sparse.csr_array(X)), (Q, scipy.sparse.csr_array(Q))
    answers = [NearestNeighbors(n_neighbors=4, metric=metric).fit(p).kneighbors(q) for p in points for q in queries]
    assert all(same(answer, answers[0]) for answer in answers)


@pytest.mark.parametrize(
    "estimator", [KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsClassifier, RadiusNeighborsRegressor]
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "canberra", "chebyshev"])
def test_every_estimator_answers_sparse_queries(estimator, metric):
    model = estimator(metric=metric, **({"radius": 9} if "Radius" in estimator.__name__ else {})).fit(X, y)
    assert np.array_equal(model.predict(scipy.sparse.csr_array(Q)), model.predict(Q))


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_a_function_of_sparse_rows(container):
    def shared_columns(a, b):
        assert scipy.sparse.issparse(a)
        assert scipy.sparse.issparse(b)
        return 3.0 - a.multiply(b).count_nonzero()

    search = NearestNeighbors(n_neighbors=5, metric=shared_columns).fit(container(X))
    D = 3 - ((Q[:, None] != 0) & (X != 0)).sum(axis=2)
    expected = np.argsort(D, axis=1, kind="stable")[:, :5]
    for queries in (container(Q), Q):
        distances, indices = search.kneighbors(queries)
        assert np.array_equal(indices, expected)
        assert np.array_equal(distances, np.take_along_axis(D, expected, 1))
    assert len(search.radius_neighbors(Q, 1.0)[0]) == len(Q)


def test_parameters_reach_a_function():
    def weighed(a, b, scale):
        return scale * np.abs(a - b).sum()

    found = NearestNeighbors(n_neighbors=4, metric=weighed, metric_params={"scale": 2}).fit(X).kneighbors(Q)
    distances, indices = NearestNeighbors(n_neighbors=4, metric="manhattan").fit(X).kneighbors(Q)
    assert same(found, (2 * distances, indices))


@pytest.mark.parametrize("where", ["dense", "sparse", "precomputed"])
def test_a_distance_that_is_no_number_stands_last(where):
    points = np.array([[0.0], [1.0], [2.0], [3.0]])

    def undefined_at_one(a, b):
        return np.nan if b[0] == 1.0 else abs(a[0] - b[0])

    def of_sparse(a, b):
        return undefined_at_one(a.toarray()[0], b.toarray()[0])

    if where == "precomputed":
        found = (
            NearestNeighbors(n_neighbors=2, metric="correlation").fit([[1.0, 1], [1, 2], [2, 1]]).kneighbors([[1, 3.0]])
        )
        assert found[1].tolist() == [[1, 2]]
        return
    table = points if where == "dense" else scipy.sparse.csr_array(points)
    search = NearestNeighbors(n_neighbors=4, metric=undefined_at_one if where == "dense" else of_sparse).fit(table)
    assert search.kneighbors([[0.9]])[1].tolist() == [[0, 2, 3, 1]]


OBJECTS = [
    ("euclidean", {}), ("manhattan", {}), ("chebyshev", {}), ("minkowski", {"p": 3}), ("canberra", {}), ("hamming", {}),
    ("minkowski", {"p": 3, "w": np.array([1.0, 2.0, 3.0])}), ("seuclidean", {"V": np.array([1.0, 2.0, 3.0])}),
    ("mahalanobis", {"V": np.eye(3) + 0.1}), ("braycurtis", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), OBJECTS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distance_metric_objects(name, options, dtype):
    metric = DistanceMetric.get_metric(name, dtype=dtype, **options)
    points, queries = X.astype(dtype), Q.astype(dtype)
    D = metric.pairwise(queries, points)
    search = NearestNeighbors(n_neighbors=5, metric=metric).fit(points)
    np.testing.assert_allclose(search.kneighbors(queries)[0], np.sort(D, axis=1)[:, :5], rtol=1e-5, atol=1e-6)
    for other in (pickle.loads(pickle.dumps(search)), copy.deepcopy(search)):
        assert same(other.kneighbors(queries), search.kneighbors(queries))
    assert KNeighborsRegressor(metric=metric).fit(points, y).predict(queries).shape == (9,)


TREES = [
    KDTree(X), KDTree(X, metric="manhattan"), KDTree(X, p=3, w=[1, 2, 3]), sklearn.neighbors.KDTree(X),
    sklearn.neighbors.BallTree(X, metric="canberra"), sklearn.neighbors.BallTree(X, metric="minkowski", p=3),
    NearestNeighbors(metric="cosine").fit(X), sklearn.neighbors.NearestNeighbors(p=1).fit(X),
    NearestNeighbors(metric="canberra").fit(X), NearestNeighbors().fit(scipy.sparse.csr_array(X)),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: type(tree).__module__)
def test_fit_takes_trees_and_fitted_searches(tree):
    expected = tree.kneighbors(Q, 3)[0] if hasattr(tree, "kneighbors") else tree.query(Q, 3)[0]
    for model in (
        NearestNeighbors().fit(tree),
        KNeighborsClassifier().fit(tree, y),
        KNeighborsRegressor().fit(tree, y),
    ):
        np.testing.assert_allclose(model.kneighbors(Q, 3)[0], expected, rtol=1e-12)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_allclose(again.kneighbors(Q, 3)[0], expected, rtol=1e-12)
        assert model.get_params()["metric"] == "minkowski"


def test_distances_dense_and_sparse_beside_another():
    D, asked = cdist(X, X), cdist(Q, X)
    dense = NearestNeighbors(n_neighbors=4, metric="precomputed", radius=2.5).fit(D)
    graph = NearestNeighbors(n_neighbors=4, metric="precomputed", radius=2.5).fit(scipy.sparse.csr_array(D))
    expected = NearestNeighbors(n_neighbors=4, radius=2.5).fit(X)
    stored = scipy.sparse.csr_array(expected.radius_neighbors_graph(Q, 9, mode="distance"))
    for search in (dense, graph):
        assert same(search.kneighbors(asked), expected.kneighbors(Q))
        assert same(search.kneighbors(stored), expected.kneighbors(Q))
        for queries in (asked, stored):
            for found, rows in zip(search.radius_neighbors(queries), expected.radius_neighbors(Q), strict=True):
                assert same(found, rows)
    with pytest.raises(ValueError, match="2 neighbors per samples are required.*n_neighbors=2 but row 0"):
        dense.kneighbors(scipy.sparse.csr_array(([1.0], ([0], [3])), shape=(1, 40)), 2)
    for negative in (-asked, scipy.sparse.csr_array(-asked)):
        with pytest.raises(ValueError, match="Negative values in data passed to"):
            dense.kneighbors(negative)
    with pytest.raises(TypeError, match="explicit zeros"):
        dense.kneighbors(scipy.sparse.dok_array(asked))


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_radius_for_each_query(algorithm, dtype):
    search = NearestNeighbors(algorithm=algorithm).fit(X.astype(dtype))
    radii = np.linspace(0, 3, len(Q))
    distances, indices = search.radius_neighbors(Q, radii)
    for at, r in enumerate(radii):
        alone = search.radius_neighbors(Q[[at]], float(r))
        assert np.array_equal(distances[at], alone[0][0])
        assert np.array_equal(indices[at], alone[1][0])
    for bad in (radii[:-1], -radii, radii * np.nan, radii[:, None], ["a"] * len(Q)):
        with pytest.raises(ValueError, match="radius="):
            search.radius_neighbors(Q, bad)


def inverse_square(d):
    with np.errstate(divide="ignore"):
        return d**-2.0


@pytest.mark.parametrize("model", [KNeighborsClassifier(3), RadiusNeighborsClassifier(5.0)], ids=repr)
def test_an_infinite_weight_outvotes_all_others(model):
    points, labels = [[0.0], [1.0], [1.0], [3.0]], ["a", "b", "c", "c"]
    model = model.set_params(weights=inverse_square).fit(points, labels)
    assert model.predict([[0.0], [2.9], [0.1]]).tolist() == ["a", "c", "a"]
    assert model.predict_proba([[1.0]]).tolist() == [[0, 0.5, 0.5]]


def test_infinite_and_huge_weights_of_a_mean():
    points, targets = [[0.0], [1.0], [3.0]], [1.0, 2.0, 7.0]
    for model in (KNeighborsRegressor(3), RadiusNeighborsRegressor(9.0)):
        assert model.set_params(weights=inverse_square).fit(points, targets).predict([[1.0]]) == [2.0]
        assert model.set_params(weights=lambda d: np.full(d.shape, 1.7e308)).fit(points, targets).predict(
            [[0]]
        ) == pytest.approx([10 / 3])


@pytest.mark.parametrize("value", [np.nan, -1.0, -np.inf])
@pytest.mark.parametrize("estimator", [KNeighborsClassifier, RadiusNeighborsClassifier, KNeighborsRegressor])
def test_weights_that_are_no_votes_are_refused(estimator, value):
    model = estimator(weights=lambda d: np.full(d.shape, value)).fit(X, y)
    with pytest.raises(ValueError, match="weights=.*negative or non-finite"):
        model.predict(X)


def test_what_scikit_learn_warns_of():
    with pytest.warns(SyntaxWarning, match="Parameter p is found in metric_params"):
        KNeighborsClassifier(metric_params={"p": 3}).fit(X, y)
    with pytest.warns(UserWarning, match="Mind that for 0 < p < 1"):
        assert NearestNeighbors(p=0.5).fit(X).algorithm_ == "brute"
    for algorithm in ("kd_tree", "ball_tree"):
        with pytest.raises(ValueError, match=f'algorithm="{algorithm}" does not support 0 < p < 1'):
            NearestNeighbors(p=0.5, algorithm=algorithm).fit(X)
    with pytest.raises(ValueError, match="Haversine distance only valid in 2 dimensions"):
        NearestNeighbors(metric="haversine").fit(X)


@pytest.mark.parametrize("width", [1, 3])
def test_brute_force_asks_the_metric_when_it_searches(width):
    rows = np.linspace(0, 1, 10 * width).reshape(10, width)
    for module in (sklearn.neighbors, fastml.neighbors):
        model = module.NearestNeighbors(metric="haversine", algorithm="brute").fit(rows)
        for asked in (model, pickle.loads(pickle.dumps(model))):
            for ask in (asked.kneighbors, asked.radius_neighbors, asked.kneighbors_graph):
                with pytest.raises(ValueError, match="Haversine distance only valid in 2 dimensions"):
                    ask(rows)
        with pytest.raises(ValueError, match="Haversine distance only valid in 2 dimensions"):
            module.NearestNeighbors(metric="haversine", algorithm="ball_tree").fit(rows)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_trees_do_not_work_with_sparse_matrices(algorithm):
    rows = scipy.sparse.csr_array(X)
    for module in (sklearn.neighbors, fastml.neighbors):
        model = module.KNeighborsClassifier(1, algorithm=algorithm).fit(X, y)
        for ask in (model.predict, model.kneighbors):
            with pytest.raises(ValueError, match=f"{algorithm} does not work with sparse matrices. Densify the data"):
                ask(rows)
    assert KNeighborsClassifier(1).fit(X, y).predict(rows).tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("estimator", [KNeighborsClassifier, RadiusNeighborsClassifier])
def test_hasattr_tells_the_truth(estimator):
    methods = {"kneighbors": "KN", "kneighbors_graph": "KN", "radius_neighbors": "Ra", "radius_neighbors_graph": "Ra"}
    for name, kind in methods.items():
        assert hasattr(estimator().fit(X, y), name) == estimator.__name__.startswith(kind)
        assert hasattr(NearestNeighbors(), name)


@pytest.mark.parametrize("k", [2**63, 10**30])
def test_huge_whole_numbers_are_named(k):
    with pytest.raises(ValueError, match=f"n_neighbors={k} but only"):
        NearestNeighbors(n_neighbors=k).fit(X).kneighbors(Q)
    with pytest.raises(ValueError, match=f"n_neighbors={k} but only"):
        KNeighborsClassifier(k).fit(X, y).predict(Q)
    assert same(
        NearestNeighbors(leaf_size=k, algorithm="kd_tree").fit(X).kneighbors(Q), NearestNeighbors().fit(X).kneighbors(Q)
    )
    assert same(KDTree(X, leaf_size=k).query(Q, 2), KDTree(X).query(Q, 2))


@pytest.mark.parametrize("name", ["seuclidean", "mahalanobis"])
def test_what_a_metric_is_relative_to_must_be_given(name):
    with pytest.raises(ValueError, match="required for the .*metric_params="):
        NearestNeighbors(metric=name).fit(X)


@pytest.mark.parametrize("options", [{}, {"metric_params": {"scale": 1}}], ids=repr)
def test_a_function_gets_the_query_first(options):
    def ahead(query, point, scale=1):
        return max(point[0] - query[0], 0.0)

    search = NearestNeighbors(n_neighbors=2, metric=ahead, **options).fit([[0.0], [1.0], [3.0], [4.0]])
    assert search.kneighbors([[2.0]])[0].tolist() == [[0, 0]]
    assert search.kneighbors([[-1.0]])[0].tolist() == [[1, 2]]


FAR = {np.float32: [1e-30, 1e-19, 1e19, 1e30], np.float64: [1e-300, 1e-170, 1e155, 1e300]}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_whose_squares_overflow_or_vanish(dtype, algorithm, sparse):
    if sparse and algorithm == "kd_tree":
        pytest.skip("a tree has dense points")
    table = scipy.sparse.csr_array if sparse else np.asarray
    for metric in ("euclidean", "manhattan"):
        options = {"n_neighbors": 4, "radius": 2.5, "metric": metric, "algorithm": algorithm}
        near, indices = NearestNeighbors(**options).fit(table(X.astype(dtype))).kneighbors(Q.astype(dtype))
        within = NearestNeighbors(**options).fit(X).radius_neighbors(Q)[1]
        for factor in FAR[dtype]:
            exponent = np.frexp(factor)[1]
            points, queries = (np.ldexp(rows.astype(dtype), exponent) for rows in (X, Q))
            options["radius"] = float(np.ldexp(2.5, exponent))
            search = NearestNeighbors(**options).fit(table(points))
            assert same(search.kneighbors(queries), (np.ldexp(near, exponent), indices))
            assert same(search.kneighbors(queries[:1]), (np.ldexp(near[:1], exponent), indices[:1]))
            for found, rows in zip(search.radius_neighbors(queries)[1], within, strict=True):
                assert np.array_equal(found, rows)


def test_a_high_power_of_minkowski_does_not_overflow():
    points = np.array([[1e5, 0], [3e5, 0], [2e5, 0]])
    distances, indices = NearestNeighbors(n_neighbors=3, p=100).fit(points).kneighbors([[0.0, 0.0]])
    assert indices.tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(distances, [[1e5, 2e5, 3e5]], rtol=1e-10)


@pytest.mark.parametrize("model", [KNeighborsRegressor(3), RadiusNeighborsRegressor(1.0)], ids=repr)
def test_the_inverse_of_a_tiny_distance_is_no_infinity(model):
    model = model.set_params(weights="distance").fit([[1e-310], [2e-310], [4e-310]], [1.0, 2.0, 3.0])
    assert model.predict([[0.0]]) == pytest.approx([(1 + 2 / 2 + 3 / 4) / (1 + 1 / 2 + 1 / 4)], rel=1e-6)


MIXED = {np.float32: [0, 1, 2.5, 5, 1e15, 3e30, 3e38], np.float64: [0, 1, 2.5, 5, 1e15, 1e155, 1e200, 1e308]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("p", [1, 2])
def test_small_distances_keep_their_digits_beside_those_that_overflow(dtype, algorithm, sparse, p):
    if sparse and algorithm == "kd_tree":
        pytest.skip("a tree takes no sparse points")
    random = np.random.default_rng(1)
    points = random.choice(MIXED[dtype], (60, 2)).astype(dtype) * random.choice([-1, 1], (60, 2)).astype(dtype)
    points[:30] = random.choice(MIXED[dtype][:4], (30, 2))
    points, queries = np.unique(points, axis=0) / 4, points[::7] / 4
    wide = np.abs(queries[:, None].astype(np.longdouble) - points[None].astype(np.longdouble))
    right = np.sqrt((wide**2).sum(axis=2)) if p == 2 else wide.sum(axis=2)
    given = scipy.sparse.csr_array if sparse else np.asarray
    search = NearestNeighbors(n_neighbors=len(points), algorithm=algorithm, p=p).fit(given(points))
    distances, indices = search.kneighbors(given(queries))
    assert (np.sort(indices, axis=1) == np.arange(len(points))).all()
    np.testing.assert_allclose(distances, np.sort(right, axis=1).astype(float), rtol=1e-6)
    few = search.kneighbors(given(queries), n_neighbors=12)[0]
    np.testing.assert_allclose(few, distances[:, :12], rtol=1e-6)
    for radius in (1.0, np.finfo(dtype).max / 1e3):
        found, which = search.radius_neighbors(given(queries), radius=radius)
        for i in range(len(queries)):
            near = right[i] <= radius
            assert set(which[i]) == set(np.flatnonzero(near))
            np.testing.assert_allclose(found[i], right[i][which[i]].astype(float), rtol=1e-6)


def test_rows_of_stored_zeros_have_no_direction():
    dense = np.array([[0.0, 0], [1, 0], [0, 2], [0, 0]])
    stored = scipy.sparse.csr_array((dense.ravel(), np.tile([0, 1], 4), np.arange(5) * 2), shape=(4, 2))
    search = NearestNeighbors(n_neighbors=4, metric="cosine").fit(stored)
    expected = NearestNeighbors(n_neighbors=4, metric="cosine").fit(dense).kneighbors(dense)
    found = search.kneighbors(stored)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
