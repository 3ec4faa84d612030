"""What linear models share once they are fitted: scores, predictions, explanations, weights given by hand."""

from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from fastml.base import Estimator, one_row
from fastml.explanation import Explanation
from fastml.kinds import canonical
from fastml_ext import linear as kernels

__all__ = ["MOST", "LinearClassifier", "LinearModel", "LinearRegressor", "Scores", "as_weights"]

LARGE = 10_000  # values from which it pays to look at the scores alone for what is not finite
MOST = 2**63 - 1  # iterations: what an integer of the kernels holds


class Scores(NamedTuple):
    """Given in place of X: the scores of its rows, which a pipeline has found on the way (fastml.pipeline)."""

    values: np.ndarray


class LinearModel(Estimator):
    """A model whose scores are X @ coef_.T + intercept_."""

    coef_: Any
    intercept_: Any

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_fit(self, X, *y, **options):
        """As every estimator's; CSR comes back without duplicates."""
        checked = super()._check_fit(X, *y, accept_sparse="csr", **options)
        X = canonical(checked[0] if y else checked)
        return (X, checked[1]) if y else X

    def _scores(self, X):
        """Scores (n_samples, n_outputs) of rows X."""
        if type(X) is Scores:
            return X.values
        if type(X) is np.ndarray and X.size > LARGE and self._is_plain(X):
            with np.errstate(over="ignore", invalid="ignore"):
                scores = self._scores_of(X)  # a value that is not finite leaves no finite score: even times 0 it is NaN
            if not np.isfinite(scores).all():
                self._check_rows(X)
            return scores
        return self._scores_of(self._check_rows(X))

    def _is_plain(self, X):
        """Whether a table needs no check but that it is finite."""
        flags = X.flags
        return (
            X.ndim == 2
            and X.shape[1] == getattr(self, "_fast_columns", -1)
            and X.dtype == self._dtype
            and flags.c_contiguous
            and flags.aligned
            and type(self.coef_) is np.ndarray
        )

    def _scores_of(self, X):
        coef, intercept = self.coef_, self.intercept_
        if coef.ndim == 1:
            coef = coef[None, :]
        if type(X) is not np.ndarray or type(coef) is not np.ndarray:
            if type(coef) is np.ndarray and len(coef) == 1:
                return (X @ coef[0])[:, None] + np.atleast_1d(intercept)
            product = X @ coef.T
            return (product.toarray() if sp.issparse(product) else product) + np.atleast_1d(intercept)
        if type(intercept) is not np.ndarray or intercept.shape != coef.shape[:1]:
            intercept = np.full(len(coef), intercept, X.dtype)
        if coef.dtype != X.dtype or not coef.flags.c_contiguous:
            coef = np.ascontiguousarray(coef, X.dtype)
        return kernels.scores(X, coef, intercept, getattr(self, "n_jobs", None))

    def densify(self) -> Self:
        """Turn `coef_` into a dense array, as it is after fit; returns the model."""
        check_is_fitted(self)
        if sp.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self

    def sparsify(self) -> Self:
        """Turn `coef_` into a CSR matrix, which is smaller and faster where most weights are 0; returns the model."""
        check_is_fitted(self)
        self.coef_ = sp.csr_matrix(self.coef_)
        return self

    def explain(self, x: Any) -> Explanation:
        """What the scores of one sample x, array-like of shape (n_features,) or (1, n_features), are made of.

        Returns
        -------
        Explanation
            A row for each feature, the one that weighs most in the highest score first: its value, and its value times
            its weight for each output. A column's sum and the intercept make the score. Details: `contributions`
            (n_outputs, n_features) in the order of the columns of X, `intercepts` and `scores` (n_outputs,).
        """
        row = one_row(x)
        checked = self._check_rows(row)
        values = checked.toarray()[0] if sp.issparse(checked) else checked[0]
        coef = self.coef_.toarray() if sp.issparse(self.coef_) else np.atleast_2d(self.coef_)
        parts, scores = coef * values, self._scores(row)[0]
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(len(values))])
        intercepts = np.broadcast_to(self.intercept_, scores.shape).copy()
        outputs, prediction, top = self._outputs(len(scores)), self.predict(row)[0], int(np.argmax(scores))
        order = np.argsort(-np.abs(parts[top]), kind="stable")
        return Explanation(
            prediction,
            f"{prediction}: score of {outputs[top]} {scores[top]:.4g}, of which intercept {intercepts[top]:.4g}",
            ("feature", "value", *map(str, outputs)),
            [(str(names[j]), float(values[j]), *map(float, parts[:, j])) for j in order],
            {"contributions": parts, "intercepts": intercepts, "scores": scores},
        )

    def _take_weights(self, coef, intercept, feature_names):
        """Weights given by hand, (k, d) and (k,), as if they had been fitted."""
        self.coef_, self.intercept_, self.n_features_in_ = coef, intercept, coef.shape[-1]
        if feature_names is not None:
            names = np.asarray(feature_names, dtype=object)
            if names.shape != (coef.shape[-1],):
                raise ValueError(f"feature_names has {names.size} names for {coef.shape[-1]} weights: give one each")
            self.feature_names_in_ = names
        self._note_rows(coef.dtype, sparse="csr")
        return self


def as_weights(coef, intercept):
    """(coef (k, d), intercept (k,)) from what the user gives by hand, float64 and finite."""
    coef = np.array(np.atleast_2d(np.asarray(coef)), np.float64, order="C")
    intercept = np.array(np.broadcast_to(np.asarray(intercept, np.float64), len(coef)))
    if coef.ndim != 2 or not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise ValueError("coef must be finite numbers of shape (n_features,) or (n_outputs, n_features)")
    return coef, intercept


class LinearClassifier(ClassifierMixin, LinearModel):
    """A class for each score, the highest wins; or two classes and one score, which is positive for the second."""

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the rows of X: (n_samples, n_classes); for two classes (n_samples,), positive for `classes_[1]`."""
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of X, array-like or sparse of shape (n_samples, n_features): (n_samples,)."""
        scores = self._scores(X)
        if scores.shape[1] == 1:
            return self.classes_[(scores[:, 0] > 0).view(np.int8)]
        return self.classes_[scores.argmax(axis=1)]

    def _outputs(self, k):
        return [self.classes_[1]] if k == 1 else list(self.classes_)

    @classmethod
    def from_weights(cls, coef: Any, intercept: ArrayLike = 0, feature_names: Any = None, classes: Any = None) -> Self:
        """A classifier with weights given by hand.

        Parameters
        ----------
        coef : array-like of shape (n_features,) or (n_classes, n_features)
            The weights; one row for two classes.
        intercept : float or array-like of shape (n_classes,), default=0
            The intercepts.
        feature_names : array-like of str of shape (n_features,), default=None
            The columns' names.
        classes : array-like of shape (n_classes,), default=None
            The classes in ascending order; default -1 and 1 for one row of weights, else 0, 1, 2, ...
        """
        coef, intercept = as_weights(coef, intercept)
        n_classes = max(2, len(coef))
        if classes is None:
            classes = [-1, 1] if len(coef) == 1 else range(n_classes)
        classes = np.asarray(classes)
        if len(classes) != n_classes:
            raise ValueError(f"classes has {len(classes)} labels, but coef of shape {coef.shape} is for {n_classes}")
        model = cls()._take_weights(coef, intercept, feature_names)
        model.classes_ = classes
        return model


class LinearRegressor(RegressorMixin, MultiOutputMixin, LinearModel):
    """One output or several, each its own score."""

    def predict(self, X: Any) -> np.ndarray:
        """The outputs of each row of X, array-like or sparse: (n_samples,) or (n_samples, n_outputs)."""
        scores = self._scores(X)
        return scores[:, 0] if self.coef_.ndim == 1 or self._one_output else scores

    _one_output = False

    def _outputs(self, k):
        return ["y"] if k == 1 else [f"y{c}" for c in range(k)]

    @classmethod
    def from_weights(cls, coef: ArrayLike, intercept: ArrayLike = 0, feature_names: Any = None) -> Self:
        """A predictor with weights given by hand.

        Parameters
        ----------
        coef : array-like of shape (n_features,) or (n_outputs, n_features)
            The weights.
        intercept : float or array-like of shape (n_outputs,), default=0
            The intercepts.
        feature_names : array-like of str of shape (n_features,), default=None
            The columns' names.
        """
        weights, intercepts = as_weights(coef, intercept)
        if np.ndim(coef) == 1:
            weights = weights[0]
        return cls()._take_weights(weights, intercepts, feature_names)
