"""TargetEncoder: scikit-learn's, which looks at each distinct value of a column once."""

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import TargetEncoder as ScikitTargetEncoder
from sklearn.utils.validation import check_is_fitted

from fastml.kinds import read_target
from fastml.preprocessing.distinct import distinct_columns
from fastml.preprocessing.encoders import ByDistinct, shown_of

__all__ = ["TargetEncoder"]


class TargetEncoder(ByDistinct, ScikitTargetEncoder):
    """Categories as the mean of the target among their rows, drawn towards the mean of all.

    Each distinct value of a column is looked at once. `fit_transform` is not `fit` and `transform`: it gives each row a
    mean of other folds, so that its own target does not leak into it.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
        The categories of each column; "auto" for those that are there, in order.
    target_type : {"auto", "continuous", "binary", "multiclass"}, default="auto"
        What y is; "auto" looks at it.
    smooth : "auto" or float, default="auto"
        How many rows of the mean of all are mixed in; "auto" for as many as the variances tell.
    cv : int or splitter, default=5
        The folds of `fit_transform`.
    shuffle : bool
        Whether its folds are shuffled; deprecated by scikit-learn 1.9, which takes a splitter instead.
    random_state : int, RandomState instance or None
        Of the shuffle; deprecated likewise.

    Attributes
    ----------
    encodings_ : list of ndarray
        The numbers of the categories: of each column, or of each column for each class.
    categories_ : list of ndarray
        The categories of each column.
    target_type_, target_mean_, classes_
        What y was found to be, its mean, its classes; None for numbers.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import TargetEncoder
    >>> encoder = TargetEncoder(smooth=0).fit([["a"], ["a"], ["b"], ["b"]], [1.5, 2.5, 5.0, 7.5])
    >>> encoder.transform([["b"], ["a"]]).ravel()
    array([6.25, 2.  ])
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the numbers of the categories.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The target.

        Returns
        -------
        self
            The fitted encoder.
        """
        refuse_no_columns(X)
        return super().fit(X, self._read_target(y))

    def fit_transform(self, X: Any, y: Any, **params: Any) -> Any:
        """Learn the numbers of the categories, and give each row those of other folds.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The target.
        **params : dict
            With metadata routing: for the splitter.

        Returns
        -------
        ndarray of shape (n_samples, n_features), or (n_samples, n_features * n_classes) for several classes
        """
        refuse_no_columns(X)
        return super().fit_transform(X, self._read_target(y), **params)

    _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.preprocessing.target_parts import fit_targets

        return fit_targets(self, table, reduce)

    def _read_target(self, y):
        self._validate_params()
        y = y if y is None else read_target(y, self.target_type == "continuous")
        refuse_no_number(y)
        if self.target_type == "continuous" and np.asarray(y).dtype.kind == "b":
            y = np.asarray(y, np.float64)
        if self.target_type == "multiclass" and y is not None and np.ndim(y) == 1 and len(np.unique(np.asarray(y))) < 3:
            raise ValueError("target_type='multiclass' but y has fewer than three classes: use target_type='binary'")
        return y

    def transform(self, X: Any) -> Any:
        """The numbers of the categories of the rows; the mean of all for a category that was not fitted.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features), or (n_samples, n_features * n_classes) for several classes
        """
        check_is_fitted(self)
        columns = distinct_columns(X)
        if columns is None:
            return super().transform(X)
        small = self._of_distinct(X, columns)
        each = small.shape[1] // len(columns)
        out = np.empty((len(X), small.shape[1]), small.dtype)
        for e in range(small.shape[1]):
            out[:, e] = small[:, e][columns[e // each][0]]
        return out

    def _transform(self, X, **options):
        """scikit-learn's step: codes of the categories, and which are known."""
        columns = None if "_shown" in self.__dict__ else distinct_columns(X)
        if columns is None:
            return super()._transform(X, **options)
        aside: Any = object.__new__(type(self))
        aside.__dict__.update(self.__dict__, _shown=shown_of(columns))
        codes, known = super(TargetEncoder, aside)._transform(X, **options)
        shape = len(X), len(columns)
        out, mask = np.empty(shape, codes.dtype), np.ones(shape, bool)
        for j, (places, _) in enumerate(columns):
            out[:, j] = codes[:, j][places]
            if not known[:, j].all():
                mask[:, j] = known[:, j][places]
        return out, mask


def refuse_no_columns(X):
    """scikit-learn looks for the column with most categories among none."""
    shape: tuple = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={tuple(shape)}) while a minimum of 1 is required: X")


def refuse_no_number(y):
    """scikit-learn casts y to find out what it is: it warns of values that are no numbers before it refuses them."""
    numbers = np.asarray(y) if y is not None else np.empty(0)
    if numbers.ndim == 1 and numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        place = int(np.isfinite(numbers).argmin())
        what = "NaN" if np.isnan(numbers[place]) else "infinity"
        raise ValueError(f"Input y contains {what}: y[{place}] is {numbers[place]}; leave such rows out")
