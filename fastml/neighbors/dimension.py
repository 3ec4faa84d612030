"""How much distances tell: relative contrast as columns are added, and how many dimensions the rows fill."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from fastml._sklearn import check_array
from fastml.neighbors.unsupervised import NearestNeighbors

__all__ = ["Concentration", "concentration"]

POOR = 1.0  # contrast, below which the farthest of all rows is less than twice as far as the nearest


class Concentration(NamedTuple):
    """What `concentration` finds."""

    columns: np.ndarray  # how many columns were taken
    contrast: np.ndarray  # of as many: the median of (farthest - nearest) / nearest
    by_neighbors: float  # dimensions, by Levina and Bickel's estimator
    by_spectrum: float  # dimensions: the participation ratio of the variances on the principal axes
    advice: str  # one sentence where nearest neighbours are likely to suffer, else ""


def concentration(
    X: Any, *, n_neighbors: int | None = None, max_samples: int = 1000, random_state: Any = 0
) -> Concentration:
    """How far distances between rows concentrate, and how many dimensions the rows fill.

    In many dimensions the nearest row is hardly nearer than the farthest. The relative contrast, (farthest - nearest) /
    nearest, says so; its median over the rows is found for 1, 2, 4, ... columns, drawn in random order and brought to a
    deviation of 1. The dimensions that the rows fill may be far fewer than the columns, and it is these that count.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numbers; two rows or more that differ.
    n_neighbors : int, default=None
        Of the estimate by neighbours; None for 10, or all others where fewer rows differ.
    max_samples : int, default=1000
        Rows drawn, where there are more.
    random_state : int, RandomState instance or None, default=0
        Of the draws.

    Returns
    -------
    found : Concentration
        `columns`, `contrast`, `by_neighbors` (Levina and Bickel 2005, joined over rows as MacKay and Ghahramani do),
        `by_spectrum` ((sum of variances)^2 / sum of their squares) and `advice`, one sentence or "".

    Raises
    ------
    ValueError
        If X has fewer than three distinct rows, or n_neighbors is not between 2 and their number.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.neighbors import concentration
    >>> found = concentration(np.random.default_rng(0).standard_normal((500, 64)))
    >>> found.columns.tolist()
    [1, 2, 4, 8, 16, 32, 64]
    >>> bool(found.contrast[1] > 50), bool(found.contrast[-1] < 1)
    (True, True)
    """
    X = check_array(X, dtype=np.float64, ensure_min_samples=3)
    random = check_random_state(random_state)
    if len(X) > max_samples:
        X = X[random.choice(len(X), max_samples, replace=False)]
    X = np.unique(X, axis=0)
    n_neighbors = min(10, len(X) - 1) if n_neighbors is None else n_neighbors
    if len(X) < 3:
        raise ValueError(
            f"X has too few rows that differ: n_neighbors must be between 2 and the number of distinct rows, {len(X)},"
            " less 1"
        )
    if not 2 <= n_neighbors < len(X):
        raise ValueError(
            f"n_neighbors={n_neighbors} must be between 2 and the number of distinct rows, {len(X)}, less 1"
        )
    deviation = X.std(axis=0)
    Z = ((X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))[:, deviation > 0]
    columns = np.unique(np.append(2 ** np.arange(int(np.log2(Z.shape[1])) + 1), Z.shape[1]))
    order = random.permutation(Z.shape[1])
    contrast = np.array([contrast_of(np.ascontiguousarray(Z[:, order[:m]])) for m in columns])
    distances = NearestNeighbors(n_neighbors=n_neighbors).fit(Z).kneighbors()[0]
    found = columns, contrast, levina_bickel(distances), participation(Z)
    return Concentration(*found, advice_of(contrast[-1], found[2], Z.shape[1]))


def contrast_of(Z):
    """Median over the rows of (farthest - nearest) / nearest; rows that coincide are left out."""
    size = (Z**2).sum(axis=1)
    found = []
    for start in range(0, len(Z), 256):
        squares = size[start : start + 256, None] + size - 2 * Z[start : start + 256] @ Z.T
        rows = np.arange(len(squares))
        squares[rows, start + rows] = -1
        farthest = np.sqrt(np.maximum(squares.max(axis=1), 0))
        squares[rows, start + rows] = np.inf
        places = squares.argmin(axis=1)
        nearest = np.sqrt(((Z[start : start + 256] - Z[places]) ** 2).sum(axis=1))  # a difference keeps its digits
        apart = nearest > 0
        found.append((farthest[apart] - nearest[apart]) / nearest[apart])
    values = np.concatenate(found)
    return float(np.median(values)) if len(values) else np.inf


def levina_bickel(distances):
    """The dimension from the distances (n, k) of each row's neighbours, ascending.

    Of a row 1 / mean of log(T_k / T_j), j < k: the maximum of the likelihood. Over the rows the inverses are averaged.
    """
    distances = distances[distances[:, 0] > 0]
    if not len(distances):
        return np.nan
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean()
    return float(1 / inverse) if inverse > 0 else np.inf


def participation(Z):
    """(sum of variances)^2 / sum of squared variances, on the principal axes."""
    products = Z.T @ Z if len(Z) >= Z.shape[1] else Z @ Z.T
    return float(np.trace(products) ** 2 / (products**2).sum())


def advice_of(contrast, dimension, d):
    if contrast >= POOR:
        return ""
    return (
        f"The farthest row is only {1 + contrast:.1f} times as far as the nearest, in {d} columns that fill about"
        f" {dimension:.0f} dimensions: nearest neighbours are likely to suffer. Select columns, or combine them by PCA."
    )
