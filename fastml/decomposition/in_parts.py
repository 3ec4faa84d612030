"""PCA and TruncatedSVD over a table in parts: from the products of the columns, which one pass adds up."""

from typing import Any

import numpy as np

from fastml.decomposition.spectra import flipped, principal
from fastml.scale.scatters import Scatter, refuse_wide

__all__ = ["fit_pca", "fit_truncated"]


def fit_pca(model: Any, table: Any, reduce: Any) -> None:
    """Where a sample is the table, as in memory; else by the covariance."""
    if model.svd_solver not in ("auto", "covariance_eigh") or isinstance(model.n_components, str):
        raise ValueError(
            f"{table.who} of a table in parts takes the covariance: svd_solver={model.svd_solver!r} and"
            f" n_components={model.n_components!r} are for tables in memory; take svd_solver='auto' and a number"
        )
    d = table.parts.n_features
    refuse_wide(table, d * d)
    found, few = table.reduce_unless_few(Scatter(d))
    if few is not None:
        model.fit(few[0])
        return
    n, mean, products, dtype = int(found.counts[0]), found.means[0], checked(found.products), table.parts.dtype
    shape = n, d
    wanted = min(shape) if model.n_components is None else model.n_components
    model._fit_svd_solver = "covariance_eigh"
    model._check_number(shape, wanted, "covariance_eigh")
    with np.errstate(divide="ignore", invalid="ignore"):
        variance, vectors = principal(products / (n - 1.0), np.float64)
    values = np.sqrt(variance * (n - 1))
    model._keep(shape, wanted, mean.astype(dtype), values, variance.astype(dtype), flipped(vectors), None)
    model.components_, model._made = np.ascontiguousarray(model.components_), {}


def fit_truncated(model: Any, table: Any, reduce: Any) -> None:
    """Where a sample is the table, as in memory; else exact, by the products of the columns."""
    if model.algorithm == "arpack":
        raise ValueError(f"{table.who} of a table in parts takes algorithm='randomized', and is exact; not 'arpack'")
    d, k = table.parts.n_features, model.n_components
    refuse_wide(table, d * d)
    if k > d:
        raise ValueError(f"n_components({k}) must be <= n_features({d}).")
    found, few = table.reduce_unless_few(Scatter(d))
    if few is not None:
        model.fit(few[0])
        return
    n, mean, products, dtype = found.counts[0], found.means[0], checked(found.products), table.parts.dtype
    squares, vectors = principal(products + n * np.multiply.outer(mean, mean), np.float64)
    vectors = flipped(vectors[:k])
    variance = np.einsum("ij,jk,ik->i", vectors, products / n, vectors)
    model.components_ = np.ascontiguousarray(vectors, dtype)
    model.explained_variance_, model.singular_values_ = variance.astype(dtype), np.sqrt(squares[:k]).astype(dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        model.explained_variance_ratio_ = (variance / (np.trace(products) / n)).astype(dtype)


def checked(products: np.ndarray) -> np.ndarray:
    if not np.isfinite(products).all():
        place = int(np.flatnonzero(~np.isfinite(products.diagonal()))[0])
        raise ValueError(f"the squares of column {place} of X add up beyond the largest float64: divide it first")
    return products
