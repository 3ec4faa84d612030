"""Tables in Fortran's order, and frames that hold them: the results of a table in C order, in scikit-learn's order."""

import numpy as np
import pandas as pd
import pytest
import sklearn.impute
import sklearn.preprocessing as theirs

import fastml.impute
import fastml.preprocessing as ours

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
STEPS = {
    "StandardScaler": {},
    "MinMaxScaler": {"clip": True},
    "MaxAbsScaler": {},
    "RobustScaler": {},
    "SimpleImputer": {"strategy": "median"},
    "QuantileTransformer": {"n_quantiles": 50, "subsample": 400, "random_state": 3},
    "KBinsDiscretizer": {"encode": "ordinal", "subsample": 300, "random_state": 1},
    "PolynomialFeatures": {"order": "F"},
    "PowerTransformer": {},
    "Normalizer": {},
}
SAME_ORDER = "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "SimpleImputer", "PolynomialFeatures"


def both(name):
    pairs = (fastml.impute, sklearn.impute) if name == "SimpleImputer" else (ours, theirs)
    return [getattr(module, name)(**STEPS[name]) for module in pairs]


def table(n, d, dtype):
    random = np.random.default_rng(n + d)
    return (random.normal(size=(n, d)) * [1 + 3 * j for j in range(d)] + 2).astype(dtype)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("n", "d"), [(1200, 3), (30, 5), (700, 1), (66_000, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_orders(name, n, d, dtype):
    X = table(n, d, dtype)
    turned, frame = np.asfortranarray(X), pd.DataFrame(np.asfortranarray(X))
    one, other = both(name)
    expected = one.fit(X).transform(X)
    wanted = other.fit(turned).transform(turned)
    within = 1e-4 if name == "PowerTransformer" or dtype == np.float32 else 1e-9
    np.testing.assert_allclose(expected, wanted, rtol=within, atol=within)
    for given in (turned, frame, np.repeat(turned, 2, axis=0)[::2]):
        again, _ = both(name)
        found = again.fit(given).transform(given)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=within, atol=within)
        np.testing.assert_array_equal(one.transform(given), expected)
    if name in SAME_ORDER and n > 600 and dtype != np.int64:
        assert one.transform(turned).flags.f_contiguous
        assert wanted.flags.f_contiguous
    if hasattr(one, "inverse_transform") and name != "SimpleImputer":
        back = one.inverse_transform(np.asfortranarray(expected))
        np.testing.assert_array_equal(back, one.inverse_transform(np.ascontiguousarray(expected)))


@pytest.mark.parametrize("name", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "KBinsDiscretizer"])
def test_what_is_not_finite_is_found(name):
    X = np.asfortranarray(table(900, 4, float))
    one, _ = both(name)
    one.fit(X)
    X[700, 2] = np.inf
    for call in (one.transform, one.fit):
        with pytest.raises(ValueError, match=r"X\[700, 2\]"):
            call(X)


@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("weighted", [False, True])
def test_edges_of_drawn_rows(strategy, weighted):
    X = table(900, 4, float)
    settings = {"strategy": strategy, "subsample": 500, "random_state": 2, "encode": "ordinal"}
    weight = np.arange(900.0) if weighted else None
    expected = theirs.KBinsDiscretizer(**settings).fit(X, sample_weight=weight).bin_edges_
    for given in (X, np.asfortranarray(X)):
        found = ours.KBinsDiscretizer(**settings).fit(given, sample_weight=weight).bin_edges_
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


def test_parts_of_a_fit():
    X = np.asfortranarray(table(2000, 3, float))
    whole = ours.StandardScaler().fit(X)
    parts = ours.StandardScaler().partial_fit(X[:900]).partial_fit(np.asfortranarray(X[900:]))
    np.testing.assert_allclose(parts.var_, whole.var_, rtol=1e-12)
    np.testing.assert_allclose(parts.mean_, whole.mean_, rtol=1e-12)
