"""scikit-learn's RANSACRegressor, which takes fastml's LinearRegression for what it is."""

from typing import Any, Self

import sklearn.linear_model

from fastml.linear_model.least_squares import LinearRegression

__all__ = ["RANSACRegressor"]


class RANSACRegressor(sklearn.linear_model.RANSACRegressor):
    """scikit-learn's: with fastml's LinearRegression, too, `min_samples=None` stands for n_features + 1 samples."""

    min_samples: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Fit to the samples that agree with one another; parameters as of scikit-learn's."""
        if self.min_samples is not None or not isinstance(self.estimator, LinearRegression):
            return super().fit(X, y, sample_weight=sample_weight, **fit_params)
        columns = X.shape[1] if len(getattr(X, "shape", ())) == 2 else len(X[0]) if len(X) else 0
        self.min_samples = columns + 1
        try:
            return super().fit(X, y, sample_weight=sample_weight, **fit_params)
        finally:
            self.min_samples = None
