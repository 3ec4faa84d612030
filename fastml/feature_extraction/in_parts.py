"""Vocabularies and weights of words over a table in parts: counts, which are the same for any parts."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from fastml.scale.reduction import Rows

__all__ = ["fit_vocabulary", "fit_weights", "frequencies_of"]

MOST = 2**22  # terms
EMPTY = "empty vocabulary"


class Terms:
    """The reduction of how many documents have each term, and how often all of them together; and of documents."""

    def __init__(self, vectorizer: Any):
        self.vectorizer = vectorizer

    def partial(self, rows: Rows) -> tuple[int, dict]:
        documents = rows.X[:, 0].tolist()
        counter = clone(self.vectorizer)
        try:
            X = counter.fit_transform(documents)
        except ValueError as error:
            if not str(error).startswith(EMPTY):
                raise
            return len(documents), {}
        having = np.bincount(X.indices, minlength=X.shape[1]).tolist()
        total = np.asarray(X.sum(axis=0)).ravel().tolist()
        return len(documents), {term: (having[j], total[j]) for term, j in counter.vocabulary_.items()}

    def merge(self, first: tuple, second: tuple) -> tuple[int, dict]:
        joined = dict(first[1])
        for term, (having, total) in second[1].items():
            before = joined.get(term)
            joined[term] = (having, total) if before is None else (before[0] + having, before[1] + total)
        if len(joined) > MOST:
            raise ValueError(
                f"the documents have more than {MOST:,} terms: leave out longer n-grams (ngram_range=), or take"
                " HashingVectorizer, which keeps no vocabulary"
            )
        return first[0] + second[0], joined


def fit_vocabulary(model: Any, plain: Any, table: Any, reduce: Any) -> tuple[int, np.ndarray]:
    """The columns of CountVectorizer and TfidfVectorizer; (documents, how many have each term).

    plain : a CountVectorizer that counts all terms as the model does
    """
    parts = table.parts
    if parts.n_features != 1 or not parts.texts:
        names = [name for name, text in zip(parts.names or [], parts.texts or [], strict=False) if text]
        raise ValueError(
            f"{table.who} reads one column of texts, and {parts.what} has {parts.n_features}: choose it by"
            f" {parts.chosen_by(names[:1])}, or by a ColumnTransformer ({table.who}(), {(names or ['text'])[0]!r})"
        )
    if model.input != "content":
        raise ValueError(f"input={model.input!r}: the documents of a table in parts are its texts; leave it as it is")
    table.checks.documents = True
    model._validate_params()
    if hasattr(model, "_check_params"):
        model._check_params()
    model._validate_vocabulary()
    model._validate_ngram_range()
    model._warn_for_unused_params()
    fixed = model.fixed_vocabulary_
    if fixed:
        plain.set_params(vocabulary=model.vocabulary_)
    n, terms = reduce(Terms(plain))
    if fixed:
        having = np.zeros(len(model.vocabulary_), np.int64)
        for term, (count, _) in terms.items():
            having[model.vocabulary_[term]] = count
        return n, having
    if not terms:
        raise ValueError(f"{EMPTY}; perhaps the documents only contain stop words, or have no token")
    words = sorted(terms)
    having, total = (np.array([terms[word][i] for word in words]) for i in (0, 1))
    places = kept_terms(model, n, having, total)
    model.vocabulary_ = {words[i]: j for j, i in enumerate(places.tolist())}
    return n, having[places]


def kept_terms(model: Any, n: int, having: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The places of the terms that max_df, min_df and max_features leave, as scikit-learn chooses them."""
    high, low = (each if isinstance(each, int | np.integer) else each * n for each in (model.max_df, model.min_df))
    if high < low:
        raise ValueError("max_df corresponds to < documents than min_df")
    stay = (having <= high) & (having >= low)
    if model.max_features is not None and stay.sum() > model.max_features:
        best = (-total[stay]).argsort()[: model.max_features]
        stay = np.isin(np.arange(len(having)), np.flatnonzero(stay)[best])
    if not stay.any():
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    return np.flatnonzero(stay)


class Held:
    """The reduction of the rows that have something in each column, and of rows."""

    def partial(self, rows: Rows) -> tuple:
        X: Any = rows.X
        if issparse(X):
            return np.bincount(X.indices, minlength=X.shape[1]), X.shape[0]
        return np.count_nonzero(X, axis=0), len(X)

    def merge(self, first: tuple, second: tuple) -> tuple:
        return first[0] + second[0], first[1] + second[1]


def fit_weights(model: Any, table: Any, reduce: Any) -> None:
    """TfidfTransformer."""
    held, n = reduce(Held())
    frequencies_of(model, n, held, table.parts.dtype)


def frequencies_of(model: Any, n: int, held: np.ndarray, dtype: np.dtype) -> None:
    """Give a TfidfTransformer its weights of columns that so many of n rows have."""
    model.__dict__.pop("idf_", None)
    model.n_features_in_ = len(held)
    model._note_rows(dtype, sparse=True)
    if model.use_idf:
        model._take_frequencies(n, held, dtype)
