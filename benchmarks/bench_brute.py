"""Exact Euclidean neighbours without a tree, against peers; finding the axes (the fit) is not in these times."""

import numpy as np
from datasets import digits, fashion_mnist
from harness import Work, benchmarks
from sklearn.neighbors import NearestNeighbors

from fastml_ext.neighbors import nearest, prepare, reference

K = 5


def images(tiny):
    X, Q = (fashion_mnist(part)[0] for part in ("train", "t10k"))
    return (X[:500], Q[:20]) if tiny else (X, Q)


def images_float32(tiny):
    return tuple(part.astype(np.float32) for part in images(tiny))


def images_uint8(tiny):
    X, Q = images(tiny)
    return np.ascontiguousarray(X), Q.astype(np.float64)


def noise(n, d, m):
    def setup(tiny):
        rng = np.random.default_rng(0)
        points, queries = (300, 20) if tiny else (n, m)
        return tuple(rng.normal(size=(rows, d)).astype(np.float32) for rows in (points, queries))

    return setup


def one_digit(tiny):
    X = digits()[0]
    return (X[:200] if tiny else X), X[3:4]


def search_fastml(data):
    X, Q = data
    index = prepare(X)
    return lambda: nearest(index, Q, K)


def search_by_reference(data):
    X, Q = data
    return lambda: reference.nearest(reference.prepare(X), Q, K)


def search_faiss(data):
    import faiss

    X, Q = data
    index = faiss.IndexFlatL2(X.shape[1])
    index.add(X)

    def run():
        squares, indices = index.search(Q, K)
        return np.sqrt(squares), indices

    return run


def search_sklearn(data):
    X, Q = data
    model = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(X)
    return lambda: model.kneighbors(Q)


def search_intelex(data):
    from sklearnex.neighbors import NearestNeighbors as Intelex

    X, Q = data
    model = Intelex(n_neighbors=K, algorithm="brute").fit(X)
    return lambda: model.kneighbors(Q)


def same_neighbors(data, ours, theirs):
    """Equal distances; of points at nearly one distance, a peer that computes by products may take another."""
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-3, atol=1e-2 * (1 + np.median(ours[0]) / 100))
    assert np.mean(ours[1] == theirs[1]) > 0.99


ALL = {
    "fastml": search_fastml,
    "reference": search_by_reference,
    "faiss": search_faiss,
    "scikit-learn": search_sklearn,
    "scikit-learn-intelex": search_intelex,
}
NO_FAISS = {name: run for name, run in ALL.items() if name != "faiss"}

WORKS = [
    Work(
        "5 nearest, Fashion-MNIST 60k x 784 float32, 10k queries",
        images_float32,
        ALL,
        same_neighbors,
        floors={"faiss": 3, "scikit-learn": 12},
        rounds=3,
        operations=2 * 60_000 * 10_000 * 784,
    ),
    Work(
        "5 nearest, Fashion-MNIST 60k x 784 uint8, 10k queries",
        images_uint8,
        {"fastml": search_fastml, "reference": search_by_reference},
        same_neighbors,
        rounds=3,
    ),
    Work(
        "5 nearest, normal noise 60k x 784, 2k queries",
        noise(60_000, 784, 2000),
        ALL,
        same_neighbors,
        floors={"faiss": 0.95},
        rounds=3,
        operations=2 * 60_000 * 2000 * 784,
    ),
    Work(
        "5 nearest, normal noise 5k x 30, 5k queries",
        noise(5000, 30, 5000),
        ALL,
        same_neighbors,
        floors={"faiss": 1},
        operations=2 * 5000 * 5000 * 30,
    ),
    Work("5 nearest of one row, digits 1797 x 64", one_digit, NO_FAISS, same_neighbors, iterations=100),
]

bench_brute = benchmarks(WORKS)
