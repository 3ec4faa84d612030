"""Decision trees: growing, predicting, one row, and tables with words in them."""

import numpy as np
from datasets import adult, covtype, fashion_mnist
from harness import Work, benchmarks
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier as SklearnTree

from fastml.tree import DecisionTreeClassifier
from fastml_ext.tree import Coded, Settings, reference


def forest_cover(tiny):
    X, y = covtype()
    rows = slice(None, None, 4000 if tiny else 1)
    return np.ascontiguousarray(X[rows], np.float32), y[rows].astype(np.int64)


def clothes(tiny):
    X, y = fashion_mnist()
    rows, columns = (slice(100), slice(400, 440)) if tiny else (slice(None), slice(None))
    return np.ascontiguousarray(X[rows, columns], np.float32), y[rows].astype(np.int64)


def continuous(tiny):
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 4) if tiny else (60_000, 100)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=len(X)) > 0).astype(np.int64)


def fit(estimator, **options):
    def run(data):
        X, y = data
        return lambda: estimator(criterion="entropy", **options).fit(X, y)

    return run


def fit_reference(**options):
    """The definition, from coded columns on."""

    def run(data):
        X, y = data
        columns = [Coded(codes, values) for values, codes in reference.encode(X)]
        settings = Settings(criterion="entropy", n_classes=int(y.max()) + 1, **options)
        return lambda: reference.grow(columns, y, None, settings)

    return run


def fit_lightgbm(**options):
    """One tree of LightGBM's, on histograms of 255 bins; another algorithm, for orientation."""

    def run(data):
        from lightgbm import LGBMClassifier

        X, y = data
        return lambda: LGBMClassifier(n_estimators=1, verbosity=-1, min_child_samples=1, n_jobs=2, **options).fit(X, y)

    return run


def same_nodes(data, ours, theirs):
    if isinstance(theirs, dict):
        assert np.isclose(ours.tree_.gain[0], theirs["gain"])
    elif hasattr(theirs, "tree_"):  # equally good splits leave room for a few other nodes
        X, y = data
        assert abs(ours.tree_.node_count / theirs.tree_.node_count - 1) < 0.01 or len(y) < 1000
        assert abs(ours.score(X, y) - theirs.score(X, y)) < 0.001 or len(y) < 1000


def predict(estimator, max_depth, rows=None):
    def run(data):
        X, y = data
        model = estimator(criterion="entropy", max_depth=max_depth).fit(X, y)
        queries = X[:rows].copy()
        return lambda: model.predict(queries)

    return run


def predict_reference(max_depth):
    def run(data):
        X, y = data
        model = DecisionTreeClassifier(criterion="entropy", max_depth=max_depth).fit(X, y)
        answers = model.classes_[model.tree_.value[:, 0].argmax(axis=1)]
        return lambda: answers[reference.apply(model.tree_, X, [X.dtype] * X.shape[1])]

    return run


def same_answers(data, ours, theirs):
    # Where two splits are equally good scikit-learn draws one.
    assert np.mean(ours == theirs) >= (0.998 if len(data[1]) > 1000 else 0.8)


def people(tiny):
    """The training and test tables of adult, with "?" for missing words."""
    (X, y), (Q, truth) = adult(), adult("test")
    return (X[:400], y[:400], Q[:400], truth[:400]) if tiny else (X, y, Q, truth)


def fit_and_score(build):
    def run(data):
        X, y, Q, truth = data
        return lambda: build().fit(X, y).score(Q, truth)

    return run


def behind(encoder):
    """scikit-learn's tree behind an encoder of the columns of words."""
    words = make_column_selector(dtype_exclude=np.number)
    return lambda: make_pipeline(
        make_column_transformer((encoder, words), remainder="passthrough"),
        SklearnTree(criterion="entropy", max_leaf_nodes=60, random_state=0),
    )


def as_accurate(data, ours, theirs):
    assert ours > theirs - 0.005 or len(data[1]) < 1000


def grow(name, setup, floor, lightgbm=None, **options):
    runs = {"fastml": fit(DecisionTreeClassifier, **options), "reference": fit_reference(**options)}
    runs["scikit-learn"] = fit(SklearnTree, random_state=0, **options)
    if lightgbm:
        runs["LightGBM, one tree"] = fit_lightgbm(**lightgbm)
    floors = {"scikit-learn": floor} | ({"LightGBM, one tree": 1} if lightgbm else {})
    return Work(name, setup, runs, same_nodes, floors=floors, rounds=3)


WORKS = [
    grow(
        "tree fit, entropy, covtype 581k x 54, depth 8",
        forest_cover,
        12,
        {"max_depth": 8, "num_leaves": 256},
        max_depth=8,
    ),
    grow("tree fit, entropy, covtype 581k x 54, no limit", forest_cover, 8),
    grow("tree fit, entropy, Fashion-MNIST 60k x 784, depth 10", clothes, 12, max_depth=10),
    grow("tree fit, entropy, continuous 60k x 100, no limit", continuous, 8),
    *[
        Work(
            f"tree predict, covtype 581k rows, float32, {'depth 8' if max_depth else 'no limit'}",
            forest_cover,
            {
                "fastml": predict(DecisionTreeClassifier, max_depth),
                "reference": predict_reference(max_depth),
                "scikit-learn": predict(SklearnTree, max_depth),
            },
            same_answers,
            floors={"scikit-learn": floor},
            rounds=15,
        )
        for max_depth, floor in ((8, 2), (None, 1.2))
    ],
    Work(
        "tree predict one row, continuous",
        continuous,
        {"fastml": predict(DecisionTreeClassifier, 8, 1), "scikit-learn": predict(SklearnTree, 8, 1)},
        same_answers,
        floors={"scikit-learn": 25},
        iterations=500,
    ),
    Work(
        "tree on words as they are, adult, 60 leaves, fit and score",
        people,
        {
            "fastml": fit_and_score(
                lambda: DecisionTreeClassifier(criterion="entropy", categorical_split="subset", max_leaf_nodes=60)
            ),
            "scikit-learn, OrdinalEncoder": fit_and_score(
                behind(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1))
            ),
            "scikit-learn, OneHotEncoder": fit_and_score(behind(OneHotEncoder(handle_unknown="ignore"))),
        },
        as_accurate,
    ),
]

bench_tree = benchmarks(WORKS)
