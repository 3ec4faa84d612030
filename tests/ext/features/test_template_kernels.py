"""The kernels of texts and records against their definitions."""

import itertools

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import FeatureHasher

from fastml.preprocessing.templates.characters import CLASSES, marks_for
from fastml_ext import features as kernels
from fastml_ext.features import reference

ODD = "aB1_ é\u0130ß\t\n\u2003.!@\x00\x07𝄞中\ud800\udfff"  # every class, control characters, lone surrogates
TEXT = st.one_of(
    st.text(alphabet=ODD, max_size=12), st.text(max_size=8), st.sampled_from(["", " ", "ab ab", "a" * 300])
)
TEXTS = st.lists(TEXT, max_size=6)
EMPTY = (np.empty(0, np.uint32), np.zeros(1, np.int64), np.zeros(64, np.uint64))


def assert_same(found, expected):
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


def both(name, *arguments):
    """What the kernel returns; the definition returns the same."""
    found = getattr(kernels, name)(*arguments)
    assert_same(found, getattr(reference, name)(*arguments))
    return found


def packed(texts):
    chars, starts = kernels.pack(texts)
    return chars, starts, marks_for(chars)


@given(TEXTS)
def test_pack_and_pages(texts):
    chars, starts = both("pack", texts)
    assert ["".join(map(chr, chars[a:b])) for a, b in itertools.pairwise(starts)] == texts
    both("pages", chars)


@pytest.mark.parametrize("stranger", [None, b"bytes", 3, ["a"]])
def test_pack_refuses_what_is_no_string(stranger):
    both("pack", ["a", stranger])


@given(TEXTS, st.sampled_from(["word", "nonspace", "digit"]), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
def test_words(texts, mark, least, low, more):
    chars, starts, marks = packed(texts)
    _, first, last, rows = both("tokenize", chars, starts, marks, CLASSES[mark], least)
    both("word_grams", first, last, rows, low, low + more)
    both("char_grams", first - 1, last + 1, rows, low, low + more, True)


def test_tokenize_is_split_where_words_are_what_is_no_space():
    text = "  one\ttwo\x1cthree\u2003\n4  "
    chars, starts, marks = packed([text])
    spaced, first, last, _ = kernels.tokenize(chars, starts, marks, CLASSES["nonspace"], 1)
    assert ["".join(map(chr, spaced[a:b])) for a, b in zip(first, last, strict=True)] == text.split()


@given(TEXTS, st.integers(1, 4), st.integers(0, 2), st.booleans())
def test_characters(texts, low, more, short):
    chars, starts, marks = packed(texts)
    chars, starts = both("squeeze", chars, starts, marks, CLASSES["space"])
    both("char_grams", starts[:-1], starts[1:], np.arange(len(starts)), low, low + more, short)
    for mark in CLASSES.values():
        both("count_marked", chars, starts, marks, mark)


@given(TEXTS, st.text(alphabet=ODD, min_size=1, max_size=2))
def test_count_text(texts, wanted):
    both("count_text", *packed([*texts, wanted * 3])[:2], np.array(list(map(ord, wanted)), np.uint32))


def spans_of(texts):
    chars, starts, marks = packed(texts)
    return chars, *kernels.char_grams(starts[:-1], starts[1:], np.arange(len(starts)), 1, 2, False)


@given(TEXTS, TEXTS, st.booleans())
def test_count_spans(texts, later, weighted):
    """A vocabulary that grows, and then stands; its index is the kernel's own affair."""
    table = EMPTY
    for grow in (True, False):
        spans = spans_of(texts)
        values = np.arange(len(spans[1])) % 5 - 1.5 if weighted else np.empty(0)
        found = kernels.count_spans(*spans, values, table, grow)
        expected = reference.count_spans(*spans, values, table, grow)
        assert_same(found[:3], expected[:3])
        assert_same(found[3][:2], expected[3][:2])
        table, texts = found[3], later


def test_a_large_vocabulary_finds_all_its_words():
    """The table doubles many times; every word keeps its number."""
    texts = [str(number) for number in range(20_000)] * 2
    chars, starts, _ = packed(texts)
    rows = np.array([0, len(texts)])
    codes, sums, _, table = kernels.count_spans(chars, starts[:-1], starts[1:], rows, np.empty(0), EMPTY, True)
    np.testing.assert_array_equal(codes, np.arange(20_000))
    np.testing.assert_array_equal(sums, 2.0)
    single = kernels.count_spans(chars, starts[:-1], starts[1:], np.arange(len(texts) + 1), np.empty(0), table, False)
    np.testing.assert_array_equal(single[0], np.arange(40_000) % 20_000)


@given(TEXTS)
def test_order_words(texts):
    order = both("order_words", *kernels.pack(texts))
    assert [texts[i] for i in order] == sorted(texts)


def entries(random, n):
    rows = np.concatenate([[0], np.cumsum(random.integers(0, 4, n))])
    return rows, random.integers(-1, 5, rows[-1]), random.integers(-3, 4, rows[-1]) / 2


@given(st.integers(0, 5), st.integers(0, 2**20))
def test_cross_and_assemble(n, seed):
    random = np.random.default_rng(seed)
    both("cross", *entries(random, n), *entries(random, n))
    both("assemble", n, [entries(random, n) for _ in range(random.integers(0, 4))])


@given(st.integers(0, 2**20))
@effort(0.25)
def test_long_rows_are_sorted_and_without_duplicates(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 400))
    columns = random.integers(0, 2**40, n) % random.choice([5, 2**40])  # beyond 32 bits too
    found = both("assemble", 1, [(np.array([0, n]), columns, np.ones(n))])
    assert np.all(np.diff(found[1]) > 0)
    assert found[2].sum() == n


@given(TEXTS, st.sampled_from([1, 7, 2**20, 2**31 - 1, 2**40]))
def test_hash_names(texts, n_columns):
    both("hash_names", texts, n_columns)


def test_hashing_is_scikit_learns():
    names = [*"abcdefgh", "é", "", "word_free", "a longer name than one block", "𝄞"]
    columns, signs = kernels.hash_names(names, 1000)
    theirs = FeatureHasher(1000).transform([{name: 1.0} for name in names])
    np.testing.assert_array_equal(columns, theirs.indices)
    np.testing.assert_array_equal(signs, theirs.data)


VALUE = st.one_of(
    st.integers(-5, 5), st.floats(allow_infinity=False), st.booleans(), st.none(), st.sampled_from(["x", "y", "", "é"]),
    st.lists(st.sampled_from("xyz"), max_size=3), st.sampled_from([np.float32(0.5), np.int64(3), np.str_("z")]),
)  # fmt: skip
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "a=x", "", 3]), VALUE, max_size=5), max_size=6)


@given(RECORDS, RECORDS, st.sampled_from(["=", "", "::"]))
def test_code_records(records, later, separator):
    names, known, expected_names = {}, {}, {}
    for grow, rows in ((True, records), (False, later), (True, later)):
        found = kernels.code_records(rows, names, known, separator, grow)
        assert_same(found, reference.code_records(rows, expected_names, {}, separator, grow))
        assert list(names.items()) == list(expected_names.items())


@pytest.mark.parametrize("value", [b"bytes", {"a": 1}, object(), [1, 2], ["a", None], [b"a"]])
def test_code_records_refuses_other_values(value):
    for family in (kernels, reference):
        with pytest.raises(TypeError, match=r"X\[1\].*'k'"):
            family.code_records([{"k": 1}, {"k": value}], {}, {}, "=", True)


@pytest.mark.parametrize("record", [3, None, "text", ["a"]])
def test_code_records_refuses_other_records(record):
    for family in (kernels, reference):
        with pytest.raises(TypeError, match=r"X\[0\]"):
            family.code_records([record], {}, {}, "=", True)


def test_records_of_more_keys_than_are_remembered():
    wide = [{f"k{j}": float(j) for j in range(600)}, {f"k{599 - j}": "v" for j in range(600)}] * 2
    names, expected = {}, {}
    assert_same(kernels.code_records(wide, names, {}, "=", True), reference.code_records(wide, expected, {}, "=", True))
    assert names == expected


def test_keys_that_are_new_objects_each_time():
    """A key's address may be taken by another key once it is gone."""
    records = ({"".join(["k", str(i % 7)]): float(i)} for i in range(2000))
    names = {}
    codes, _, _ = kernels.code_records([dict(record) for record in records], names, {}, "=", True)
    np.testing.assert_array_equal(codes, np.arange(2000) % 7)
