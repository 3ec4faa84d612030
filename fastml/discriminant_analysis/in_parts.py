"""Discriminant analysis over a table in parts: from the products of the columns about the means of the classes."""

from typing import Any

import numpy as np

from fastml.decomposition.spectra import principal
from fastml.scale.scatters import Scatter, refuse_wide

__all__ = ["fit_linear", "fit_quadratic"]


def scattered(model: Any, table: Any, each: bool) -> Any:
    """The state of the pass; None where a sample was the table, to which the model has been fitted."""
    if model.solver != "svd" or model.shrinkage is not None or model.covariance_estimator is not None:
        raise ValueError(
            f"{table.who} of a table in parts takes solver='svd' without shrinkage and covariance_estimator; others are"
            " for tables in memory"
        )
    d, k = table.parts.n_features, len(table.labels.classes)
    refuse_wide(table, d * d * (k if each else 1))
    found, few = table.reduce_unless_few(Scatter(d, k, each))
    if few is not None:
        model.fit(few[0], table.labels.classes[few[1]])
        return None
    if not np.isfinite(found.products).all():
        raise ValueError("sums of squares of X are beyond float64: scale its columns first")
    return found


def fit_linear(model: Any, table: Any, reduce: Any) -> None:
    if model.store_covariance:
        raise ValueError(f"{table.who} of a table in parts keeps no covariance: leave store_covariance as it is")
    found = scattered(model, table, False)
    if found is None:
        return
    model.classes_ = table.labels.classes
    n, d = int(found.counts.sum()), table.parts.n_features
    whitening = lambda: model._of_products(found.products, n)  # noqa: E731
    model._settle(found.counts, (n, d), table.parts.dtype, lambda: found.means, lambda means: whitening())
    model._made = {}


def fit_quadratic(model: Any, table: Any, reduce: Any) -> None:
    found = scattered(model, table, True)
    if found is None:
        return
    model.classes_ = table.labels.classes
    d, dtype = table.parts.n_features, table.parts.dtype

    def axes_of(c: int) -> tuple:
        count = int(found.counts[c])
        return count, found.means[c], lambda: principal(found.products[c] / count, np.float64), (count, d)

    model._settle(found.counts, dtype, axes_of)
    model._made = {}
