"""Weights of words against scikit-learn's."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.feature_extraction.text as scikit
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import fastml
import fastml.feature_extraction.text as ours

DOCUMENTS = ["to be or not to be", "Be quick, be brave", "", "not the one", "one and one and the other one"]


def assert_same(found, expected):
    assert (type(found), found.dtype, found.shape) == (type(expected), expected.dtype, expected.shape)
    np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-6 if found.dtype == np.float32 else 1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    norm=st.sampled_from(["l1", "l2", None]),
    flags=st.tuples(*[st.booleans()] * 3),
    dtype=st.sampled_from([np.float64, np.float32, np.int64]),
)
def test_transformer_is_scikit_learns(seed, norm, flags, dtype):
    random = np.random.default_rng(seed)
    X = random.poisson(0.7, random.integers(1, [12, 9])).astype(dtype)
    X[0] = 1  # every word stands somewhere
    names = ("use_idf", "smooth_idf", "sublinear_tf")
    options = {"norm": norm, **dict(zip(names, flags, strict=True))}
    for layout in (sp.csr_array, sp.csr_matrix, sp.csc_array, np.asarray):
        if layout is np.asarray and flags[2]:
            continue
        Z = layout(X)
        one, other = ours.TfidfTransformer(**options).fit(Z), scikit.TfidfTransformer(**options).fit(Z)
        if flags[0]:
            np.testing.assert_allclose(one.idf_, other.idf_, rtol=1e-6)
            assert one.idf_.dtype == other.idf_.dtype
        assert_same(one.transform(Z), other.transform(Z))
        assert (abs(Z - layout(X))).sum() == 0


@pytest.mark.parametrize(
    "options", [{}, {"ngram_range": (1, 2), "sublinear_tf": True}, {"use_idf": False, "norm": "l1"},
                {"analyzer": "char_wb", "dtype": np.float32}, {"stop_words": ["one"], "min_df": 2}]
)  # fmt: skip
def test_vectorizer_is_scikit_learns(options, tmp_path):
    one, other = ours.TfidfVectorizer(**options), scikit.TfidfVectorizer(**options)
    assert_same(one.fit_transform(DOCUMENTS), other.fit_transform(DOCUMENTS))
    assert one.vocabulary_ == other.vocabulary_
    new = ["be the one", "nobody"]
    assert_same(one.transform(new), other.transform(new))
    fastml.save(one, tmp_path / "m.fml")
    twin = fastml.to_sklearn(one)
    assert b"fastml" not in pickle.dumps(twin)
    for again in (fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(one)), twin, fastml.from_sklearn(twin)):
        assert_same(again.transform(new), other.transform(new))
    assert ours.TfidfVectorizer(**options).fit(DOCUMENTS).get_feature_names_out().tolist() == sorted(one.vocabulary_)


def test_weights_set_by_hand_answer_as_those_learnt():
    texts = ["to be or not to be", "be quick", "or not"]
    learnt = ours.TfidfVectorizer().fit(texts)
    copy = ours.TfidfVectorizer(vocabulary=learnt.vocabulary_)
    copy.idf_ = learnt.idf_
    assert np.array_equal(copy.transform(texts).toarray(), learnt.transform(texts).toarray())
    counts = ours.CountVectorizer().fit_transform(texts)
    bare = ours.TfidfTransformer()
    bare.idf_ = learnt.idf_
    assert np.array_equal(bare.transform(counts).toarray(), learnt.transform(texts).toarray())
    with pytest.raises(ValueError, match="cannot be set"):
        ours.TfidfVectorizer(vocabulary=["a"], use_idf=False).idf_ = [1.0]
    assert not hasattr(ours.TfidfTransformer(), "set_output")


def test_rows_that_may_be_written_into_come_back_themselves():
    counts = sp.csr_matrix([[1.0, 2.0], [0.0, 3.0]])
    model = ours.TfidfTransformer().fit(counts)
    expected = model.transform(counts).toarray()
    assert model.transform(counts, copy=False) is counts
    assert np.array_equal(counts.toarray(), expected)


def test_a_column_that_no_row_has_is_told_without_smoothing():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        ours.TfidfTransformer(smooth_idf=False).fit([[1, 0], [2, 0]])


@pytest.mark.parametrize(
    "options", [{}, {"norm": "l1"}, {"norm": None, "use_idf": False}, {"sublinear_tf": True, "dtype": np.float32}]
)
def test_one_text_is_weighed_as_among_others(options):
    texts = ["a bird in the hand", "the bird", "zebra zebra zebra", "", "two in the bush in the bush"]
    model = ours.TfidfVectorizer(**options).fit(texts)
    together = model.transform(texts)
    for i, text in enumerate(texts):
        alone = model.transform([text])
        alone.check_format(full_check=True)
        assert type(alone) is type(together)
        assert alone.dtype == together.dtype
        assert alone.has_canonical_format
        assert np.array_equal(alone.toarray(), together[i : i + 1].toarray())
        alone.data[:] = 7  # its own
        alone.sum_duplicates()
    assert np.array_equal(model.transform(texts[:1]).toarray(), together[:1].toarray())
    with pytest.raises(ValueError, match="Iterable over raw text documents expected"):
        model.transform("a bird")
    with pytest.raises(NotFittedError):
        ours.TfidfVectorizer().transform(texts)


def test_a_zero_that_is_stored_is_no_count():
    stored = sp.csr_array((np.array([1.0, 0.0, 2.0]), np.array([0, 1, 1]), np.array([0, 2, 3])), shape=(2, 2))
    model = ours.TfidfTransformer(sublinear_tf=True, norm=None, smooth_idf=False).fit(stored)
    assert model.idf_.tolist() == [np.log(2) + 1] * 2
    expected = [[np.log(2) + 1, 0], [0, (np.log(2) + 1) * (np.log(2) + 1)]]
    np.testing.assert_allclose(model.transform(stored).toarray(), expected)
    assert stored.nnz == 3
