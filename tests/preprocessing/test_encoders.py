"""OneHotEncoder and OrdinalEncoder against scikit-learn's."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.preprocessing as theirs
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

import fastml
import fastml.preprocessing as ours

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
NUMBERS = ("floats", "whole")
KINDS = {
    "objects": lambda codes: np.array(["b", "a", "", np.nan, "äö", None], object)[codes],
    "texts": lambda codes: np.array(["b", "a", "", "ccc", "äö", "d"])[codes],
    "floats": lambda codes: np.array([1.5, -2, 0, np.nan, 3, 7])[codes],
    "whole": lambda codes: codes,
    "pandas": lambda codes: frame(np.array(["b", "a", "", np.nan, "äö", "d"], object)[codes]),
    "categories": lambda codes: frame(np.array(["b", "a", "", "c", "äö", np.nan], object)[codes]).astype("category"),
    "strings": lambda codes: frame(np.array(["b", "a", "", "c", "äö", "d"], object)[codes]).astype("string"),
    "strings in categories": lambda codes: (
        frame(np.array(["b", "a", "", "c", "äö", "d"], object)[codes]).astype("string").astype("category")
    ),
    "turned": lambda codes: np.array(["b", "a", "", "ccc", "äö", "d"])[codes][::-1, ::-1],
    "far": lambda codes: np.array([-(2**62), 7, 2**62, 0, 1, 2])[codes],
    "unsigned": lambda codes: np.array([2**64 - 1, 2**64 - 2, 2**63, 2**63 + 1, 2**64 - 5, 2**64 - 9], np.uint64)[
        codes
    ],
    "bytes": lambda codes: codes.astype(np.uint8),
    "flags": lambda codes: codes > 1,
    "singles": lambda codes: np.array([0.1, 2.5, 0.0, np.nan, 3, 7], np.float32)[codes],
    "halves": lambda codes: np.array([0.1, 5, 0.0, np.nan, 3, 7], np.float16)[codes],
    "polars categories": lambda codes: polars_kinds(codes, pl.Categorical),
    "polars enum": lambda codes: polars_kinds(codes, pl.Enum(["z", "b", "a", "", "c"])),
    "polars mixed": lambda codes: polars_kinds(codes, pl.String).with_columns(z=pl.Series(codes[:, 0] / 2)),
    "polars numbers": lambda codes: pl.DataFrame(codes / 2),
    "mixed": lambda codes: frame(np.array(["b", "a", "", "c", "e", "d"], object)[codes]).assign(z=codes[:, 0] / 2),
    "polars": lambda codes: pl.DataFrame(
        {f"c{j}": np.array(["b", "a", "", "c", "e", "d"], object)[column].tolist() for j, column in enumerate(codes.T)}
    ),
}


def frame(values):
    return pd.DataFrame({f"c{j}": column for j, column in enumerate(values.T)})


def polars_kinds(codes, kind):
    texts = np.array(["b", "a", "", "c", None, "z"], object)
    return pl.DataFrame({f"c{j}": pl.Series(texts[column].tolist(), dtype=kind) for j, column in enumerate(codes.T)})


ONE_HOT = {
    "drop": st.sampled_from([None, "first", "if_binary"]),
    "sparse_output": st.booleans(),
    "dtype": st.sampled_from([np.float64, np.float32, np.int64]),
    "handle_unknown": st.sampled_from(["error", "ignore", "infrequent_if_exist", "warn"]),
    "min_frequency": st.sampled_from([None, None, 2, 0.2]),
    "max_categories": st.sampled_from([None, None, 2]),
}
ORDINAL = {
    "dtype": st.sampled_from([np.float64, np.float32]),
    "unknown": st.sampled_from([{}, {"handle_unknown": "use_encoded_value", "unknown_value": -1}]),
    "encoded_missing_value": st.sampled_from([np.nan, -2]),
    "min_frequency": st.sampled_from([None, None, 2]),
}


def outcome(call):
    try:
        return call(), None
    except (TypeError, ValueError, IndexError) as error:
        return None, (type(error), re.sub(r", np\.float\d+\(nan\)", "", str(error)))  # scikit-learn may tell NaN twice


def same(found, expected):
    assert type(found) is type(expected)
    found, expected = (m.toarray() if sp.issparse(m) else np.asarray(m) for m in (found, expected))
    assert found.dtype == expected.dtype
    assert repr(found.tolist()) == repr(expected.tolist())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "options"), [("OneHotEncoder", ONE_HOT), ("OrdinalEncoder", ORDINAL)])
@effort(0.2)
@given(st.data())
def test_everything_is_scikit_learns(name, options, kind, data):
    n, d = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    most = data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    X, later = (KINDS[kind](random.integers(0, top, (n, d))) for top in (most, 6))
    given = data.draw(st.fixed_dictionaries(options))
    given |= given.pop("unknown", {})
    (one, why), (other, expected) = (outcome(lambda m=m: getattr(m, name)(**given).fit(X)) for m in (ours, theirs))
    assert why == expected
    if other is None:
        return
    for a, b in zip(one.categories_, other.categories_, strict=True):
        assert a.dtype == b.dtype
        assert repr(a.tolist()) == repr(b.tolist())
    for rows in (X, later):
        (found, why), (wanted, expected) = (outcome(lambda m=m, rows=rows: m.transform(rows)) for m in (one, other))
        assert why == expected
        if wanted is not None:
            same(found, wanted)
            (found, why), (wanted, expected) = (
                outcome(lambda m=m, t=wanted: m.inverse_transform(t)) for m in (one, other)
            )
            assert why == expected
            if wanted is not None:
                same(found, wanted)
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder"])
def test_categories_that_are_given(name):
    X = np.array([["a", "x"], ["b", "y"]], object)
    options = {"categories": [["b", "a", "c"], ["y", "x"]]}
    one, other = (getattr(m, name)(**options).fit(X) for m in (ours, theirs))
    same(one.transform(X), other.transform(X))
    with pytest.raises(ValueError, match="unknown categories"):
        getattr(ours, name)(categories=[["b"], ["x", "y"]]).fit(X)


@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder"])
@pytest.mark.parametrize("kind", KINDS)
def test_files(name, kind, tmp_path):
    X = KINDS[kind](np.random.default_rng(0).integers(0, 6, (9, 2)))
    if kind == "objects":
        X = X[[value is not None for value in X[:, 0]]][:, :1]
    model = getattr(ours, name)().fit(X)
    assert isinstance(model, getattr(theirs, name))
    fastml.save(model, tmp_path / "m.fml")
    same(fastml.load(tmp_path / "m.fml").transform(X), model.transform(X))


def test_dates_and_lists_are_scikit_learns():
    days = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    for X in (days, [["a", 1], ["b", 2]], days.astype("category")):
        same(ours.OneHotEncoder().fit_transform(X), theirs.OneHotEncoder().fit_transform(X))


@pytest.mark.parametrize("Encoder", [ours.OneHotEncoder, ours.OrdinalEncoder])
def test_a_dtype_that_is_none_is_refused_by_name(Encoder):
    with pytest.raises(TypeError, match="dtype=0.5"):
        Encoder(dtype=0.5).fit([["a"], ["b"]])


@pytest.mark.parametrize("rows", [[], ()], ids=str)
@pytest.mark.parametrize("Encoder", [ours.OneHotEncoder, ours.OrdinalEncoder])
def test_no_rows_are_refused_in_words(Encoder, rows):
    with pytest.raises(ValueError, match="0 sample"):
        Encoder().fit(rows)
    with pytest.raises(ValueError, match="0 sample"):
        Encoder().fit([["a"], ["b"]]).transform(rows)


@pytest.mark.parametrize("zeros", [[0.0, -0.0], [-0.0, 0.0], [-0.0]], ids=str)
@pytest.mark.parametrize("Encoder", [ours.OneHotEncoder, ours.OrdinalEncoder])
def test_both_zeros_are_one_category_the_first_that_comes(Encoder, zeros):
    """scikit-learn's shows the one that its sort happens to put first."""
    X = np.array([*zeros, 0.0, 3.0])[:, None]
    (categories,) = Encoder().fit(X).categories_
    assert str(categories.tolist()) == str([zeros[0], 3.0])


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.float16, np.longdouble], ids=str)
@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder", "TargetEncoder"])
def test_infinity_is_named_in_floats_of_any_form(name, dtype):
    encoder = getattr(ours, name)().fit([[1.0]] * 6, [2.0] * 6)
    with pytest.raises(ValueError, match=r"infinity.*X\[1, 0\]"):
        encoder.transform(np.array([[1.0], [np.inf]], dtype))


LONG = "more than twelve bytes", "more than twelve byte\u20ac", "", "a", "\u00e9t\u00e9", None


@pytest.mark.parametrize("kind", ["str", "chunks", "slice", "polars", "polars slice", "polars chunks"])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40))
@effort(0.3)
def test_texts_of_arrow(kind, seed, n):
    texts = [*(LONG[i] for i in np.random.default_rng(seed).integers(0, len(LONG), n)), "a", "b"]
    if kind.startswith("polars"):
        X = pl.DataFrame({"a": texts, "b": texts[::-1]})
        X = X[3:] if kind.endswith("slice") else pl.concat([X[:2], X], rechunk=False) if "chunks" in kind else X
    else:
        X = pd.DataFrame({"a": texts, "b": texts[::-1]}).astype("str")
        X = X.iloc[2:] if kind == "slice" else pd.concat([X.iloc[:2], X]) if kind == "chunks" else X
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        own, other = getattr(ours, name)(), getattr(theirs, name)()
        own.fit(X)
        other.fit(X)
        for a, b in zip(own.categories_, other.categories_, strict=True):
            assert [value if value == value else "NaN" for value in a.tolist()] == [
                value if value == value else "NaN" for value in b.tolist()
            ]
        for _ in range(2):
            a, b = own.transform(X), other.transform(X)
            np.testing.assert_array_equal(a.toarray() if sp.issparse(a) else a, b.toarray() if sp.issparse(b) else b)


def test_known_categories_are_looked_up_again_after_a_change_by_hand():
    X = np.array([["a", "x"], ["b", "y"], ["c", "x"]], object)
    encoder = ours.OrdinalEncoder().fit(X)
    assert encoder.transform(X)[:, 0].tolist() == [0, 1, 2]
    encoder.categories_ = [np.array(["c", "b", "a"], object), encoder.categories_[1]]
    assert encoder.transform(X)[:, 0].tolist() == [2, 1, 0]
    with pytest.raises(ValueError, match="Found unknown categories"):
        encoder.transform(np.array([["d", "x"]], object))
    encoder.set_params(handle_unknown="use_encoded_value", unknown_value=-1)
    encoder.fit(X)
    assert encoder.transform(np.array([["d", "x"], ["a", "x"]], object)).tolist() == [[-1, 0], [0, 0]]
    encoder.unknown_value = -5
    assert encoder.transform(np.array([["d", "x"], ["a", "x"]], object)).tolist() == [[-5, 0], [0, 0]]
