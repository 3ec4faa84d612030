"""Real text: which messages are spam, by templates and a linear model."""

import datasets
import numpy as np
import sklearn.feature_extraction.text
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from fastml.feature_extraction.text import CountVectorizer
from fastml.preprocessing import FeatureTemplates
from fastml.svm import LinearSVC

SPAM = [
    "lower.words(1, 2, least=1)",
    "contains(_)",
    "length > _",
    "count(digit) > [0, 4, 9]",
    "fraction(upper) > _",
]


def test_spam_is_told_in_ten_folds():
    texts, labels = datasets.sms_spam()
    model = make_pipeline(FeatureTemplates(SPAM), LinearSVC(C=0.05, random_state=0))
    scores = cross_val_score(model, texts, labels, cv=StratifiedKFold(10, shuffle=True, random_state=0))
    assert scores.mean() >= 0.98


def test_words_of_real_messages_are_scikit_learns():
    texts, _ = datasets.sms_spam()
    for setting in ({}, {"analyzer": "char_wb", "ngram_range": (2, 4)}, {"ngram_range": (1, 2), "min_df": 2}):
        ours = CountVectorizer(**setting)
        theirs = sklearn.feature_extraction.text.CountVectorizer(**setting)
        assert (ours.fit_transform(texts) != theirs.fit_transform(texts)).nnz == 0
        assert ours.vocabulary_ == theirs.vocabulary_
    plain = FeatureTemplates().fit(texts)
    words = [name.removeprefix("lower.word_") for name in plain.get_feature_names_out()]
    counts = sklearn.feature_extraction.text.CountVectorizer()
    assert (plain.transform(texts) != counts.fit_transform(texts).astype(np.float64)).nnz == 0
    assert words == counts.get_feature_names_out().tolist()
