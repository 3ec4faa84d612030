"""TargetEncoder against scikit-learn's."""

import inspect

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.preprocessing as theirs
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

import fastml
import fastml.preprocessing as ours

TARGETS = {
    "numbers": lambda random, n: random.normal(size=n),
    "two": lambda random, n: random.permutation(np.arange(n) % 2),
    "texts": lambda random, n: random.permutation(np.array(["a", "b", "c"])[np.arange(n) % 3]),
}
TABLES = {
    "objects": lambda codes: np.array(["b", "a", "", "äö", "x"], object)[codes],
    "numbers": lambda codes: np.array([0.5, -1, np.nan, 3, 7])[codes],
    "categories": lambda codes: pd.DataFrame(np.array(["b", "a", "", "c", np.nan], object)[codes]).astype("category"),
    "polars": lambda codes: pl.DataFrame(np.array(["b", "a", "", "c", "d"])[codes]),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("target", TARGETS)
@effort(0.2)
@given(n=st.integers(12, 40), smooth=st.sampled_from(["auto", 0.0, 3.0]), seed=st.integers(0, 2**32))
def test_everything_is_scikit_learns(table, target, n, smooth, seed):
    random = np.random.default_rng(seed)
    X, later = (TABLES[table](random.integers(0, top, (n, 2))) for top in (3, 5))
    y = TARGETS[target](random, n)
    one, other = (module.TargetEncoder(smooth=smooth, cv=KFold(3)) for module in (ours, theirs))
    found, expected = one.fit_transform(X, y), other.fit_transform(X, y)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)
    for a, b in zip(one.encodings_, other.encodings_, strict=True):
        assert np.array_equal(a, b)
    for rows in (X, later):
        assert np.array_equal(one.transform(rows), other.transform(rows))
    assert np.array_equal(one.fit(X, y).transform(X), other.fit(X, y).transform(X))
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_files_and_frames(tmp_path):
    random = np.random.default_rng(0)
    X = pd.DataFrame(TABLES["objects"](random.integers(0, 4, (30, 2))), columns=["p", "q"])
    for target in TARGETS.values():
        y = target(random, 30)
        model = ours.TargetEncoder().fit(X, y)
        fastml.save(model, tmp_path / "m.fml")
        again = fastml.load(tmp_path / "m.fml")
        assert np.array_equal(again.transform(X), model.transform(X))
        twin = fastml.to_sklearn(model)
        assert np.array_equal(twin.transform(X), model.transform(X))
        named = model.set_output(transform="pandas").transform(X)
        assert named.columns.tolist() == model.get_feature_names_out().tolist()
    assert "random_state" in inspect.signature(ours.TargetEncoder).parameters
    with pytest.raises(ValueError, match="y"):
        ours.TargetEncoder().fit(X, np.array(["2020-01-01"] * 30, "datetime64[D]"))
    with pytest.raises(ValueError, match="fewer than three classes"):
        ours.TargetEncoder(target_type="multiclass").fit(X, np.arange(30) % 2)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_targets_that_are_no_numbers_and_tables_without_columns_are_refused_in_words(method):
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinity")):
        with pytest.raises(ValueError, match=f"Input y contains {word}: y\\[1\\]"):
            getattr(ours.TargetEncoder(cv=2), method)([[1.0], [2.0]], [0.5, bad])
    with pytest.raises(ValueError, match="0 feature"):
        getattr(ours.TargetEncoder(cv=2), method)(pd.DataFrame(np.empty((3, 0))), [0, 1, 0])


def test_truth_values_are_continuous_where_that_is_asked_for():
    X, y = [["a"], ["a"], ["b"], ["b"]], [True, False, False, False]
    found, wanted = (ours.TargetEncoder(target_type="continuous").fit(X, t).encodings_[0] for t in (y, np.float64(y)))
    np.testing.assert_array_equal(found, wanted)
