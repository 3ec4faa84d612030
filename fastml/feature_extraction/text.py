"""Counts of words and n-grams under scikit-learn's names; its other names are handed through."""

from typing import Any, Self

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer as ScikitCountVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer as ScikitTfidfVectorizer

from fastml.base import Estimator, hand_through
from fastml.feature_extraction.documents import LEAST, ReadsDocuments, parts
from fastml.feature_extraction.hashing import HashingVectorizer
from fastml.feature_extraction.weighting import TfidfTransformer
from fastml.preprocessing.templates.matrix import as_csr
from fastml.preprocessing.templates.template import code_parts, new_words, order_words, spell, words_of
from fastml_ext import features as kernels

__all__ = ["CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.feature_extraction.text")

SCIKIT_IDF: Any = ScikitTfidfVectorizer.idf_


class CountVectorizer(ReadsDocuments, Estimator, ScikitCountVectorizer):
    r"""scikit-learn's CountVectorizer, the same columns and counts, by a compiled kernel.

    The kernel finds words by the default pattern (or ``\\b\\w+\\b``) and n-grams of words and characters. With a
    tokenizer, an analyzer or a pattern of your own, or stop words in n-grams of several words, scikit-learn's code
    finds the tokens.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        What the documents are.
    encoding : str, default="utf-8"
        Of documents that are bytes.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that are not of that encoding.
    strip_accents : {"ascii", "unicode"} or callable, default=None
        How to take accents off.
    lowercase : bool, default=True
        Whether to count in lower case.
    preprocessor : callable, default=None
        In place of taking off accents and lower case.
    tokenizer : callable, default=None
        In place of `token_pattern`.
    stop_words : {"english"} or list, default=None
        Words left out.
    token_pattern : str or None
        What a word is; by default two or more letters, digits or underscores.
    ngram_range : tuple of two int, default=(1, 1)
        Fewest and most words or characters of an n-gram.
    analyzer : {"word", "char", "char_wb"} or callable, default="word"
        What n-grams are of; "char_wb" is of characters within words.
    max_df, min_df : float in [0, 1] or int, default=1.0 and 1
        Most and fewest documents, or their share, that may have a feature.
    max_features : int, default=None
        How many features, the most frequent, are kept.
    vocabulary : mapping or iterable, default=None
        The features, where they are known.
    binary : bool, default=False
        Whether each count is 1.
    dtype : dtype, default=numpy.int64
        Of the counts.

    Attributes
    ----------
    vocabulary_ : dict
        The column of each feature.
    fixed_vocabulary_ : bool
        Whether it was given.

    Examples
    --------
    >>> from fastml.feature_extraction.text import CountVectorizer
    >>> words = CountVectorizer()
    >>> words.fit_transform(["to be or not to be", "Be quick"]).toarray()
    array([[2, 1, 1, 0, 2],
           [1, 0, 0, 1, 0]])
    >>> words.get_feature_names_out().tolist()
    ['be', 'not', 'or', 'quick', 'to']
    """

    def _fit_parts(self, table, reduce):
        from fastml.feature_extraction.in_parts import fit_vocabulary

        fit_vocabulary(self, self._counting_all(), table, reduce)

    def _note_parts(self, parts):
        """Nothing of the documents is remembered but their terms."""
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)

    def _counting_all(self):
        """A vectorizer that counts what this does, every term of it."""
        names = set(ScikitCountVectorizer().get_params()) - {"max_df", "min_df", "max_features", "vocabulary", "dtype"}
        return CountVectorizer(**{name: getattr(self, name) for name in names})

    def _count_vocab(self, raw_documents, fixed_vocab):
        """scikit-learn's step: (vocabulary, counts), here with the columns in order already."""
        self._in_order = False
        if not self._has_kernel():
            return super()._count_vocab(raw_documents, fixed_vocab)
        words, order = self._known_words() if fixed_vocab else (new_words(), np.empty(0, np.int64))
        documents = self._documents(raw_documents)
        entries, words = code_parts(map(self._spans, parts(documents)), words, not fixed_vocab)
        if fixed_vocab:
            vocabulary, n_columns = self.vocabulary_, len(self.vocabulary_)
        else:
            vocabulary, order = self._vocabulary(spell(words), order_words(words).tolist())
            n_columns = len(vocabulary)
        n = len(entries.rows) - 1
        blocks = kernels.assemble(n, [(entries.rows, order[entries.codes], entries.values)]) if n else None
        blocks = blocks or (np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0))
        return vocabulary, as_csr(blocks, (n, n_columns), self.dtype)

    def _vocabulary(self, terms, places):
        """(column of each term, the same as an array), without stop words; places: where the terms stand in order."""
        stop = self.get_stop_words() if self.analyzer == "word" else None
        if stop:
            places = [i for i in places if terms[i] not in stop]
        if not places:
            raise ValueError(f"empty vocabulary; {self._why_empty(bool(terms))}")
        order = np.full(len(terms), -1, np.int64)
        order[places] = np.arange(len(places))
        self._in_order = True
        return {terms[i]: j for j, i in enumerate(places)}, order

    def _why_empty(self, stopped):
        """Why no document has a feature; stopped: whether there were words, and all are stop words."""
        if stopped:
            return "perhaps the documents only contain stop words"
        low, high = self.ngram_range
        if self.analyzer == "word":
            of = f", or {low} of them for ngram_range=({low}, {high})" if low > 1 else ""
            return (
                f"no document has a token{of}: token_pattern={self.token_pattern!r} asks for"
                f" {LEAST[self.token_pattern.removeprefix('(?u)')]} or more letters, digits or underscores"
            )
        within = "a word with " if self.analyzer == "char_wb" else ""
        return f"no document has {within}{low} characters, the fewest that ngram_range=({low}, {high}) asks for"

    def _known_words(self):
        """(Words, column of each) of `vocabulary_`, made once."""
        made = self.__dict__.get("_made")
        if made is None or made[0] is not self.vocabulary_ or len(made[2]) != len(self.vocabulary_):
            order = np.array([*self.vocabulary_.values()], np.int64)
            made = self._made = self.vocabulary_, words_of(self.vocabulary_)[0], order
        return made[1:]

    def _sort_features(self, X, vocabulary):
        return X if self._in_order else super()._sort_features(X, vocabulary)

    def _limit_features(self, X, vocabulary, high=None, low=None, limit=None):
        documents = np.bincount(X.indices, minlength=X.shape[1])
        all_may_stay = (high is None or documents.max() <= high) and (low is None or documents.min() >= low)
        if all_may_stay and (limit is None or limit >= X.shape[1]):
            return X
        return super()._limit_features(X, vocabulary, high, low, limit)

    def __getstate__(self):
        state = super().__getstate__()
        for made_anew in ("_made", "_in_order"):
            state.pop(made_anew, None)
        return state


class TfidfVectorizer(ScikitTfidfVectorizer, CountVectorizer):
    r"""scikit-learn's TfidfVectorizer, the same columns and weights, on the kernel of `CountVectorizer`.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        What the documents are.
    encoding : str, default="utf-8"
        Of documents that are bytes.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that are not of that encoding.
    strip_accents : {"ascii", "unicode"} or callable, default=None
        How to take accents off.
    lowercase : bool, default=True
        Whether to count in lower case.
    preprocessor : callable, default=None
        In place of taking off accents and lower case.
    tokenizer : callable, default=None
        In place of `token_pattern`.
    stop_words : {"english"} or list, default=None
        Words left out.
    token_pattern : str or None
        What a word is; by default two or more letters, digits or underscores.
    ngram_range : tuple of two int, default=(1, 1)
        Fewest and most words or characters of an n-gram.
    analyzer : {"word", "char", "char_wb"} or callable, default="word"
        What n-grams are of; "char_wb" is of characters within words.
    max_df, min_df : float in [0, 1] or int, default=1.0 and 1
        Most and fewest documents, or their share, that may have a feature.
    max_features : int, default=None
        How many features, the most frequent, are kept.
    vocabulary : mapping or iterable, default=None
        The features, where they are known.
    binary : bool, default=False
        Whether each count is 1.
    dtype : dtype, default=numpy.float64
        Of the results.
    norm : {"l1", "l2"} or None, default="l2"
        What each row's length becomes 1 by.
    use_idf, smooth_idf, sublinear_tf : bool, default=True, True and False
        As of `TfidfTransformer`.

    Attributes
    ----------
    vocabulary_ : dict
        The column of each feature.
    idf_ : ndarray of shape (n_features,)
        The weights of the columns; with `use_idf`.

    Examples
    --------
    >>> from fastml.feature_extraction.text import TfidfVectorizer
    >>> TfidfVectorizer().fit_transform(["to be or not to be", "Be quick"]).toarray().round(2)
    array([[0.5 , 0.35, 0.35, 0.  , 0.71],
           [0.58, 0.  , 0.  , 0.81, 0.  ]])
    """

    def fit(self, raw_documents: Any, y: Any = None) -> Self:
        """Learn the columns and their weights.

        Parameters
        ----------
        raw_documents : iterable
            Texts, bytes, files or names of files, as `input` says.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
        """
        self._weigh(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Learn the columns and their weights, and weigh the documents.

        Parameters
        ----------
        raw_documents : iterable
            Texts, bytes, files or names of files, as `input` says.
        y : object, default=None
            Not used.

        Returns
        -------
        X : sparse matrix of shape (n_samples, n_features)
        """
        X = self._weigh(raw_documents)
        return self._tfidf.transform(X, copy=False)

    def transform(self, raw_documents: Any) -> Any:
        """Weigh documents by what has been learnt.

        Parameters
        ----------
        raw_documents : iterable
            Texts, bytes, files or names of files, as `input` says.

        Returns
        -------
        X : sparse matrix of shape (n_samples, n_features)
        """
        tfidf: Any = self.__dict__.get("_tfidf")
        X = CountVectorizer.transform(self, raw_documents) if type(tfidf) is TfidfTransformer else None
        if X is None or X.dtype.char not in "fd" or X.shape[1] != tfidf.__dict__.get("n_features_in_"):
            return super().transform(raw_documents)  # which tells what is wrong
        tfidf._weigh_rows(X.data, X.indices, X.indptr)
        return X

    def _fit_parts(self, table, reduce):
        from fastml.feature_extraction.in_parts import fit_vocabulary, frequencies_of

        n, having = fit_vocabulary(self, self._counting_all(), table, reduce)
        self._tfidf = self._transformer()
        frequencies_of(self._tfidf, n, having, np.dtype(self.dtype))

    def _weigh(self, raw_documents):
        """The counts, when the weights have been learnt."""
        self._validate_params()
        self._check_params()
        X = CountVectorizer.fit_transform(self, raw_documents)
        self._tfidf = self._transformer().fit(X)
        return X

    def _transformer(self):
        options = {"norm": self.norm, "use_idf": self.use_idf}
        return TfidfTransformer(**options, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf)

    def _set_idf(self, value):
        SCIKIT_IDF.fset(self, value)  # which checks it
        if not isinstance(self._tfidf, TfidfTransformer):
            weights, self._tfidf = self._tfidf.idf_, self._transformer()
            self._tfidf.idf_ = weights

    idf_ = property(SCIKIT_IDF.fget, _set_idf)
