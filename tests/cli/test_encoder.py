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

from fastml.cli.encoder import INPUTS, MISSING, ONE_HOT, estimate, saved_encoder


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


def first_form(kind, X, texts):
    """What `fastml train` of version 0.1 saved: medians, ranges, frequent texts, means and deviations."""
    numbers = [i for i in range(X.shape[1]) if i not in texts]
    kept = {}
    for place in texts:
        seen, counts = np.unique(np.where(np.isnan(X[:, place]), MISSING, X[:, place]), return_counts=True)
        many = len(seen) > ONE_HOT
        kept[place] = (np.sort(seen[np.argsort(-counts, kind="stable")[: ONE_HOT - 1]]) if many else seen, many)
    center, scale = np.empty(0), np.empty(0)
    if kind == "scaled":
        filled = estimate("filled", X, texts).apply(X)
        deviation = filled.std(axis=0)
        center, scale = filled.mean(axis=0), np.where(deviation > 0, deviation, 1)
    fill, least, most = (np.array([f(X[:, i]) for i in numbers]) for f in (np.nanmedian, np.nanmin, np.nanmax))
    return {
        "kind": kind, "numbers": np.array(numbers), "fill": fill, "least": least, "most": most, "texts": texts,
        "kept": kept, "center": center, "scale": scale,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["filled", "scaled", "unit", "binned", "native"])
def test_models_of_the_first_version_are_given_the_same(kind):
    random = np.random.default_rng(3)
    many = np.repeat(np.arange(30.0), np.arange(30, 0, -1))
    few = random.integers(0, 3, len(many)).astype(float)
    numbers = random.normal(size=(len(many), 2)) * [1.0, 1e3]
    X = np.column_stack([numbers[:, 0], many, numbers[:, 1], few])
    X[random.random(X.shape) < [0.1, 0, 0.1, 0.1]] = np.nan
    texts = {1: [f"t{i}" for i in range(30)], 3: ["a", "b", "c"]}
    Z = np.concatenate([X, [[-9.0, -2.0, 1e9, -2.0]]])
    found = saved_encoder(first_form(kind, X, texts)).apply(Z)
    expected = estimate(kind, X, texts).apply(Z)
    if kind == "native":
        assert [[str(v) for v in row] for row in found] == [[str(v) for v in row] for row in expected]
    else:
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["filled", "scaled", "unit", "binned"])
def test_reduced_to_principal_components(kind):
    random = np.random.default_rng(0)
    factors = random.normal(size=(200, 2))
    X = np.column_stack([factors @ random.normal(size=(2, 8)), random.integers(0, 2, 200)])
    encoder = estimate(kind, X, {8: ["a", "b"]}, "pca")
    found = encoder.apply(X)
    assert found.shape[1] < 5  # two factors and a text; ten columns
    if kind == "scaled":
        assert np.allclose(found.std(axis=0), 1)
        assert np.allclose(np.corrcoef(found.T), np.eye(found.shape[1]), atol=1e-9)
    if kind == "filled":
        assert found.var(axis=0).sum() >= 0.95 * 10
    if kind == "unit":
        assert (found.min(), found.max()) == (0, 1)
    if kind == "binned":
        assert set(np.unique(found)) <= set(range(10))
