"""The KD-tree: growing it and asking it for neighbours, as one piece of work."""

import numpy as np
from datasets import cities
from harness import Work, benchmarks

from fastml_ext import neighbors
from fastml_ext.neighbors import reference
from fastml_ext.pool import cpu_limit


def uniform(n, m, d, dtype):
    def setup(tiny):
        random = np.random.default_rng(0)
        points, queries = (500, 20) if tiny else (n, m)
        return random.random((points, d)).astype(dtype), random.random((queries, d)).astype(dtype)

    return setup


def sphere(dtype):
    """The cities of the world as unit vectors, each asked for its neighbours."""

    def setup(tiny):
        latitude, longitude = np.radians(cities()[0][:200] if tiny else cities()[0]).T
        X = np.column_stack(
            [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
        ).astype(dtype)
        return X, X

    return setup


def by_fastml(k):
    def run(data):
        X, Q = data
        return lambda: neighbors.query_tree(neighbors.build_tree(X), Q, k)[0]

    return run


def by_reference(k):
    def run(data):
        X, Q = data
        return lambda: reference.query_tree(reference.build_tree(X), Q, k)[0]

    return run


def by_pykdtree(k):
    def run(data):
        from pykdtree.kdtree import KDTree

        X, Q = data
        return lambda: KDTree(X).query(Q, k=k)[0].reshape(len(Q), k)

    return run


def by_scipy(k):
    def run(data):
        from scipy.spatial import cKDTree

        X, Q = data
        return lambda: cKDTree(X).query(Q, k=k, workers=cpu_limit())[0].reshape(len(Q), k)

    return run


def by_sklearn(k):
    def run(data):
        from sklearn.neighbors import NearestNeighbors

        X, Q = data
        model = NearestNeighbors(n_neighbors=k, algorithm="kd_tree", n_jobs=cpu_limit())
        return lambda: model.fit(X).kneighbors(Q)[0]

    return run


def by_intelex(k):
    def run(data):
        from sklearnex.neighbors import NearestNeighbors

        X, Q = data
        model = NearestNeighbors(n_neighbors=k, algorithm="kd_tree", n_jobs=cpu_limit())
        return lambda: model.fit(X).kneighbors(Q)[0]

    return run


def same_distances(data, ours, theirs):
    """Indices may differ where points tie: the peers state no order."""
    assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-3 if ours.dtype == np.float32 else 1e-7)


def work(name, setup, k, floor, others=()):
    runs = {"fastml": by_fastml(k), "reference": by_reference(k), "pykdtree": by_pykdtree(k)}
    return Work(name, setup, runs | dict(others), same_distances, floors={"pykdtree": floor}, rounds=3)


FLOORS = {np.float64: 2.5, np.float32: 1.5}
WORKS = [
    work(
        f"KD-tree, 1M queries on 1M points, d = {d}, k = {k}, {dtype.__name__}",
        uniform(10**6, 10**6, d, dtype),
        k,
        floor,
        {"SciPy": by_scipy(k)} if k == 5 and dtype == np.float64 else {},
    )
    for d in (2, 3)
    for dtype, floor in FLOORS.items()
    for k in (1, 5, 10)
]
WORKS += [
    work(
        f"KD-tree, 155k cities on the sphere, k = {k}",
        sphere(np.float64),
        k,
        1.3,
        {"SciPy": by_scipy(k), "scikit-learn": by_sklearn(k)}
        | ({"scikit-learn-intelex": by_intelex(k)} if k == 1 else {}),
    )  # for more neighbours the Intel extension's distances between near cities are not those of the others
    for k in (1, 5, 10)
]
WORKS += [
    work(
        f"KD-tree, 50k queries on 200k points, d = 8, k = {k}, {dtype.__name__}",
        uniform(200_000, 50_000, 8, dtype),
        k,
        2,
        {"SciPy": by_scipy(k)} if k == 5 and dtype == np.float64 else {},
    )
    for dtype in FLOORS
    for k in (1, 5)
]

bench_kd_tree = benchmarks(WORKS)
