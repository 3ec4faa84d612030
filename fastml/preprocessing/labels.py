"""LabelEncoder and LabelBinarizer: scikit-learn's, which look at each distinct label once."""

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import LabelBinarizer as ScikitLabelBinarizer
from sklearn.preprocessing import LabelEncoder as ScikitLabelEncoder
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastml.base import Estimator
from fastml.preprocessing.distinct import of_array

__all__ = ["LabelBinarizer", "LabelEncoder"]

FEW = 64  # labels that scikit-learn's code has encoded before their distinct ones are found


def distinct_labels(y):
    """(codes (n,), distinct labels) of an array of one dimension; None of few labels, and of those left to others."""
    return of_array(y) if type(y) is np.ndarray and y.ndim == 1 and len(y) >= FEW else None


class LabelEncoder(Estimator, ScikitLabelEncoder, auto_wrap_output_keys=None):
    """Labels as the numbers of their places in order.

    Each distinct label is looked at once, and texts are found by their hashes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in order.

    Examples
    --------
    >>> from fastml.preprocessing import LabelEncoder
    >>> encoder = LabelEncoder().fit(["pear", "apple", "pear"])
    >>> encoder.transform(["apple", "pear"])
    array([0, 1])
    >>> encoder.inverse_transform([1]).tolist()
    ['pear']
    """

    _parameter_constraints: dict = {}

    _labels_parts = True

    def fit(self, y: Any) -> Self:
        """Learn the labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self
            The fitted encoder.
        """
        y = column_or_1d(y, warn=True)
        found = distinct_labels(y)
        return super().fit(y if found is None else found[1])

    def fit_transform(self, y: Any) -> np.ndarray:
        """Learn the labels, and give their places.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        y = column_or_1d(y, warn=True)
        found = distinct_labels(y)
        return super().fit_transform(y) if found is None else super().fit_transform(found[1])[found[0]]

    def transform(self, y: Any) -> np.ndarray:
        """The places of labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels, all of which were fitted.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        given = column_or_1d(y, dtype=self.classes_.dtype, warn=True)
        found = distinct_labels(given)
        return super().transform(y) if found is None else super().transform(found[1])[found[0]]

    def inverse_transform(self, y: Any) -> np.ndarray:
        """The labels at places.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Places.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        plain = type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "iu" and len(y) > 0
        if plain and y.min() >= 0 and y.max() < len(self.classes_):
            return self.classes_.take(y)
        return super().inverse_transform(y)


class LabelBinarizer(Estimator, ScikitLabelBinarizer, auto_wrap_output_keys=None):
    """A column of 0 and 1 for each label; one column for two labels.

    Each distinct label is looked at once, and texts are found by their hashes.

    Parameters
    ----------
    neg_label, pos_label : int, default=0 and 1
        In place of 0 and 1.
    sparse_output : bool, default=False
        Whether the result is CSR.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in order.
    y_type_ : str
        What the target is by `sklearn.utils.multiclass.type_of_target`.
    sparse_input_ : bool
        Whether it was sparse.

    Examples
    --------
    >>> from fastml.preprocessing import LabelBinarizer
    >>> LabelBinarizer().fit_transform(["pear", "apple", "fig"])
    array([[0, 0, 1],
           [1, 0, 0],
           [0, 1, 0]])
    """

    def __init__(self, *, neg_label: int = 0, pos_label: int = 1, sparse_output: bool = False) -> None:
        super().__init__(neg_label=neg_label, pos_label=pos_label, sparse_output=sparse_output)

    _labels_parts = True

    def fit(self, y: Any) -> Self:
        """Learn the labels.

        Parameters
        ----------
        y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_classes)
            Labels, or rows of 0 and 1 with a 1 for each label that a row has.

        Returns
        -------
        self
            The fitted binarizer.
        """
        found = self._distinct(y)
        return super().fit(y if found is None else found[1])

    def fit_transform(self, y: Any) -> Any:
        """Learn the labels, and give their rows.

        Parameters
        ----------
        y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_classes)
            Labels, or rows of 0 and 1 with a 1 for each label that a row has.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_classes), or (n_samples, 1) for two labels
        """
        return self.fit(y).transform(y)

    def transform(self, y: Any) -> Any:
        """The rows of labels; zeros for one that was not fitted.

        Parameters
        ----------
        y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_classes)
            Labels, or rows of 0 and 1 with a 1 for each label that a row has.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_classes), or (n_samples, 1) for two labels
        """
        found = self._distinct(y)
        if found is None or len(found[1]) < 2:  # one label is of another type, alone or not
            return super().transform(y)
        return super().transform(found[1])[found[0]]

    @staticmethod
    def _distinct(y):
        """`distinct_labels` of whole numbers and texts, which are of the same type whether they stand alone or not."""
        if type(y) is not np.ndarray or y.dtype.kind not in "iubUO":
            return None
        found = distinct_labels(y)
        texts = found is None or y.dtype.kind != "O" or set(map(type, found[1].tolist())) == {str}
        return found if texts else None
