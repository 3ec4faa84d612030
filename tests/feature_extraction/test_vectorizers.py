"""CountVectorizer and DictVectorizer give what scikit-learn's give: the same columns, counts, types and errors."""

import datetime
import pickle

import numpy as np
import pytest
import sklearn.feature_extraction
import sklearn.feature_extraction.text
from hypothesis import given
from hypothesis import strategies as st

import fastml.feature_extraction
import fastml.feature_extraction.text
from fastml.feature_extraction import CountVectorizer, DictVectorizer

TheirCounts = sklearn.feature_extraction.text.CountVectorizer
TheirRecords = sklearn.feature_extraction.DictVectorizer

WORD = st.one_of(
    st.sampled_from(["to", "be", "To", "İx", "ΑΣ", "a_1", "ﬁne", "x", "naïve", "\ud800b"]), st.text(max_size=4)
)
TEXTS = st.lists(st.lists(WORD, max_size=8).map(" ".join), min_size=1, max_size=6)
SETTINGS = [
    {},
    {"lowercase": False, "ngram_range": (1, 3), "binary": True},
    {"ngram_range": (2, 2), "token_pattern": r"(?u)\b\w+\b"},
    {"analyzer": "char", "ngram_range": (1, 3)},
    {"analyzer": "char", "ngram_range": (2, 2), "strip_accents": "unicode"},
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
    {"stop_words": ["to", "be"]},
    {"stop_words": ["to", "be"], "ngram_range": (1, 2)},
    {"token_pattern": r"[a-z]+"},
    {"tokenizer": str.split, "token_pattern": None},
    {"preprocessor": str.upper},
    {"max_features": 3, "dtype": np.float32},
    {"max_df": 2, "min_df": 1, "dtype": np.int32},
    {"vocabulary": ["be", "to", "x"], "analyzer": "char_wb", "ngram_range": (1, 2)},
]
IDS = [", ".join(map(str, setting)) or "defaults" for setting in SETTINGS]


def outcome(call):
    """What a call returns, or the kind of its error."""
    try:
        return call()
    except ValueError as error:
        return type(error), str(error).partition("; ")[0]  # the reason behind it is fastml's own


def assert_same_matrix(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(ours, tuple):
        assert ours == theirs
        return
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_array_equal(*(X.toarray() if hasattr(X, "toarray") else X for X in (ours, theirs)))


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
@given(TEXTS, TEXTS)
def test_counts(setting, texts, later):
    ours, theirs = CountVectorizer(**setting), TheirCounts(**setting)
    found = outcome(lambda: ours.fit_transform(texts)), outcome(lambda: theirs.fit_transform(texts))
    assert_same_matrix(*found)
    if isinstance(found[0], tuple):
        return
    assert ours.vocabulary_ == theirs.vocabulary_
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
    assert_same_matrix(ours.transform(later), theirs.transform(later))
    for one, other in zip(ours.inverse_transform(found[0]), theirs.inverse_transform(found[1]), strict=True):
        assert sorted(one) == sorted(other)


@given(TEXTS)
def test_rows_are_in_order(texts):
    """scikit-learn's are not, after it has put the columns in order."""
    X = CountVectorizer(analyzer="char", ngram_range=(1, 2)).fit_transform([*texts, "a"])
    assert all(np.all(np.diff(X.indices[a:b]) > 0) for a, b in zip(X.indptr, X.indptr[1:], strict=False))


def test_other_inputs(tmp_path):
    (tmp_path / "text").write_bytes("häl lo".encode("latin-1"))
    for setting, X in (({"encoding": "latin-1"}, [b"h\xe4l lo"]), ({"input": "filename"}, [tmp_path / "text"])):
        setting = {"encoding": "latin-1"} | setting
        assert_same_matrix(CountVectorizer(**setting).fit_transform(X), TheirCounts(**setting).fit_transform(X))
    assert_same_matrix(CountVectorizer().fit_transform(iter(["a bc"])), TheirCounts().fit_transform(iter(["a bc"])))


@pytest.mark.parametrize("stranger", [None, 3, {"a": 1}])
def test_documents_that_are_no_texts(stranger):
    with pytest.raises(TypeError, match=r"document 1 is .*a text is expected"):
        CountVectorizer().fit(["text", stranger])


def test_bytes_of_another_encoding():
    with pytest.raises(UnicodeDecodeError):
        CountVectorizer().fit([b"\xff\xfe"])
    with pytest.raises(ValueError, match="string object received"):
        CountVectorizer().fit("one text")


def test_the_vocabulary_may_be_replaced():
    words = CountVectorizer().fit(["one two"])
    words.transform(["one"])
    words.vocabulary_ = {"three": 0}
    assert words.transform(["one three"]).toarray().tolist() == [[1]]
    again = pickle.loads(pickle.dumps(words))
    assert again.transform(["one three"]).toarray().tolist() == [[1]]


def test_stop_words_that_their_own_rules_would_change():
    with pytest.warns(UserWarning, match="stop_words may be inconsistent"):
        CountVectorizer(stop_words=["don't"]).fit(["we do not"])


VALUE = st.one_of(
    st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False, width=32), st.booleans(),
    st.sampled_from(["x", "y", "", "é"]), st.lists(st.sampled_from("xyz"), max_size=3, unique=True), st.none(),
)  # fmt: skip
RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["b", "a", "a=x", "", "é"]), VALUE, max_size=4), min_size=1, max_size=6
)


@pytest.mark.parametrize(
    "setting",
    [{}, {"sort": False}, {"sparse": False, "dtype": np.float32}, {"separator": "::"}, {"dtype": np.complex128}],
    ids=str,
)
@given(RECORDS, RECORDS)
def test_records(setting, X, later):
    if setting.get("dtype") is np.complex128:
        X, later = ([{k: v for k, v in row.items() if v is not None} for row in rows] for rows in (X, later))
    ours, theirs = DictVectorizer(**setting), TheirRecords(**setting)
    assert_same_matrix(ours.fit_transform(X), theirs.fit_transform(X))
    assert ours.feature_names_ == theirs.feature_names_
    assert ours.vocabulary_ == theirs.vocabulary_
    if not any("a=x" in row for row in later):  # theirs leaves such an entry in two parts
        assert_same_matrix(ours.transform(later), theirs.transform(later))
    assert ours.fit(X).get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
    if setting.get("sparse", True):
        assert np.all(np.diff(ours.fit_transform(X).indptr) >= 0)


def test_two_ways_to_one_name_add_up():
    X = [{"a=x": 2, "a": "x"}]
    assert DictVectorizer().fit_transform(X).toarray().tolist() == [[3.0]]
    assert DictVectorizer().fit_transform(X).has_canonical_format


def test_keys_that_are_no_strings():
    X = [{3: 1.0, 1: 2.0}, {2: 1.0}]
    assert_same_matrix(DictVectorizer().fit_transform(X), TheirRecords().fit_transform(X))


def test_round_trip():
    X = [{"age": 3.0, "city=Rome": 1.0}, {"age": 4.0}]
    records = DictVectorizer()
    assert records.inverse_transform(records.fit_transform(X)) == X
    assert records.transform(X[0]).shape == (1, 2)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        ([], ValueError, "empty"),
        ([{"a": 1}, 3], TypeError, r"X\[1\]"),
        ([{"a": b"x"}], TypeError, r"X\[0\]: 'a' is b'x' of bytes"),
        ([{"a": {"b": 1}}], TypeError, r"X\[0\]: 'a' is"),
        ([{"a": [1, 2]}], TypeError, r"X\[0\]: 'a' holds 1 of int"),
    ],
)
def test_bad_records_are_named(X, error, words):
    for call in (DictVectorizer().fit, DictVectorizer().fit_transform, DictVectorizer().fit([{"a": 1}]).transform):
        with pytest.raises(error, match=words):
            call(X)


def test_other_names_are_scikit_learns():
    assert fastml.feature_extraction.FeatureHasher is sklearn.feature_extraction.FeatureHasher
    assert fastml.feature_extraction.text.strip_tags is sklearn.feature_extraction.text.strip_tags
    assert fastml.feature_extraction.image is sklearn.feature_extraction.image


@pytest.mark.parametrize(
    ("documents", "setting", "words"),
    [
        (["A", "B"], {}, "no document has a token: token_pattern="),
        (["", " "], {"analyzer": "char", "ngram_range": (2, 4)}, "no document has 2 characters.* ngram_range="),
        ([" ", ""], {"analyzer": "char_wb"}, "no document has a word with 1 characters"),
        (["ab cd"], {"ngram_range": (3, 3)}, r"no document has a token, or 3 of them for ngram_range=\(3, 3\)"),
        (["to be"], {"stop_words": ["to", "be"]}, "only contain stop words"),
    ],
)
def test_why_a_vocabulary_is_empty(documents, setting, words):
    with pytest.raises(ValueError, match=f"empty vocabulary; .*{words}"):
        CountVectorizer(**setting).fit(documents)


@pytest.mark.parametrize("setting", [{}, {"analyzer": "char"}, {"token_pattern": "[a-z]+"}])
def test_a_preprocessor_makes_texts_of_anything(setting):
    records = [{"text": "To be or"}, {"text": "not to be"}]
    counts = CountVectorizer(preprocessor=lambda record: record["text"].lower(), **setting)
    plain = CountVectorizer(**setting).fit_transform([record["text"] for record in records])
    assert np.array_equal(counts.fit_transform(records).toarray(), plain.toarray())
    if not setting:
        with pytest.raises(TypeError, match="document 1 is 2 .*what preprocessor made of it"):
            CountVectorizer(preprocessor=lambda x: x).fit(["a b", 2])


def test_whole_numbers_that_floats_cannot_hold_are_refused():
    records = [{"id": 2**53, "a": 1e300}, {"id": 2**53 + 1}]
    with pytest.raises(ValueError, match=r"'id' holds 9007199254740993 in record 1, beyond .*2\*\*53"):
        DictVectorizer().fit(records)
    assert DictVectorizer(sparse=False).fit_transform(records[:1]).tolist() == [[1e300, 2**53]]
    for value in (np.datetime64("2020"), np.timedelta64(3, "D"), 1j, datetime.date(2020, 1, 1)):
        with pytest.raises(TypeError, match="date|complex|timedelta"):
            DictVectorizer().fit([{"id": value}])
