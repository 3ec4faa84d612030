"""Vocabularies over tables in parts, and the sparse rows that they make of texts."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml.compose import ColumnTransformer
from fastml.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from fastml.linear_model import LogisticRegression, SGDClassifier
from fastml.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from fastml.pipeline import make_pipeline
from fastml.preprocessing import OneHotEncoder, StandardScaler

N = 2**13 + 900
CUTS = st.lists(st.integers(0, N), max_size=5)


def documents():
    random = np.random.default_rng(4)
    words = np.array([f"word{i}" for i in range(300)] + ["Straße", "the", "naïve", "a"])
    chosen = random.zipf(1.3, size=(N, 7)) % len(words)
    texts = np.array([" ".join(words[row]) for row in chosen], object)
    texts[5], texts[-1] = "", "only here"
    y = np.where((chosen % 7 == 3).sum(axis=1) > 0, "yes", "no")
    return texts, y, random.normal(size=N)


def in_chunks(texts, y, cuts):
    return [(texts[a:b].tolist(), y[a:b]) for a, b in pairwise([0, *sorted(cuts), N])]


def in_files(folder, cuts=(7, 5000)):
    texts, y, size = documents()
    frame = pd.DataFrame({"text": texts, "size": size, "shop": np.where(size > 0, "a", "b"), "y": y})
    for number, (a, b) in enumerate(pairwise([0, *cuts, N])):
        frame.iloc[a:b].to_parquet(folder / f"{number}.parquet", row_group_size=3000)
    return frame, lambda **options: fastml.scale.parquet(folder, target="y", **options)


VECTORIZERS = [
    CountVectorizer(),
    CountVectorizer(min_df=3, max_df=0.5, max_features=40, dtype=np.float32),
    CountVectorizer(ngram_range=(1, 2), stop_words=["the"], binary=True, tokenizer=str.split, token_pattern=None),
    CountVectorizer(analyzer="char_wb", ngram_range=(2, 3), strip_accents="unicode"),
    CountVectorizer(vocabulary=["word1", "word2", "nowhere"]),
    TfidfVectorizer(),
    TfidfVectorizer(max_features=25, sublinear_tf=True, norm="l1", stop_words="english"),
    TfidfVectorizer(vocabulary=["word1", "word2", "nowhere"], dtype=np.float32),
    TfidfVectorizer(use_idf=False),
    HashingVectorizer(n_features=64),
]


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@pytest.mark.parametrize("model", VECTORIZERS, ids=str)
@settings(deadline=None, max_examples=3)
@given(cuts=CUTS)
def test_vocabularies_are_those_of_memory(model, cuts):
    texts, y, _ = documents()
    one = clone(model).fit(texts)
    other = clone(model).fit(fastml.scale.chunks(in_chunks(texts, y, cuts), memory=2**18))
    if hasattr(one, "vocabulary_"):
        assert other.vocabulary_ == one.vocabulary_
        assert other.fixed_vocabulary_ == one.fixed_vocabulary_
        assert other.get_feature_names_out().tolist() == one.get_feature_names_out().tolist()
    if getattr(model, "use_idf", False):
        assert np.array_equal(other.idf_, one.idf_)
        assert other.idf_.dtype == one.idf_.dtype
    a, b = one.transform(texts), other.transform(texts)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert (a != b).nnz == 0


BEHIND = [
    make_pipeline(CountVectorizer(), MultinomialNB()),
    make_pipeline(CountVectorizer(), TfidfTransformer(norm=None, use_idf=False), ComplementNB()),
    make_pipeline(CountVectorizer(binary=True), BernoulliNB()),
    make_pipeline(CountVectorizer(max_features=200), LogisticRegression()),
    make_pipeline(HashingVectorizer(n_features=32), LogisticRegression()),
]


@pytest.mark.parametrize("model", BEHIND, ids=lambda each: type(each.steps[-1][1]).__name__)
def test_models_behind_texts(model, tmp_path):
    frame, open_files = in_files(tmp_path)
    parts = open_files(columns=["text"])
    one, other = clone(model), clone(model).fit(parts)
    if isinstance(model.steps[-1][1], MultinomialNB | ComplementNB | BernoulliNB):
        one.fit(frame["text"], frame["y"])
    else:
        first, last = (step for _, step in one.steps)
        last.fit(first.fit(frame["text"]).transform(frame["text"]).toarray(), frame["y"])
    for name in ("coef_", "feature_count_", "feature_log_prob_", "theta_"):
        if hasattr(one.steps[-1][1], name):
            assert np.array_equal(*(getattr(each.steps[-1][1], name) for each in (one, other)))
    assert np.array_equal(fastml.scale.predict(other, parts), other.predict(frame["text"]))
    assert fastml.scale.score(other, parts) > 0.6


def test_texts_on_workers(tmp_path):
    dd = pytest.importorskip("dask.dataframe")
    import fastml.dask

    frame, open_files = in_files(tmp_path)
    for model in (BEHIND[0], BEHIND[3]):
        files = clone(model).fit(open_files(columns=["text"]))
        lazy = fastml.dask.parts(dd.from_pandas(frame[["text", "y"]], npartitions=3), "y")
        spread = fastml.dask.spread(open_files(columns=["text"]), rows=2**13)
        for parts in (lazy, spread):
            other = clone(model).fit(parts)
            assert other.steps[0][1].vocabulary_ == files.steps[0][1].vocabulary_
            name = "coef_" if hasattr(other.steps[-1][1], "coef_") else "feature_log_prob_"
            assert np.array_equal(*(getattr(each.steps[-1][1], name) for each in (files, other)))
            assert fastml.scale.score(other, parts) == fastml.scale.score(files, open_files(columns=["text"]))


def test_texts_beside_other_columns(tmp_path):
    frame, open_files = in_files(tmp_path)
    X, y = frame.drop(columns="y"), frame["y"]
    columns = ColumnTransformer(
        [
            ("words", TfidfVectorizer(), "text"),
            ("size", StandardScaler(), ["size"]),
            ("shop", OneHotEncoder(), ["shop"]),
        ]
    )
    one, other = clone(columns).fit(X), clone(columns).fit(open_files())
    assert (one.transform(X) != other.transform(X)).nnz == 0
    assert other.sparse_output_ == one.sparse_output_
    assert other.get_feature_names_out().tolist() == one.get_feature_names_out().tolist()
    model = make_pipeline(columns, LogisticRegression()).fit(open_files())
    assert fastml.scale.score(model, open_files()) == model.score(X, y) > 0.9


def test_wide_texts_are_learnt_in_ordered_passes(tmp_path):
    frame, open_files = in_files(tmp_path)
    model = make_pipeline(TfidfVectorizer(), SGDClassifier(random_state=0))
    assert fastml.scale.partial_fit(model, open_files(columns=["text"]), passes=3) is model
    assert model.score(frame["text"], frame["y"]) > 0.95


def test_weights_of_counts(tmp_path):
    X = np.random.default_rng(0).integers(0, 3, (N, 5)).astype(float)
    one, other = TfidfTransformer().fit(X), TfidfTransformer().fit(fastml.scale.arrays(X, memory=2**16))
    assert np.array_equal(one.idf_, other.idf_)
    for number, model in enumerate((other, TfidfVectorizer().fit(fastml.scale.chunks([["to be"], ["or not"]])))):
        fastml.save(model, tmp_path / f"{number}.fml")
        assert np.array_equal(fastml.load(tmp_path / f"{number}.fml").idf_, model.idf_)
    assert (one.transform(X) != other.transform(X)).nnz == 0


def test_what_cannot_says_so(tmp_path):
    _, open_files = in_files(tmp_path)
    with pytest.raises(ValueError, match=r"reads one column of texts.*columns=\['text'\]"):
        CountVectorizer().fit(open_files())
    with pytest.raises(ValueError, match="reads one column of texts"):
        CountVectorizer().fit(fastml.scale.arrays(np.zeros((9, 1))))
    with pytest.raises(ValueError, match="max_df corresponds to < documents than min_df"):
        CountVectorizer(max_df=3, min_df=4).fit(open_files(columns=["text"]))
    with pytest.raises(ValueError, match="After pruning, no terms remain"):
        CountVectorizer(min_df=1.0).fit(open_files(columns=["text"]))
    with pytest.raises(ValueError, match="LogisticRegression takes dense rows.* sparse with 4,096 col.*SGDClassifier"):
        make_pipeline(HashingVectorizer(n_features=4096), LogisticRegression()).fit(open_files(columns=["text"]))
    with pytest.raises(TypeError, match="GaussianNB takes dense rows, and these are sparse: set sparse_output=False"):
        make_pipeline(HashingVectorizer(n_features=32), GaussianNB()).fit(open_files(columns=["text"]))
    with pytest.raises(ValueError, match="empty vocabulary"):
        CountVectorizer().fit(fastml.scale.chunks([["", "!"]]))
    texts, y, _ = documents()
    texts[9000] = None
    pd.DataFrame({"text": texts, "y": y}).to_parquet(tmp_path / "0.parquet")
    with pytest.raises(ValueError, match="column 'text' is missing in row 9000 of .*0.parquet"):
        TfidfVectorizer().fit(fastml.scale.parquet(tmp_path / "0.parquet", target="y"))
