"""Dictionaries of features as rows of a matrix."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Number
from typing import Any, Self

import numpy as np
from sklearn.feature_extraction import DictVectorizer as ScikitDictVectorizer
from sklearn.utils.validation import check_is_fitted

from fastml.base import Estimator
from fastml.kinds.values import EXACT, refuse_large
from fastml.preprocessing.templates.matrix import as_csr
from fastml_ext import features as kernels

__all__ = ["DictVectorizer"]


class DictVectorizer(Estimator, ScikitDictVectorizer):
    """scikit-learn's DictVectorizer, the same columns and values, read by a compiled kernel.

    A number is the value of the feature of that name, None is NaN; a string, or each of a list of strings, is a feature
    "name=string" of its own. Values that are not float32 or float64 (`dtype`) are made by scikit-learn's own code.

    Parameters
    ----------
    dtype : dtype, default=numpy.float64
        Of the matrix.
    separator : str, default="="
        Between name and string.
    sparse : bool, default=True
        CSR rather than a dense array.
    sort : bool, default=True
        Columns in order of their names rather than of their first appearance.

    Attributes
    ----------
    feature_names_ : list
        Names of the columns.
    vocabulary_ : dict
        The column of each name.

    Examples
    --------
    >>> from fastml.feature_extraction import DictVectorizer
    >>> records = DictVectorizer(sparse=False)
    >>> records.fit_transform([{"city": "Rome", "age": 3}, {"city": "Oslo"}])
    array([[3., 0., 1.],
           [0., 1., 0.]])
    >>> records.feature_names_
    ['age', 'city=Oslo', 'city=Rome']
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names of the features of X, an iterable of mappings; y is ignored."""
        self._validate_params()
        if not self._has_kernel():
            return super().fit(X)
        self._learn(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """`fit(X)` and then `transform(X)`, in one pass; raises as `transform` does."""
        self._validate_params()
        if not self._has_kernel():
            return super().fit_transform(X)
        entries, rank = self._learn(X)
        return self._matrix(entries, rank)

    def transform(self, X: Any) -> Any:
        """The matrix (n_samples, n_features) of X, an iterable of mappings; names not met in fit are left out.

        Raises
        ------
        TypeError
            If a record is no mapping or a value is neither number, string nor list of strings; the message names it.
        ValueError
            If X is empty.
        """
        check_is_fitted(self, ["feature_names_", "vocabulary_"])
        if not self._has_kernel():
            return super().transform(X)
        records = listed(X)
        return self._matrix(self._code(records, self.vocabulary_, False), np.arange(len(self.vocabulary_)))

    def _has_kernel(self):
        return np.dtype(self.dtype) in (np.float32, np.float64)

    def _learn(self, X):
        """(entries, the column of each code)"""
        names: dict = {}
        entries = self._code(listed(X), names, True)
        met = list(names)
        order = in_order(met) if self.sort else np.arange(len(met))
        self.feature_names_ = [met[code] for code in order.tolist()]
        self.vocabulary_ = dict(zip(self.feature_names_, range(len(met)), strict=True))
        rank = np.empty(len(met), np.int64)
        rank[order] = np.arange(len(met))
        return entries, rank

    def _code(self, records, names, grow):
        try:
            entries = kernels.code_records(records, names, {}, self.separator, grow)
            if (np.abs(entries[1]) >= EXACT).any():
                refuse_rounded(records)
            return entries
        except TypeError as error:
            refused = TypeError(words_for(records) or f"Unsupported value Type. {error}")
            refused.add_note(f"{error}: a feature is a number, a string, or a list of strings")
            raise refused from None

    def _matrix(self, entries, rank):
        codes, values, rows = entries
        n = len(rows) - 1
        matrix = as_csr(kernels.assemble(n, [(rows, rank[codes], values)]), (n, len(rank)), self.dtype)
        return matrix if self.sparse else matrix.toarray()


def refuse_rounded(records):
    """Name the first whole number that float64 would make another one of."""
    for i, record in enumerate(records):
        for name, value in record.items():
            if isinstance(value, Integral) and int(float(value)) != value:
                refuse_large(name, f"{value} in record {i}", "the matrix holds floats")


def in_order(names):
    """(n,) int64: where the names stand that come first, second, ... in order."""
    packed = kernels.pack(names)
    if packed is not None:
        return kernels.order_words(*packed)
    return np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)  # keys need not be strings


def words_for(records):
    """What scikit-learn says of the first value that is no feature, to the letter; None where a record is none."""
    for record in records:
        if not hasattr(record, "items"):
            return None
        for name, value in record.items():
            if isinstance(value, Mapping):
                return f"Unsupported value type {type(value)} for {name}: {value}.\nMapping objects are not supported."
            if isinstance(value, str | Number) or value is None:
                continue
            if not isinstance(value, Iterable) or isinstance(value, bytes):
                kind, shown = type(value), str(value)
                return f"Unsupported value Type {kind} for {name}: {shown}.\n{kind} objects are not supported."
            for each in value:
                if not isinstance(each, str):
                    return f"Unsupported type {type(each)} in iterable value. Only iterables of string are supported."
    return None


def listed(X):
    """The records of X as a list; a mapping is one record."""
    records = [X] if isinstance(X, Mapping) else list(X)
    if not records:
        raise ValueError("Sample sequence X is empty: pass one mapping at least")
    return records
