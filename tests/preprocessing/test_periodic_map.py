"""Periodic: the formulas, the way back, bins round the period, frames."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.linear_model import LinearRegression
from fastml.preprocessing import Periodic


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(-50, 50, (200, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_formulas(X, dtype):
    X = X.astype(dtype)
    phi = Periodic([24, 7], 2, origin=[6, 0]).fit(X)
    assert phi.get_feature_names_out().tolist() == [
        *("sin(2 pi (x0 - 6) / 24)", "cos(2 pi (x0 - 6) / 24)", "sin(4 pi (x0 - 6) / 24)", "cos(4 pi (x0 - 6) / 24)"),
        *("sin(2 pi x1 / 7)", "cos(2 pi x1 / 7)", "sin(4 pi x1 / 7)", "cos(4 pi x1 / 7)"),
    ]
    found = phi.transform(X)
    assert found.dtype == dtype
    angles = 2 * np.pi * (X.astype(float) - [6, 0]) / [24, 7]
    expected = [f(h * angle) for angle in angles.T for h in (1, 2) for f in (np.sin, np.cos)]
    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-6 if dtype == np.float32 else 1e-13)


@given(
    values=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20),
    period=st.sampled_from([7, 24, 365.25, 0.5]),
    origin=st.sampled_from([0, -3, 100]),
)
def test_there_and_back(values, period, origin):
    x = np.array(values)[:, None] / 4
    phi = Periodic(period, 3, origin=origin).fit(x)
    back = phi.inverse_transform(phi.transform(x))
    assert (back >= origin).all()
    assert (back <= origin + period).all()
    turns = (back - x) / period
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)


@given(values=st.lists(st.integers(-200, 200), min_size=1, max_size=20), k=st.integers(1, 12))
def test_cyclic_bins_by_definition(values, k):
    x = np.array(values)[:, None] / 4
    found = Periodic(12, basis="bins", n_bins=k, origin=1).fit_transform(x)
    edges = np.arange(k + 1) * 12 / k
    rest = (x - 1) % 12
    np.testing.assert_array_equal(found, (edges[:-1] <= rest) & (rest < edges[1:]))


def test_bins_sparse_missing_and_back(X):
    X[3, 1] = np.nan
    dense = Periodic(24, basis="bins", n_bins=4, missing="zero").fit(X)
    assert dense.get_feature_names_out()[:2].tolist() == ["0 <= x0 mod 24 < 6", "6 <= x0 mod 24 < 12"]
    sparse = Periodic(24, basis="bins", n_bins=4, missing="zero", sparse_output=True).fit_transform(X)
    sparse.check_format()
    np.testing.assert_array_equal(sparse.toarray(), dense.transform(X))
    back = dense.inverse_transform(sparse)
    np.testing.assert_array_equal(dense.transform(back), sparse.toarray())
    assert np.isnan(back[3, 1])
    assert set(back[:, 0]) == {3, 9, 15, 21}


def test_missing_harmonics(X):
    X[3, 1] = np.nan
    assert np.isnan(Periodic(24, missing="nan").fit_transform(X)[3]).tolist() == [False, False, True, True]
    zero = Periodic(24, missing="zero").fit(X)
    np.testing.assert_array_equal(zero.transform(X)[3, 2:], [0, 0])
    assert np.isnan(zero.inverse_transform(zero.transform(X))[3, 1])
    with pytest.raises(ValueError, match=r"X\[3, 1\] is NaN"):
        Periodic(24).fit(X)


def test_a_linear_model_over_harmonics_is_periodic():
    hour = np.arange(0, 240, 0.5)[:, None]
    load = 3 + np.sin(2 * np.pi * hour[:, 0] / 24) - 0.5 * np.cos(4 * np.pi * hour[:, 0] / 24)
    phi = Periodic(24, 2).fit(hour)
    model = LinearRegression().fit(phi.transform(hour), load)
    np.testing.assert_allclose(model.coef_, [1, 0, 0, -0.5], atol=1e-9)
    np.testing.assert_allclose(model.predict(phi.transform(hour + 24)), load)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    data = frame({"hour": [0.0, 6.0], "day": [0.0, 3.5]})
    phi = Periodic({"day": 7, "hour": 24}).fit(data)
    assert phi.get_feature_names_out()[2:].tolist() == ["sin(2 pi day / 7)", "cos(2 pi day / 7)"]
    out = phi.set_output(transform="polars" if frame is pl.DataFrame else "pandas").transform(data)
    np.testing.assert_array_equal(out["cos(2 pi day / 7)"], [1, -1])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"period": 0}, "period"),
        ({"period": [1, -1]}, "larger than 0"),
        ({"period": [1, 2, 3]}, "for 2 columns"),
        ({"period": {"x0": 1}}, "no entry for the column 'x1'"),
        ({"origin": [0, np.inf]}, "origin.*finite"),
        ({"basis": "bins", "missing": "nan"}, "no bin"),
        ({"sparse_output": True}, "needs basis='bins'"),
    ],
)
def test_bad_parameters(X, parameters, words):
    with pytest.raises(ValueError, match=words):
        Periodic(**parameters).fit(X)


def test_bad_input(X):
    with pytest.raises(ValueError, match="3 columns, but transform gives 4"):
        Periodic(24).fit(X).inverse_transform(np.zeros((1, 3)))


@pytest.mark.parametrize("basis", ["harmonics", "bins"])
@pytest.mark.parametrize(("x", "period", "origin"), [(1.7e308, 1.0, -1.7e308), (-1.7e308, 3.0, 1.7e308)])
def test_numbers_too_far_away_are_named(basis, x, period, origin):
    phi = Periodic(period, basis=basis, origin=origin, missing="zero").fit([[0.0]])
    with pytest.raises(ValueError, match=r"X\[1, 0\] is -?1.7e\+308, too many periods"):
        phi.transform([[np.nan], [x]])


def test_bins_of_the_largest_period():
    phi = Periodic(1.7e308, basis="bins", n_bins=4).fit([[0.0]])
    assert phi.transform([[0.1e308], [0.5e308], [1.6e308]]).argmax(axis=1).tolist() == [0, 1, 3]


@pytest.mark.parametrize("name", ["n_bins", "n_harmonics"])
def test_parts_beyond_reason(name):
    with pytest.raises(ValueError, match=f"{name}.* 1048576"):
        Periodic(**{name: 2**31}).fit([[0.0], [1.0]])
