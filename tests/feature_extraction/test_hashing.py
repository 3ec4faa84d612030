"""HashingVectorizer against scikit-learn's."""

import numpy as np
import pytest
import sklearn.feature_extraction.text as scikit
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import fastml
import fastml.feature_extraction.text as ours

SETTINGS = [
    {},
    {"n_features": 1},
    {"n_features": 7, "alternate_sign": False, "norm": "l1"},
    {"n_features": 16, "binary": True, "norm": None},
    {"n_features": 2**31 - 2, "norm": None, "dtype": np.int64},
    {"dtype": np.float32, "ngram_range": (1, 2)},
    {"analyzer": "char_wb", "ngram_range": (2, 3), "n_features": 50},
    {"stop_words": ["the", "in"], "n_features": 10},
    {"stop_words": ["the"], "ngram_range": (1, 2)},
    {"tokenizer": str.split, "token_pattern": None},
    {"strip_accents": "unicode", "lowercase": False},
]
WORDS = ["the", "The", "bird", "in", "hand", "zoë", "\U0001d11e", "x", "bush", "42", "don't", ""]


def same(found, expected, rtol=0.0):
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert np.array_equal(found.indptr, expected.indptr)
    assert np.array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.data, expected.data, rtol=rtol)


@pytest.mark.parametrize("settings", SETTINGS)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=6))
def test_columns_and_numbers_are_scikit_learns(settings, texts):
    one, other = (module.HashingVectorizer(**settings) for module in (ours, scikit))
    rtol = 1e-6 if settings.get("dtype") is np.float32 else 1e-15
    if not texts:
        with pytest.raises(ValueError, match="no documents"):
            one.transform(texts)
        return
    same(one.fit_transform(texts), other.fit_transform(texts), rtol)
    same(one.transform(iter(texts)), other.transform(texts), rtol)


def test_refusals_and_files(tmp_path):
    model = ours.HashingVectorizer(n_features=8)
    with pytest.raises(ValueError, match="Iterable over raw text"):
        model.transform("a text")
    with pytest.raises(ValueError, match="n_features"):
        clone(model).set_params(n_features=0).fit(["a"])
    with pytest.raises(TypeError, match="document 1"):
        model.transform(["a b", 7])
    fastml.save(model, tmp_path / "m.fml")
    texts = ["the bird", "in the hand"]
    for again in (fastml.load(tmp_path / "m.fml"), fastml.to_sklearn(model), fastml.from_sklearn(model)):
        same(again.transform(texts), model.transform(texts))
