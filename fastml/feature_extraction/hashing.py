"""HashingVectorizer: scikit-learn's, each distinct token hashed once."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer as ScikitHashingVectorizer
from sklearn.utils import murmurhash3_32

from fastml._sklearn import _align_api_if_sparse
from fastml.base import Estimator
from fastml.feature_extraction.documents import ReadsDocuments, parts
from fastml.feature_extraction.weighting import scale_rows
from fastml.preprocessing.templates.template import code_parts, new_words, spell

__all__ = ["HashingVectorizer"]


class HashingVectorizer(ReadsDocuments, Estimator, ScikitHashingVectorizer):
    r"""scikit-learn's HashingVectorizer, the same columns and numbers, on the kernel of `CountVectorizer`.

    Nothing is learnt: the hash of a token says its column. The tokens of a call are counted first, and each is hashed
    once.

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
    n_features : int, default=2**20
        Columns.
    binary : bool, default=False
        Whether each count is 1.
    norm : {"l1", "l2"} or None, default="l2"
        What each row's length becomes 1 by.
    alternate_sign : bool, default=True
        Whether the hash says a sign, too, so that tokens of one column cancel rather than add up.
    dtype : dtype, default=numpy.float64
        Of the result.

    Examples
    --------
    >>> from fastml.feature_extraction.text import HashingVectorizer
    >>> HashingVectorizer(n_features=4, norm=None, alternate_sign=False).transform(["to be or not to be"]).toarray()
    array([[1., 0., 2., 3.]])
    """

    def transform(self, X: Any) -> Any:
        """Count the tokens of documents by their hashes.

        Parameters
        ----------
        X : iterable
            Texts, bytes, files or names of files, as `input` says.

        Returns
        -------
        sparse matrix of shape (n_samples, n_features)
        """
        if not isinstance(X, str) and hasattr(X, "__len__") and len(X) == 0:
            raise ValueError("X holds no documents: give one at least")
        if isinstance(X, str) or not self._has_kernel():
            return super().transform(X)
        self._validate_ngram_range()
        self._get_hasher()._validate_params()
        documents = self._documents(X)
        if not documents:
            raise ValueError("X holds no documents: give one at least")
        entries, words = code_parts(map(self._spans, parts(documents)), new_words(), True)
        tokens = spell(words)
        codes, counts, indptr = entries.codes, entries.values, entries.rows
        stop = self.get_stop_words() if self.analyzer == "word" else None
        if stop:
            kept = np.array([token not in stop for token in tokens], bool)[codes]
            indptr = np.append(0, np.cumsum(kept))[indptr]
            codes, counts = codes[kept], counts[kept]
        hashes = np.array([murmurhash3_32(token, 0) for token in tokens], np.int64)
        columns = np.abs(hashes) % self.n_features
        columns[hashes == -(2**31)] = (2**31 - 1 - (self.n_features - 1)) % self.n_features  # as scikit-learn has it
        values = counts.astype(self.dtype)
        if self.alternate_sign:
            values *= np.where(hashes >= 0, 1, -1)[codes].astype(values.dtype)
        shape = len(documents), self.n_features
        matrix = csr_matrix((values, columns[codes].astype(np.int32), indptr.astype(np.int32)), shape)
        matrix.sum_duplicates()
        if self.binary:
            matrix.data.fill(1)
        if self.norm is not None:
            matrix.data = matrix.data if matrix.dtype.char in "fd" else matrix.data.astype(np.float64)
            scale_rows(matrix.data, matrix.indptr, self.norm)
        return _align_api_if_sparse(matrix)
