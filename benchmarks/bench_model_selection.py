"""Searches over parameters: what candidates and folds share is done once."""

import numpy as np
import sklearn.linear_model
import sklearn.model_selection
import sklearn.neighbors
from datasets import covtype, digits
from harness import Work, benchmarks
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from fastml import model_selection, tree
from fastml.linear_model import Ridge
from fastml.neighbors import KNeighborsClassifier
from fastml_ext.model_selection import reference

FOLDS = StratifiedKFold(10, shuffle=True, random_state=0)


def digit_rows(tiny):
    X, y = digits()
    return (X[:300], y[:300]) if tiny else (X, y)


def blobs(n, d):
    """Points round ten centres, at distances that are all different."""

    def setup(tiny):
        random = np.random.default_rng(0)
        y = random.integers(0, 10, 300 if tiny else n)
        return random.normal(size=(10, d))[y] + random.normal(size=(len(y), d)), y

    return setup


def search(library, estimator, grid, **options):
    def run(data):
        searching = library.GridSearchCV(estimator(), grid, cv=FOLDS, refit=False, **options)
        return lambda: searching.fit(*data)

    return run


def votes_by_reference(data):
    _, y = data
    indices = np.random.default_rng(0).integers(0, len(y), (len(y), 50))
    return lambda: reference.share_path(indices, np.empty((0, 0)), y, 10, np.arange(1, 51))


def same(data, ours, theirs):
    if isinstance(theirs, np.ndarray):  # the votes alone
        return
    for fold in range(10):
        found, expected = (each.cv_results_[f"split{fold}_test_score"] for each in (ours, theirs))
        # scikit-learn's neighbours at one distance stand in no stated order
        assert np.abs(found - expected).max() <= 0.02, f"fold {fold}"


def neighbors_work(name, setup, weights=("uniform",), rounds=3, floor=200):
    grid = {"n_neighbors": list(range(1, 51)), "weights": list(weights)}
    runs = {
        "fastml": search(model_selection, KNeighborsClassifier, grid),
        "scikit-learn": search(sklearn.model_selection, sklearn.neighbors.KNeighborsClassifier, grid),
        "reference": votes_by_reference,
    }
    return Work(name, setup, runs, same, {"scikit-learn": floor}, rounds=rounds)


def line(tiny):
    random = np.random.default_rng(0)
    X = random.normal(size=(300 if tiny else 20_000, 10 if tiny else 100))
    return X, X @ random.normal(size=X.shape[1]) + random.normal(size=len(X))


def path(library, ridge):
    grid = {"alpha": np.geomspace(1e-4, 1e4, 50).tolist()}

    def run(data):
        X, _ = data
        once = [(np.arange(len(X) // 2), np.arange(len(X) // 2, len(X)))]
        searching = library.GridSearchCV(ridge(), grid, cv=once, refit=False)
        return lambda: searching.fit(*data)

    return run


def one_fit(data):
    """What a search over one alpha alone takes."""
    X, y = data
    half = len(X) // 2

    def run():
        model = Ridge().fit(X[:half], y[:half])
        model.score(X[half:], y[half:])
        return model

    return run


def same_path(data, ours, theirs):
    if hasattr(theirs, "cv_results_"):
        found, expected = (search.cv_results_["mean_test_score"] for search in (ours, theirs))
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def small_tree():
    return DecisionTreeClassifier(max_depth=4, random_state=0)


def forest_cover(tiny):
    X, y = covtype("50k-7class")
    if not tiny:
        return X, y
    common = np.isin(y, [1, 2])  # in every fold
    return X[common][::100], y[common][::100]


DEPTHS = {"max_depth": list(range(1, 21))}


def ten_fits(data):
    """What a grid of depths is held against: each fold fitted once, as deep as the grid goes."""
    X, y = data
    folds = [train for train, _ in FOLDS.split(X, y)]
    return lambda: [tree.DecisionTreeClassifier(max_depth=20).fit(X[rows], y[rows]) for rows in folds]


def close(data, ours, theirs):
    if not isinstance(theirs, list):  # equally good splits leave room for other trees
        found, expected = (each.cv_results_["mean_test_score"] for each in (ours, theirs))
        assert np.abs(found - expected).max() <= (0.01 if len(data[1]) > 1000 else 0.1)


def depth_search(library, estimator):
    return search(library, lambda: estimator(random_state=0), DEPTHS)


WORKS = [
    neighbors_work("KNN, k in 1..50, 10 folds, digits 1,797 x 64", digit_rows),
    neighbors_work("KNN, k in 1..50, 10 folds, 5,000 x 20", blobs(5000, 20)),
    neighbors_work("KNN, k in 1..50, 10 folds, 10,000 x 3", blobs(10_000, 3)),
    neighbors_work("KNN, k in 1..50 and 2 weightings, 10 folds, 5,000 x 20", blobs(5000, 20), ("uniform", "distance")),
    Work(
        "Ridge, 50 alphas, 10,000 x 100 fitted and 10,000 scored",
        line,
        {
            "fastml": path(model_selection, Ridge),
            "fastml, one fit": one_fit,
            "scikit-learn": path(sklearn.model_selection, sklearn.linear_model.Ridge),
        },
        same_path,
        {"fastml, one fit": 1 / 3},
    ),
    Work(
        "a grid that shares nothing: scikit-learn's tree, 4 candidates, 10 folds",
        digit_rows,
        {
            "fastml": search(model_selection, small_tree, {"min_samples_leaf": [1, 2, 5, 10]}),
            "scikit-learn": search(sklearn.model_selection, small_tree, {"min_samples_leaf": [1, 2, 5, 10]}),
        },
        same,
    ),
    Work(
        "tree, max_depth in 1..20, 10 folds, covtype 50k x 54",
        forest_cover,
        {
            "fastml": depth_search(model_selection, tree.DecisionTreeClassifier),
            "fastml, ten full fits": ten_fits,
            "scikit-learn": depth_search(sklearn.model_selection, DecisionTreeClassifier),
        },
        close,
        {"fastml, ten full fits": 0.5},
        rounds=1,
    ),
]

bench_model_selection = benchmarks(WORKS)
