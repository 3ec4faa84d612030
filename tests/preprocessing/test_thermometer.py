"""Thermometer: levels of words, numbers and bins; unknown and missing ones; the way back."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.preprocessing import PiecewiseConstant, Thermometer

SIZES = ["small", "medium", "large"]
NUMBERS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 7.0, np.nan])


def test_small_medium_large():
    phi = Thermometer(SIZES).fit([[size] for size in SIZES])
    np.testing.assert_array_equal(phi.transform([[size] for size in SIZES]), [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert phi.get_feature_names_out().tolist() == ["x0 >= small", "x0 >= medium", "x0 >= large"]


@given(values=st.lists(NUMBERS, min_size=1, max_size=10), later=st.lists(NUMBERS, min_size=1, max_size=10))
def test_numbers_by_definition(values, later):
    levels = np.unique([v for v in values if v == v])
    if not len(levels):
        return
    phi = Thermometer(missing="bin").fit(np.array(values)[:, None])
    x = np.array(later)[:, None]
    np.testing.assert_array_equal(phi.transform(x), np.hstack([x >= levels, np.isnan(x)]))


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bins_are_those_of_piecewise_constant(strategy, dtype):
    X = np.random.default_rng(0).normal(size=(200, 2)).astype(dtype)
    phi = Thermometer(n_bins=4, strategy=strategy).fit(X)
    codes = PiecewiseConstant(4, strategy=strategy, encode="ordinal").fit_transform(X)
    found = phi.transform(X)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.reshape(200, 2, 4), np.arange(4) <= codes[:, :, None])
    assert phi.get_feature_names_out()[0] == "x0 known"


def test_the_steps_are_the_weights():
    """Marks weighted with the steps add up to the level's value."""
    marks = Thermometer([10, 20, 50]).fit([[10]]).transform([[50], [10], [20]])
    np.testing.assert_array_equal(marks @ [10, 10, 30], [50, 10, 20])


def test_missing_and_unknown():
    X = np.array([["small"], [None], ["large"]], object)
    np.testing.assert_array_equal(Thermometer(SIZES).fit_transform(X), [[1, 0, 0], [0, 0, 0], [1, 1, 1]])
    own = Thermometer(SIZES, missing="bin").fit(X)
    np.testing.assert_array_equal(own.transform(X)[1], [0, 0, 0, 1])
    assert own.get_feature_names_out()[-1] == "x0 missing"
    with pytest.raises(ValueError, match=r"X\[1, 0\] .*is missing"):
        Thermometer(SIZES, missing="error").fit(X)
    with pytest.raises(ValueError, match=r"X\[0, 0\] is 'huge', which is no level"):
        own.transform([["huge"]])
    own.set_params(unknown="missing")
    np.testing.assert_array_equal(own.transform([["huge"]]), [[0, 0, 0, 1]])


def mixed(kind):
    sizes = ["medium", "small", None, "large"]
    if kind == "pandas":
        ordered = pd.Categorical(sizes, SIZES, ordered=True)
        return pd.DataFrame({"size": ordered, "rooms": [3, 1, 2, 2], "grade": ["b", "a", "a", "c"]})
    return pl.DataFrame(
        {"size": pl.Series(sizes, dtype=pl.Enum(SIZES)), "rooms": [3, 1, 2, 2], "grade": ["b", "a", "a", "c"]}
    )


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("sparse_output", [False, True])
def test_mixed_frames_there_and_back(kind, sparse_output):
    frame = mixed(kind)
    phi = Thermometer(sparse_output=sparse_output).fit(frame)
    assert [levels.tolist() for levels in phi.levels_] == [SIZES, [1, 2, 3], ["a", "b", "c"]]
    found = phi.transform(frame)
    if sparse_output:
        found.check_format()
    back = phi.inverse_transform(found)
    assert back.tolist() == [["medium", 3, "b"], ["small", 1, "a"], [None, 2, "a"], ["large", 2, "c"]]
    if not sparse_output:
        out = phi.set_output(transform=kind).transform(frame)
        np.testing.assert_array_equal(out["size >= medium"], [1, 0, 0, 1])


def test_levels_by_the_name_of_a_column():
    phi = Thermometer({"grade": ["c", "b", "a"]}).fit(mixed("pandas"))
    assert phi.levels_[2].tolist() == ["c", "b", "a"]
    with pytest.raises(ValueError, match="names the column 'nothing'"):
        Thermometer({"nothing": [1]}).fit(mixed("pandas"))


def test_bins_there_and_back():
    x = np.arange(10.0)[:, None]
    phi = Thermometer(n_bins=2).fit(x)
    np.testing.assert_array_equal(phi.inverse_transform(phi.transform([[0], [9]])), [[4.5], [4.5]])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"categories": [["a"], ["b"], ["c"], ["d"]]}, "4 lists for 3 columns"),
        ({"categories": [[], ["b"], ["c"]]}, "one or more different levels"),
        ({"categories": {"grade": ["a", "a"]}}, "one or more different levels"),
        ({"n_bins": 1}, "n_bins"),
    ],
)
def test_bad_parameters(parameters, words):
    with pytest.raises(ValueError, match=words):
        Thermometer(**parameters).fit(mixed("pandas"))


def test_bad_input():
    phi = Thermometer().fit([[1.0], [2.0]])
    with pytest.raises(ValueError, match=r"X\[1, 0\] is inf"):
        phi.transform([[1.0], [np.inf]])
    with pytest.raises(ValueError, match="held numbers in fit"):
        phi.transform(np.array([["a"], [None]], object))
    with pytest.raises(ValueError, match="missing in every row"):
        Thermometer().fit([[np.nan]])
    with pytest.raises(ValueError, match="1 columns, but transform gives 2"):
        phi.inverse_transform([[1.0]])


def test_bins_mark_the_lowest_value_where_it_holds_most_rows():
    phi = Thermometer(n_bins=2).fit([[0.0]] * 5 + [[1.0]])
    assert phi.get_feature_names_out().tolist() == ["x0 known", "x0 > 0"]
    assert phi.transform([[0.0], [1.0]]).tolist() == [[1, 0], [1, 1]]


def test_n_bins_beyond_reason():
    with pytest.raises(ValueError, match="n_bins.* 1048576"):
        Thermometer(n_bins=2**31).fit([[0.0], [1.0]])
