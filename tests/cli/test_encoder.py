"""The forms in which models are given a table, against scikit-learn's transformers."""

import warnings

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler

from fastml.cli.encoder import INPUTS, ONE_HOT, estimate


def transformer(kind, numbers, texts):
    """The same, said in scikit-learn's words; the missing ones stand last there."""
    scale = {"unit": MinMaxScaler(clip=True), "binned": KBinsDiscretizer(10, encode="ordinal", strategy="uniform")}
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(max_categories=ONE_HOT, handle_unknown="infrequent_if_exist", sparse_output=False)
    columns = make_column_transformer(
        (make_pipeline(fill, scale.get(kind, "passthrough")), numbers),
        (one_hot, texts),
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns, StandardScaler()) if kind == "scaled" else columns


@st.composite
def tables(draw):
    """(X_train, X_test, texts): numbers with many ties, gaps, constants; texts with few and with many values."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, p = draw(st.integers(2, 60)), draw(st.integers(1, 20)), draw(st.integers(0, 3))
    numbers = random.integers(-3, 4, (n + m, p)) * random.choice([0, 0.5, 1e3], p)
    numbers[random.random((n + m, p)) < 0.2] = np.nan
    counts = draw(st.lists(st.sampled_from([1, 3, ONE_HOT - 1]), min_size=p == 0, max_size=2))
    columns = [random.integers(0, k, n + m).astype(float) for k in counts]
    X = np.column_stack([numbers, *columns])
    texts = {p + i: [f"t{j}" for j in range(k)] for i, k in enumerate(counts)}
    return X[:n], X[n:], texts


@pytest.mark.parametrize("kind", ["filled", "scaled", "unit", "binned"])
@effort(0.625)
@given(tables())
def test_against_scikit_learn(kind, table):
    train, test, texts = table
    numbers = [i for i in range(train.shape[1]) if i not in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant columns and texts that only the test rows have
        expected = transformer(kind, numbers, list(texts)).fit(train)
        for rows in (train, test):
            encoded = estimate(kind, train, texts).apply(rows)
            assert encoded.flags.c_contiguous
            assert np.allclose(encoded, expected.transform(rows), rtol=1e-9, atol=1e-9)


def test_rare_texts_share_a_column():
    counts = np.arange(30, 0, -1)
    train = np.repeat(np.arange(30.0), counts)[:, None]
    encoder = estimate("filled", train, {0: [f"t{i}" for i in range(30)]})
    encoded = encoder.apply(np.array([[0.0], [18.0], [19.0], [29.0], [-2.0]]))
    assert encoded.shape == (5, ONE_HOT)
    assert encoded.argmax(axis=1).tolist() == [0, 18, 19, 19, 19]  # a text never seen is one of the others
    assert (encoded.sum(axis=1) == 1).all()


def test_a_missing_text_is_a_text_and_an_unknown_one_is_none():
    encoder = estimate("filled", np.array([[0.0], [1.0], [np.nan]]), {0: ["a", "b"]})
    assert encoder.apply(np.array([[np.nan], [0.0], [1.0], [-2.0]])).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0] * 3,
    ]


def test_native():
    X = np.array([[1.5, 0.0], [np.nan, np.nan], [2.5, -2.0]])
    mixed = estimate("native", X, {1: ["a"]}).apply(X)
    assert mixed[:, 1].tolist() == ["a", None, None]
    assert mixed[0, 0] == 1.5
    assert np.isnan(mixed[1, 0])
    assert estimate("native", X, {}).apply(X) is X


def test_every_form_is_described():
    assert all(len(words) > 20 for words in INPUTS.values())


@pytest.mark.parametrize("kind", ["filled", "scaled", "unit", "binned"])
@pytest.mark.parametrize("size", [1e-320, 1e-200, 1.0, 1e160, 1.7e308])
def test_finite_numbers_of_every_size_stay_finite(kind, size):
    X = np.array([[-size], [np.nan], [size], [size], [-size / 2], [size]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = estimate(kind, X, {})
        found = encoder.apply(np.concatenate([X, [[1.7e308]]]) if kind in ("unit", "binned") else X)
    assert np.isfinite(found).all()
    if kind == "binned":
        assert found.ravel().tolist() == [0, 9, 9, 9, 2, 9, 9]
    if kind == "scaled" and size > 1e-300:
        assert found.mean() == pytest.approx(0, abs=1e-12)
        assert found.std() == pytest.approx(1)
