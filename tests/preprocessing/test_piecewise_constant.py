"""PiecewiseConstant: the definition on any edges, scikit-learn's bins, classes and trees, missing values."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from datasets import adult
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import KBinsDiscretizer
from versions import as_of_newest

from fastml.linear_model import LinearRegression
from fastml.preprocessing import PiecewiseConstant
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, information_gain

FIVE = [0, 1, 2, 3, 4, 5]


@pytest.fixture
def X():
    random = np.random.default_rng(0)
    return np.column_stack([random.normal(size=300), random.integers(0, 9, 300), random.exponential(size=300) ** 3])


# ------------------------------------------------------------------------------------------------ worked examples


@pytest.mark.parametrize(
    ("x", "closed", "expected"),
    [
        (2.3, "right", [0, 0, 1, 0, 0]),
        (2.0, "right", [0, 1, 0, 0, 0]),
        (2.0, "left", [0, 0, 1, 0, 0]),
        (5.0, "right", [0, 0, 0, 0, 1]),
        (0.0, "right", [0, 0, 0, 0, 0]),
        (0.0, "left", [1, 0, 0, 0, 0]),
        (5.0, "left", [0, 0, 0, 0, 0]),
    ],
)
def test_bins_of_width_one(x, closed, expected):
    phi = PiecewiseConstant(edges=FIVE, closed=closed, outside="zero").fit([[1.0]])
    np.testing.assert_array_equal(phi.transform([[x]]), [expected])


def test_a_predictor_with_weights_given_by_hand():
    """Weights [1, 2, 4, 4, 3] on the bins: the step function that they are."""
    phi = PiecewiseConstant(edges=FIVE).fit([[1.0]])
    model = LinearRegression.from_weights([1, 2, 4, 4, 3])
    np.testing.assert_array_equal(model.predict(phi.transform([[0.5], [2.0], [2.3], [3.9], [4.2]])), [1, 2, 4, 4, 3])


# ------------------------------------------------------------------------------------------------ the definition

NUMBERS = st.sampled_from([-1.0, 0.0, 0.1, 0.2, 0.25, 0.30000000000000004, 1.0, 1.1, 2.0, 1e16, -1e-300])


@given(
    edges=st.lists(NUMBERS | st.sampled_from([-np.inf, np.inf]), min_size=2, max_size=6, unique=True).map(sorted),
    values=st.lists(NUMBERS | st.just(np.nan), min_size=1, max_size=8),
    closed=st.sampled_from(["right", "left"]),
    outside=st.sampled_from(["clip", "bin", "zero"]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_given_edges_by_definition(edges, values, closed, outside, dtype):
    edges, x = np.array(edges, dtype), np.array(values, dtype)
    if not (edges[:-1] < edges[1:]).all():
        return  # float32 does not tell them apart
    phi = PiecewiseConstant(edges=edges, closed=closed, outside=outside, missing="bin").fit(np.zeros((1, 1), dtype))
    a, b, x = edges[:-1], edges[1:], x[:, None]
    inside = (a < x) & (x <= b) if closed == "right" else (a <= x) & (x < b)
    under, over = (x <= edges[0], x > edges[-1]) if closed == "right" else (x < edges[0], x >= edges[-1])
    if outside == "clip":
        inside[:, :1] |= under
        inside[:, -1:] |= over
    parts = [under, inside, over] if outside == "bin" else [inside]
    expected = np.hstack([*parts, np.isnan(x)])
    found = phi.transform(x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    assert len(phi.get_feature_names_out()) == found.shape[1]
    sparse = phi.set_params(encode="onehot").transform(x)
    np.testing.assert_array_equal(sparse.toarray(), expected)
    sparse.check_format()


@as_of_newest
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize(("rows", "n_bins"), [(300, 2), (300, 5), (299, [3, 4, 6])])  # theirs rounds 300 / 3
@pytest.mark.filterwarnings("ignore:Bins whose width")
def test_the_bins_of_scikit_learn(X, strategy, rows, n_bins, dtype):
    X = X[:rows].astype(dtype)
    theirs = KBinsDiscretizer(n_bins, strategy=strategy, encode="onehot-dense", subsample=None).fit(X)
    ours = PiecewiseConstant(n_bins, strategy=strategy, closed="left").fit(X)
    for a, b in zip(ours.bin_edges_, theirs.bin_edges_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_array_equal(ours.n_bins_, theirs.n_bins_)
    found = ours.transform(X)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, theirs.transform(X))
    theirs.set_params(encode="ordinal")
    np.testing.assert_array_equal(ours.set_params(encode="ordinal").transform(X), theirs.transform(X))


@given(
    values=st.lists(st.integers(0, 6), min_size=1, max_size=12),
    weights=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    strategy=st.sampled_from(["quantile", "uniform", "mdl", "tree"]),
)
def test_weights_are_repetitions(values, weights, strategy):
    x, w = np.array(values, float)[:, None], np.array(weights[: len(values)])
    w[0] += w.sum() == 0
    y = (x[:, 0] > 3).astype(int)
    y[w.argmax()] ^= 1
    one = PiecewiseConstant(3, strategy=strategy).fit(x, y, sample_weight=w)
    again = PiecewiseConstant(3, strategy=strategy).fit(np.repeat(x, w, axis=0), np.repeat(y, w))
    np.testing.assert_array_equal(one.bin_edges_[0], again.bin_edges_[0])


def test_quantiles_are_exact_shares():
    """A third of 300 rows is 100 rows, and the edge is the mean of the 100th and the 101st."""
    x = np.random.default_rng(0).permutation(300)[:, None].astype(float)
    np.testing.assert_array_equal(PiecewiseConstant(3).fit(x).bin_edges_[0], [0, 99.5, 199.5, 299])


def test_outermost_edges_hold_the_extremes_of_the_data(X):
    for closed in ("right", "left"):
        for strategy in ("quantile", "uniform"):
            phi = PiecewiseConstant(4, strategy=strategy, closed=closed, outside="error").fit(X)
            np.testing.assert_array_equal(phi.transform(X).sum(axis=1), 3)


# ------------------------------------------------------------------------------------------------ with y


def test_description_length_finds_the_step():
    x = np.arange(100.0)[:, None]
    phi = PiecewiseConstant(strategy="mdl").fit(x, np.where(x[:, 0] < 30, "low", "high"))
    np.testing.assert_array_equal(phi.bin_edges_[0], [0, 29.5, 99])
    assert phi.get_feature_names_out().tolist() == ["x0 <= 29.5", "x0 > 29.5"]
    noise = PiecewiseConstant(strategy="mdl").fit(x, np.arange(100) % 2)
    assert noise.n_bins_.tolist() == [1]


@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize("strategy", ["mdl", "tree"])
def test_cuts_part_the_same_rows_whichever_edge_belongs_to_a_bin(X, strategy, closed):
    y = (X[:, 0] > 0.2) ^ (X[:, 1] > 6)
    edges = PiecewiseConstant(strategy=strategy).fit(X, y).bin_edges_
    phi = PiecewiseConstant(strategy=strategy, closed=closed, encode="ordinal").fit(X, y)
    expected = [np.searchsorted(edges[j][1:-1], X[:, j]) for j in range(3)]
    np.testing.assert_array_equal(phi.transform(X), np.transpose(expected))


def test_the_leaves_of_a_tree_are_the_bins(X):
    y = X[:, 0] ** 2 + X[:, 1]
    phi = PiecewiseConstant(6, strategy="tree", encode="ordinal").fit(X, y)
    for j in range(3):
        tree = DecisionTreeRegressor(max_leaf_nodes=6, random_state=0).fit(X[:, [j]], y)
        leaves, bins = tree.apply(X[:, [j]]), phi.transform(X)[:, j]
        assert len(set(zip(leaves, bins, strict=True))) == len(set(leaves)) == len(set(bins)) == 6


def test_the_thresholds_of_a_fitted_tree(X):
    y = (X[:, 0] > 0.2) & (X[:, 1] > 4)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    phi = PiecewiseConstant(strategy="tree", tree=tree, encode="ordinal").fit(X)
    np.testing.assert_array_equal(phi.n_bins_, [2, 2, 1])
    codes = phi.transform(X)
    np.testing.assert_array_equal((codes[:, 0] == 1) & (codes[:, 1] == 1), y)
    with pytest.raises(ValueError, match="fitted to 3 columns"):
        PiecewiseConstant(strategy="tree", tree=tree).fit(X[:, :2])


def test_adult_ages_are_cut_as_entropy_says():
    """The income in bits that the bins of age tell is nearly what all 73 ages tell, and more than equal bins tell."""
    frame, labels = adult()
    age = frame[[0]].to_numpy(float)
    gains = {}
    for strategy in ("mdl", "quantile"):
        phi = PiecewiseConstant(strategy=strategy, n_bins=4, encode="ordinal").fit(age, labels)
        gains[strategy] = information_gain(phi.transform(age)[:, 0], labels)
    assert 0.95 < gains["mdl"] / information_gain(age[:, 0], labels) < 1
    assert gains["mdl"] > gains["quantile"]


# ------------------------------------------------------------------------------------------------ missing, outside


def test_missing_values():
    X = np.array([[1.0, 1.0], [2.0, np.nan], [3.0, 3.0]])
    phi = PiecewiseConstant(2).fit(X)
    assert phi.get_feature_names_out().tolist() == ["x0 <= 2", "x0 > 2", "x1 <= 2", "x1 > 2", "x1 missing"]
    np.testing.assert_array_equal(phi.transform(X)[:, 4], [0, 1, 0])
    with pytest.raises(ValueError, match=r"X\[0, 0\] is NaN.*missing='bin'"):
        phi.transform([[np.nan, 1.0]])
    zero = PiecewiseConstant(2, missing="zero").fit(X)
    np.testing.assert_array_equal(zero.transform([[np.nan, 9.0]]), [[0, 0, 0, 1]])
    with pytest.raises(ValueError, match=r"X\[1, 1\] is NaN"):
        PiecewiseConstant(2, missing="error").fit(X)
    with pytest.raises(ValueError, match="'x1' of X is missing in every row"):
        PiecewiseConstant(2).fit([[1.0, np.nan], [2.0, np.nan]])
    ordinal = PiecewiseConstant(2, missing="bin", encode="ordinal").fit(X)
    np.testing.assert_array_equal(ordinal.transform([[np.nan, 1.0]]), [[2, 0]])


def test_numbers_outside():
    X = np.array([[1.0], [2.0], [3.0]])
    outer = PiecewiseConstant(2, outside="bin").fit(X)
    assert outer.get_feature_names_out().tolist() == ["x0 < 1", "1 <= x0 <= 2", "2 < x0 <= 3", "x0 > 3"]
    np.testing.assert_array_equal(outer.transform([[0.0], [1.0], [9.0]]).argmax(axis=1), [0, 1, 3])
    with pytest.raises(ValueError, match=r"X\[1, 0\] is 9.0, outside the edges 1 to 3"):
        PiecewiseConstant(2, outside="error").fit(X).transform([[1.0], [9.0]])


# ------------------------------------------------------------------------------------------------ back, frames, names


@pytest.mark.parametrize("encode", ["onehot-dense", "onehot", "ordinal"])
@pytest.mark.parametrize("outside", ["clip", "bin"])
def test_there_and_back_and_there(X, encode, outside):
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    phi = PiecewiseConstant(4, encode=encode, outside=outside).fit(X)
    far = np.vstack([X, [[-1e3, -1e3, -1e3], [1e6, 1e6, 1e6]]])
    once = phi.transform(far if outside == "clip" else X)
    again = phi.transform(phi.inverse_transform(once))
    np.testing.assert_array_equal(
        once.toarray() if sp.issparse(once) else once, again.toarray() if sp.issparse(again) else again
    )


def test_the_middle_of_unbounded_bins_is_among_the_data():
    phi = PiecewiseConstant(edges=[-np.inf, 0, np.inf]).fit([[-4.0], [2.0]])
    np.testing.assert_array_equal(phi.inverse_transform([[1, 0], [0, 1], [0, 0]]), [[-2], [1], [np.nan]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(X, frame):
    data = frame({"a": X[:, 0], "b": X[:, 1]})
    edges = {"b": [0, 4, 9], "a": [-5, 0, 5]}
    phi = PiecewiseConstant(edges=edges).fit(data)
    assert phi.get_feature_names_out().tolist() == ["a <= 0", "a > 0", "b <= 4", "b > 4"]
    out = phi.set_output(transform="polars" if frame is pl.DataFrame else "pandas").transform(data)
    assert list(out.columns) == phi.get_feature_names_out().tolist()
    np.testing.assert_array_equal(out["b <= 4"], X[:, 1] <= 4)


def test_names_tell_edges_apart():
    phi = PiecewiseConstant(edges=[0, 0.1234567890123456, 0.1234567890123457, 1]).fit([[0.5]])
    assert len(set(phi.get_feature_names_out())) == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_bins": [2, 3]}, r"n_bins=\[2, 3\] for 1 columns"),
        ({"n_bins": [2.5]}, "n_bins"),
        ({"n_bins": 1, "strategy": "tree"}, "n_bins=1 .*from 2 to 1048576"),
        ({"edges": [1]}, "two or more"),
        ({"edges": [1, 1]}, "ascending"),
        ({"edges": [2, np.nan]}, "ascending"),
        ({"edges": ["a", "b"]}, "edges"),
        ({"edges": [[0, 1], [0, 1]]}, "2 arrays for the 1 columns"),
        ({"edges": {"b": [0, 1]}}, "no entry for the column 'x0'"),
        ({"strategy": "mdl"}, "requires y"),
        ({"encode": "ordinal", "outside": "zero"}, "outside='zero'"),
        ({"encode": "ordinal", "missing": "zero"}, "missing='zero'"),
    ],
)
def test_bad_parameters(parameters, words):
    with pytest.raises(ValueError, match=words):
        PiecewiseConstant(**parameters).fit([[1.0], [2.0]], None if parameters == {"strategy": "mdl"} else [0, 1])


def test_bad_input(X):
    phi = PiecewiseConstant(3).fit(X)
    for bad, words in (
        (X[:, :2], "3 features"),
        (np.where(X == X[5, 1], np.inf, X), "is inf"),
        (sp.csr_array(X), "[Ss]parse"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            phi.transform(bad)
    with pytest.raises(ValueError, match="4 columns, but transform gives 9"):
        phi.inverse_transform(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="from 0 to 2"):
        phi.set_params(encode="ordinal").inverse_transform([[0, 3, 0]])
    with pytest.raises(ValueError, match="at least one non-zero"):
        phi.fit(X, sample_weight=np.zeros(len(X)))


# ------------------------------------------------------------------------------------------------ extremes


@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize(
    ("values", "n_bins"),
    [
        ([0] * 8 + [1, 2], 3), ([-1] * 3 + [1] * 3, 3), ([0] * 5 + [20, 80], 2), ([0.05, 0.05, 0.95], 10),
        ([1, 2] + [9] * 8, 3), ([False] * 5 + [True] * 5, 3), ([False] * 9 + [True], 3), ([False] + [True] * 9, 2),
        ([0] * 4 + [5] + [9] * 4, 4), ([5e-324] * 3 + [1.0], 2),
    ],
)  # fmt: skip
def test_quantile_bins_part_the_rows_of_an_extreme(values, n_bins, closed):
    x = np.array(values)[:, None]
    phi = PiecewiseConstant(n_bins, closed=closed, encode="ordinal").fit(x)
    codes = phi.transform(x).ravel()
    assert len(set(codes)) >= 2
    assert set(codes) == set(range(phi.n_bins_[0]))  # no bin is empty
    order = np.argsort(x.ravel(), kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    names = PiecewiseConstant(n_bins, closed=closed, outside="zero").fit(x).get_feature_names_out()
    assert len(set(names)) == phi.n_bins_[0]
    inside = PiecewiseConstant(n_bins, closed=closed, outside="zero").fit_transform(x)
    assert np.array_equal(inside.argmax(axis=1), codes)
    assert (inside.sum(axis=1) == 1).all()


@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize("k", [2, 3, 5, 7, 10, 49])
def test_edges_of_equal_width_are_the_nearest_floats(k, closed):
    for low, high in ((0.0, 1.0), (0.1, 0.7), (-1.7e308, 1.7e308), (5e-324, 1e-322), (-3.0, 1e16), (1.0, 1 + 2**-52)):
        phi = PiecewiseConstant(k, strategy="uniform", closed=closed, encode="ordinal").fit([[low], [high]])
        a, b = Fraction(low), Fraction(high)
        exact = {float(a + i * (b - a) / k) for i in range(k + 1)}
        assert set(phi.bin_edges_[0].tolist()) <= exact
        assert exact - set(phi.bin_edges_[0].tolist()) <= {low, high}
        inner = np.linspace(0, 1, 11)[:, None] if (low, high) == (0.0, 1.0) else np.array([[low], [high]])
        assert np.isfinite(phi.transform(inner)).all()
    five = PiecewiseConstant(5, strategy="uniform", closed=closed, encode="ordinal").fit([[0.0], [1.0]])
    assert five.transform([[0.2], [0.4], [0.6], [0.8]]).ravel().tolist() == [c + (closed == "left") for c in range(4)]


def test_names_of_a_constant_column():
    assert PiecewiseConstant(3).fit([[5.0], [5.0]]).get_feature_names_out().tolist() == ["x0 known"]
    phi = PiecewiseConstant(3, outside="bin").fit([[5.0], [5.0]])
    assert phi.get_feature_names_out().tolist() == ["x0 < 5.0", "x0 = 5.0", "x0 > 5.0"]
    assert phi.transform([[4.0], [5.0], [6.0]]).tolist() == np.eye(3).tolist()


def test_edges_that_are_dates_are_refused():
    with pytest.raises(ValueError, match="must be numbers"):
        PiecewiseConstant(edges=np.array(["2020-01-01", "2021-01-01"], "M8[D]")).fit([[1.0]])


@pytest.mark.parametrize("n_bins", [2**20 + 1, 2**62, 2**70, [2**31]])
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_n_bins_beyond_reason(n_bins, strategy):
    with pytest.raises(ValueError, match="n_bins.* 1048576"):
        PiecewiseConstant(n_bins=n_bins, strategy=strategy).fit([[0.0], [1.0]])
