"""Texts and dictionaries as sparse rows: words, n-grams, fields, hashing; all of the data and one record."""

import numpy as np
import scipy.sparse as sp
import sklearn.feature_extraction
import sklearn.feature_extraction.text
from datasets import sms_spam
from harness import Work, benchmarks

from fastml.feature_extraction import CountVectorizer, DictVectorizer
from fastml.preprocessing import FeatureTemplates
from fastml.preprocessing.templates.characters import WORD, marks_for
from fastml_ext.features import reference

TheirCounts = sklearn.feature_extraction.text.CountVectorizer
TheirRecords = sklearn.feature_extraction.DictVectorizer
TheirHasher = sklearn.feature_extraction.FeatureHasher


def messages(tiny):
    return sms_spam()[0][: 50 if tiny else None]


def records(tiny):
    """Dictionaries of eight fields, as rows of a file are read."""
    random = np.random.default_rng(0)
    n = 100 if tiny else 100_000
    numbers = random.integers(0, 1000, (n, 4)).tolist()
    reals = random.random((n, 2)).tolist()
    return [
        {"a": r, "b": s, "c": i, "d": f"v{j % 50}", "e": "xyz"[k % 3], "f": k, "g": f"w{m}", "h": m > 500}
        for (i, j, k, m), (r, s) in zip(numbers, reals, strict=True)
    ]


def bags(tiny):
    """Each message as a dictionary of its words."""
    found = []
    for text in messages(tiny):
        words = text.lower().split()
        found.append({word: float(words.count(word)) for word in words})
    return found


def fit_transform(make):
    return lambda data: lambda: make().fit_transform(data)


def transform(make, n=None):
    def run(data):
        model = make().fit(data)
        return lambda: model.transform(data[:n])

    return run


def words_by_definition(data):
    def run():
        chars, starts = reference.pack([text.lower() for text in data])
        spaced, first, last, rows = reference.tokenize(chars, starts, marks_for(chars), WORD, 2)
        spans = reference.word_grams(first, last, rows, 1, 1)
        table = (np.empty(0, np.uint32), np.zeros(1, np.int64), np.zeros(64, np.uint64))
        codes, sums, counted, table = reference.count_spans(spaced, *spans, np.empty(0), table, True)
        rank = np.argsort(reference.order_words(*table[:2]))
        indptr, indices, values = reference.assemble(len(data), [(counted, rank[codes], sums)])
        return sp.csr_matrix((values, indices, indptr), (len(data), len(rank)))

    return run


def records_by_definition(data):
    def run():
        names = {}
        codes, values, rows = reference.code_records(data, names, {}, "=", True)
        rank = np.argsort(np.argsort(list(names)))
        indptr, indices, values = reference.assemble(len(data), [(rows, rank[codes], values)])
        return sp.csr_matrix((values, indices, indptr), (len(data), len(names)))

    return run


def same(data, ours, theirs):
    assert ours.shape == theirs.shape
    difference = abs(ours - theirs)
    assert difference.nnz == 0 or difference.max() < 1e-9  # several values in one hashed column add up in any order


def counts(**settings):
    return {
        "fastml": fit_transform(lambda: CountVectorizer(**settings)),
        "scikit-learn": fit_transform(lambda: TheirCounts(**settings)),
    }


def counting(**settings):
    return lambda: TheirCounts(**settings)


def templates(text, theirs, **settings):
    declared = None if text is None else [text]
    return {
        "fastml": fit_transform(lambda: FeatureTemplates(declared, **settings)),
        "scikit-learn": fit_transform(theirs),
    }


PAIRS = {"ngram_range": (1, 2)}
CHARS = {"analyzer": "char", "ngram_range": (1, 3)}
WITHIN = {"analyzer": "char_wb", "ngram_range": (3, 5)}
THREE, TEN = {"scikit-learn": 3}, {"scikit-learn": 10}
WORKS = [
    Work("CountVectorizer, words", messages, counts() | {"reference": words_by_definition}, same, THREE),
    Work("CountVectorizer, words and pairs", messages, counts(**PAIRS), same),
    Work("CountVectorizer, 1-3 characters", messages, counts(**CHARS), same),
    Work("CountVectorizer, 3-5 characters in words", messages, counts(**WITHIN), same),
    Work("templates, words", messages, templates("lower.words(1)", TheirCounts), same, THREE),
    Work("templates, words and pairs", messages, templates("lower.words(1, 2)", counting(**PAIRS)), same, THREE),
    Work("templates, 1-3 characters", messages, templates("lower.chars(1, 3)", counting(**CHARS)), same, THREE),
    Work(
        "CountVectorizer, transform",
        messages,
        {"fastml": transform(CountVectorizer), "scikit-learn": transform(TheirCounts)},
        same,
        THREE,
    ),
    Work(
        "CountVectorizer, transform one text",
        messages,
        {"fastml": transform(CountVectorizer, 1), "scikit-learn": transform(TheirCounts, 1)},
        same,
        iterations=100,
    ),
    Work(
        "DictVectorizer, 8 fields",
        records,
        {
            "fastml": fit_transform(DictVectorizer),
            "scikit-learn": fit_transform(TheirRecords),
            "reference": records_by_definition,
        },
        same,
        TEN,
    ),
    Work("templates, dictionaries of 8 fields", records, templates(None, TheirRecords), same, TEN),
    Work(
        "DictVectorizer, bags of words",
        bags,
        {"fastml": fit_transform(DictVectorizer), "scikit-learn": fit_transform(TheirRecords)},
        same,
    ),
    Work(
        "DictVectorizer, transform one record",
        records,
        {"fastml": transform(DictVectorizer, 1), "scikit-learn": transform(TheirRecords, 1)},
        same,
        {"scikit-learn": 1},
        iterations=100,
    ),
    Work(
        "templates, hashed dictionaries",
        records,
        templates(None, lambda: TheirHasher(2**18), n_features=2**18),
        same,
    ),
]  # fmt: skip

bench_templates = benchmarks(WORKS)
