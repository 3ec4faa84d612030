"""MultiLabelBinarizer: scikit-learn's, which looks at each distinct label once."""

import warnings
from itertools import chain
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.preprocessing import MultiLabelBinarizer as ScikitMultiLabelBinarizer

from fastml._sklearn import _align_api_if_sparse
from fastml.base import Estimator
from fastml_ext import preprocessing as kernels

__all__ = ["MultiLabelBinarizer"]

KINDS = {list, tuple, set, frozenset, str}  # of rows, whose length is known before they are read


class MultiLabelBinarizer(Estimator, ScikitMultiLabelBinarizer, auto_wrap_output_keys=None):
    """A column of 0 and 1 for each label, where a row may have several labels.

    Each distinct label is looked at once.

    Parameters
    ----------
    classes : array-like of shape (n_classes,), default=None
        The labels, in the order of the columns; None for those that are there, in order.
    sparse_output : bool, default=False
        Whether the result is CSR.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels of the columns.

    Examples
    --------
    >>> from fastml.preprocessing import MultiLabelBinarizer
    >>> MultiLabelBinarizer().fit_transform([{"blue", "red"}, {"green"}, set()])
    array([[1, 0, 1],
           [0, 1, 0],
           [0, 0, 0]])
    """

    def __init__(self, *, classes: Any = None, sparse_output: bool = False) -> None:
        super().__init__(classes=classes, sparse_output=sparse_output)

    def fit(self, y: Any) -> Self:
        """Learn the labels.

        Parameters
        ----------
        y : iterable of iterables
            The labels of each row; not looked at where `classes` are given.

        Returns
        -------
        self
            The fitted binarizer.
        """
        return super().fit(y)

    def _build_cache(self):
        """scikit-learn's step: the column of each label."""
        return self._once("columns", [self.classes_], lambda: dict(zip(self.classes_, range(len(self.classes_)))))  # noqa: B905

    def _transform(self, y, class_mapping):
        """scikit-learn's step: the CSR matrix; new labels get columns where `class_mapping` makes them."""
        rows = y if type(y) in (list, tuple) else list(y)
        if not KINDS.issuperset(map(type, rows)):
            rows = [list(row) for row in rows]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        labels = np.fromiter(chain.from_iterable(rows), object, int(lengths.sum()))
        codes, distinct = kernels.code_objects(labels)
        places, unknown = np.full(len(distinct) + 1, -1, np.int64), []
        for code, label in enumerate(distinct):
            try:
                places[code] = class_mapping[label]
            except KeyError:
                unknown.append(label)
        if unknown:
            warnings.warn(f"unknown class(es) {sorted(unknown, key=str)} will be ignored", stacklevel=3)
        width = len(class_mapping)
        held = places[codes]
        cells = np.repeat(np.arange(0, width * len(rows), width) if width else np.zeros(len(rows), int), lengths) + held
        cells = cells[held >= 0] if unknown else cells
        cells.sort()
        twice = cells[1:] == cells[:-1]  # a label that a row names again counts once
        if twice.any():
            cells = np.delete(cells, 1 + np.flatnonzero(twice))
        indptr = np.zeros(len(rows) + 1, np.int32)
        if width:
            np.cumsum(np.bincount(cells // width, minlength=len(rows)), out=indptr[1:])
            cells %= width
        table = csr_array((np.ones(len(cells), int), cells.astype(np.int32), indptr), shape=(len(rows), width))
        return _align_api_if_sparse(table)
