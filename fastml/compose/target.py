"""TransformedTargetRegressor: scikit-learn's, whose predictions are taken back without its checks."""

from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.compose import TransformedTargetRegressor as ScikitTransformedTargetRegressor
from sklearn.preprocessing import FunctionTransformer

from fastml.base import Estimator
from fastml.kinds import read_target
from fastml.linear_model import LinearRegression

__all__ = ["TransformedTargetRegressor"]


class TransformedTargetRegressor(Estimator, ScikitTransformedTargetRegressor):
    """A regressor that learns a function of the target, such as its logarithm, and predicts the target.

    Parameters
    ----------
    regressor : estimator, default=None
        What learns; None for LinearRegression.
    transformer : estimator, default=None
        What is learnt, by its `transform` and `inverse_transform`; not beside `func` and `inverse_func`.
    func : callable, default=None
        What is learnt, as a function of the target (n_samples, n_outputs).
    inverse_func : callable, default=None
        Its inverse.
    check_inverse : bool, default=True
        Whether a fit looks whether one is the inverse of the other.

    Attributes
    ----------
    regressor_ : estimator
        The fitted regressor.
    transformer_ : estimator
        The fitted transformer of the target.
    n_features_in_, feature_names_in_
        The regressor's.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.compose import TransformedTargetRegressor
    >>> from fastml.linear_model import LinearRegression
    >>> model = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
    >>> float(model.fit([[0.0], [1.0], [2.0]], [1.0, np.e, np.e**2]).predict([[3.0]])[0].round(6))
    20.085537
    """

    def __init__(
        self,
        regressor: Any = None,
        *,
        transformer: Any = None,
        func: Any = None,
        inverse_func: Any = None,
        check_inverse: Any = True,
    ) -> None:
        super().__init__(
            regressor,
            transformer=transformer,
            func=func,
            inverse_func=inverse_func,
            check_inverse=check_inverse,
        )

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Transform the target, and fit the regressor to that.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.
        **fit_params : dict
            For the regressor's `fit`.

        Returns
        -------
        self
            The fitted regressor.
        """
        return super().fit(X, None if y is None else read_target(y, True), **fit_params)

    def predict(self, X: Any, **predict_params: Any) -> np.ndarray:
        """The target of each row of X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The rows.
        **predict_params : dict
            For the regressor's `predict`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        own = self.__dict__
        inverse = inverse_of(own.get("transformer_"))
        if predict_params or inverse is None:
            return super().predict(X, **predict_params)
        found = own["regressor_"].predict(X)
        if type(found) is not np.ndarray or found.dtype.kind != "f" or not np.isfinite(found).all():
            return super().predict(X)  # which says what is wrong
        found = inverse(found[:, None] if found.ndim == 1 else found)
        one = own["_training_dim"] == 1 and getattr(found, "ndim", 0) == 2 and found.shape[1] == 1
        return found[:, 0] if one else found

    def _get_regressor(self, get_clone=False):
        """scikit-learn's step, with fastml's LinearRegression where none is given."""
        if self.regressor is not None:
            return super()._get_regressor(get_clone)
        own: Any = LinearRegression()
        return own.set_fit_request(sample_weight=True) if get_config()["enable_metadata_routing"] else own

    def __getstate__(self):
        """The state without scikit-learn's object for `func`, which `__setstate__` makes again."""
        state = dict(super().__getstate__())  # which may be the attributes themselves
        made: Any = state.get("transformer_")
        if self.transformer is None and isinstance(made, FunctionTransformer):
            state["transformer_"] = None
            state["_n_outputs"] = made.n_features_in_
        return state

    def __setstate__(self, state):
        state = dict(state)
        n_outputs = state.pop("_n_outputs", None)
        super().__setstate__(state)
        if n_outputs is not None:
            made: Any = FunctionTransformer(
                self.func, self.inverse_func, validate=True, check_inverse=self.check_inverse
            ).set_output(transform="default")
            made.n_features_in_ = n_outputs
            self.transformer_ = made


def inverse_of(transformer):
    """What takes tables of predictions back, as a function; None where the transformer must be asked."""
    if type(transformer) is not FunctionTransformer or transformer.inv_kw_args or not transformer.validate:
        return None
    return transformer.inverse_func or (lambda found: found)
