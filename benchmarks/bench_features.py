"""Feature maps: bins, harmonics, thermometers and expressions; one row of each; bins found from classes."""

import numpy as np
from datasets import covtype
from harness import Work, benchmarks
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, PolynomialFeatures, SplineTransformer
from sklearn.tree import DecisionTreeClassifier

from fastml.preprocessing import FeatureMap, Periodic, PiecewiseConstant, Thermometer
from fastml_ext import tree as tree_kernels
from fastml_ext.features import reference


def quantitative(tiny):
    """The ten columns of covtype that are no indicators, 581,012 rows; y of two classes."""
    X, y = covtype()
    rows = slice(None, None, 5000 if tiny else 1)
    return np.ascontiguousarray(X[rows, :10], dtype=np.float64), y[rows]


def one_row(tiny):
    X, y = quantitative(True)
    return X, y, X[:1]


def normal(n):
    def setup(tiny):
        return np.random.default_rng(0).normal(size=(100 if tiny else n, 3)), None

    return setup


def transforming(model):
    """run(data) of a fitted transformer: every row, or the one row that comes third."""

    def run(data):
        model.fit(*data[:2])
        rows = data[-1] if len(data) == 3 else data[0]
        return lambda: model.transform(rows)

    return run


def fitting(model):
    return lambda data: lambda: model.fit(*data)


def by_reference(data):
    """The bins of PiecewiseConstant(10) in plain Python."""
    spans = PiecewiseConstant(10, closed="left").fit(data[0])._spans
    return lambda: reference.fill_spans(data[0], *spans)


def same(data, ours, theirs):
    ours, theirs = (m.toarray() if hasattr(m, "toarray") and m.shape[0] < 10_000 else m for m in (ours, theirs))
    if hasattr(ours, "toarray"):
        assert abs(ours - theirs).max() == 0
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-9)


def no_peer_computes_this(data, ours, theirs):
    assert len(ours) == len(theirs)


def same_edges(data, ours, theirs):
    for a, b in zip(ours.bin_edges_, theirs.bin_edges_, strict=True):
        np.testing.assert_allclose(a, b)


# ------------------------------------------------------------------------------------------------ bins


def bins_works():
    kinds = {"ordinal": "numbers of bins", "onehot-dense": "dense indicators", "onehot": "CSR indicators"}
    for encode, words in kinds.items():
        runs = {
            "fastml": transforming(PiecewiseConstant(10, closed="left", encode=encode)),
            "scikit-learn": transforming(KBinsDiscretizer(10, encode=encode, subsample=None)),
        }
        by_definition = {"reference": by_reference} if encode == "onehot-dense" else {}
        yield Work(
            f"transform, 10 bins, {words}, covtype", quantitative, runs | by_definition, same, {"scikit-learn": 1}
        )
        yield Work(f"transform one row, 10 bins, {words}", one_row, runs, same, {"scikit-learn": 1}, iterations=200)
    for strategy in ("quantile", "uniform"):
        runs = {
            "fastml": fitting(PiecewiseConstant(10, strategy=strategy, closed="left")),
            "scikit-learn": fitting(KBinsDiscretizer(10, strategy=strategy, subsample=None)),
        }
        yield Work(f"fit, 10 {strategy} bins, covtype", quantitative, runs, same_edges, {"scikit-learn": 1}, rounds=3)


def cuts_by_reference(data):
    X, y = data
    coded = tree_kernels.encode(X)
    sizes = [len(values) for values, _ in coded]
    return lambda: reference.mdl_cuts([codes for _, codes in coded], sizes, y.astype(np.int64), None, 2)


def trees_by_scikit_learn(data):
    """A tree a column, for its thresholds; the nearest that scikit-learn has."""
    X, y = data

    def run():
        trees = [
            DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=8).fit(X[:, [j]], y) for j in range(X.shape[1])
        ]
        return [np.sort(t.tree_.threshold[t.tree_.feature >= 0]) for t in trees]

    return run


def same_leaves(data, ours, theirs):
    for a, b in zip(ours.bin_edges_, theirs, strict=True):
        np.testing.assert_allclose(a[1:-1], b)


def supervised_works():
    mdl, tree = PiecewiseConstant(strategy="mdl"), PiecewiseConstant(8, strategy="tree")
    runs = {"fastml": fitting(mdl), "reference": cuts_by_reference}
    yield Work("fit, bins by description length, covtype", quantitative, runs, None, rounds=3)
    runs = {"fastml": fitting(tree), "scikit-learn": trees_by_scikit_learn}
    yield Work(
        "fit, bins by a tree of 8 leaves, covtype", quantitative, runs, same_leaves, {"scikit-learn": 1}, rounds=3
    )


# ------------------------------------------------------------------------------------------------ the other maps


def turns(X):
    angle = 2 * np.pi / 24 * X
    return np.stack([f(h * angle) for h in (1, 2, 3) for f in (np.sin, np.cos)], axis=2).reshape(len(X), -1)


def marks(codes):
    """Thermometer of five bins from their numbers."""
    return (np.arange(5) <= codes[:, :, None]).reshape(len(codes), -1).astype(float)


def concatenation(X):
    return np.column_stack([np.ones(len(X)), X[:, 0], X[:, 0] ** 2, np.cos(3 * X[:, 0])])


POWERS = ["x0", "x1", "x2"]
POWERS += [f"{a}*{b}" for i, a in enumerate(POWERS) for b in POWERS[i:]]
CUBES = [f"x{i}*x{j}*x{k}" for i in range(3) for j in range(i, 3) for k in range(j, 3)]


def other_works():
    spline = SplineTransformer(n_knots=7, degree=3, extrapolation="periodic", include_bias=True)
    steps = make_pipeline(KBinsDiscretizer(5, encode="ordinal", subsample=None), FunctionTransformer(marks))
    table = [
        ("3 harmonics of a period", Periodic(24, 3), {"scikit-learn": FunctionTransformer(turns)}),
        ("3 harmonics of a period against splines", Periodic(24, 3), {"scikit-learn, SplineTransformer": spline}),
        ("thermometers of 5 bins", Thermometer(n_bins=5), {"scikit-learn": steps}),
        (
            "1, x, x^2, cos 3x",
            FeatureMap(1, "x0", "x0**2", "cos(3*x0)"),
            {"scikit-learn": FunctionTransformer(concatenation)},
        ),
        ("polynomial of degree 3", FeatureMap(1, *POWERS, *CUBES), {"scikit-learn": PolynomialFeatures(3)}),
    ]
    for words, ours, theirs in table:
        runs = {"fastml": transforming(ours)} | {name: transforming(model) for name, model in theirs.items()}
        check = no_peer_computes_this if "splines" in words else same
        floors = dict.fromkeys(theirs, 1)
        yield Work(f"transform, {words}, 1M x 3", normal(1_000_000), runs, check, floors)
        yield Work(f"transform one row, {words}", first_row, runs, check, floors, iterations=200)


def first_row(tiny):
    X, _ = normal(100)(True)
    return X, None, X[:1]


bench_features = benchmarks([*bins_works(), *supervised_works(), *other_works()])
