"""Steps that learn nothing, under scikit-learn's names: rows of norm 1, and numbers above a threshold."""

from typing import Any, Self

from scipy.sparse import issparse
from sklearn.preprocessing import Binarizer as ScikitBinarizer
from sklearn.preprocessing import Normalizer as ScikitNormalizer

from fastml.base import first_nonfinite
from fastml.operations import Normed
from fastml.preprocessing.scaling import ByKernel
from fastml_ext import preprocessing as kernels

__all__ = ["Binarizer", "Normalizer"]


class Learnless(ByKernel):
    """Its fit checks the parameters and notes the columns."""

    _with_nan = False
    _any_order = False

    def _take_rows(self, X, original):
        if issparse(X):
            original.fit(self, self._by_scikit_learn(X))
            self._note_columns()
        else:
            self._refuse_infinite(self._rows_to_learn(X))
        return self

    def _rows(self, X):
        return X if self._goes_as_it_is(X) else self._converted(X, reset=False)


class Normalizer(Learnless, ScikitNormalizer):
    """Rows divided by their norms.

    Parameters
    ----------
    norm : {"l1", "l2", "max"}, default="l2"
        Sum of magnitudes, length, or largest magnitude. A row of zeros stays as it is.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import Normalizer
    >>> Normalizer().transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; nothing is learnt from X (n_samples, n_features)."""
        return self._take_rows(X, ScikitNormalizer)

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """X (n_samples, n_features), array-like, frame or sparse, with rows of norm 1, in its dtype.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        copy : bool, default=None
            In place of the parameter of that name.
        """
        if issparse(X) or not (self.copy if copy is None else copy):
            return ScikitNormalizer.transform(self, self._by_scikit_learn(X), copy)
        X = self._rows(X)
        if first_nonfinite(X) is not None:
            self._refuse_infinite(X)
        return kernels.normalise(X, self.norm)[0]

    def _operation(self, X):
        return Normed(self.norm)


class Binarizer(Learnless, ScikitBinarizer):
    """1 where a number is above a threshold, else 0.

    Parameters
    ----------
    threshold : float, default=0.0
        What numbers are compared with; not below 0 for sparse tables.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import Binarizer
    >>> Binarizer(threshold=1.5).transform([[1.0, 2.0]])
    array([[0., 1.]])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; nothing is learnt from X (n_samples, n_features)."""
        return self._take_rows(X, ScikitBinarizer)

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """1 and 0 for X (n_samples, n_features), array-like, frame or sparse, in its dtype.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        copy : bool, default=None
            In place of the parameter of that name.
        """
        if self._goes_as_it_is(X) and (self.copy if copy is None else copy):
            if first_nonfinite(X) is not None:
                self._refuse_infinite(X)
            return kernels.binarise(X, self.threshold)
        return ScikitBinarizer.transform(self, self._by_scikit_learn(X), copy)  # whole numbers stay whole
