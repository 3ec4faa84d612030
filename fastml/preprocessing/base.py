"""What the feature maps of numbers share."""

from sklearn.base import TransformerMixin

from fastml.base import Estimator
from fastml_ext import checks

__all__ = ["MOST_PARTS", "ColumnMap"]

MOST_PARTS = 2**20  # bins, or harmonics, of one column: far beyond use, and well within every memory


class ColumnMap(TransformerMixin, Estimator):
    """A transformer whose features come from one column each, or a few."""

    def _check_finite(self, X):
        if checks.first_nonfinite(X) is not None:  # one quick pass; only then is NaN told from infinity
            super()._check_finite(X)

    def _names(self):
        """The columns' names."""
        return getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
