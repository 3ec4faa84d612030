"""Sparse rows of a table in parts: CSR that is cut and put together like the arrays of other tables."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse, vstack

from fastml.scale.parts import Parts

__all__ = ["Dense", "SparseRows", "as_dense", "with_length"]

SLABS = 4  # of a table that are held at once, about


class SparseRows(csr_matrix):
    """A CSR matrix that has a length, and that `numpy.concatenate` takes."""

    def __len__(self) -> int:
        return self.shape[0]

    def __array_function__(self, function: Any, types: Any, arguments: tuple, options: dict) -> Any:
        if function is not np.concatenate:
            return NotImplemented
        plain = [csr_matrix((X.data, X.indices, X.indptr), X.shape, copy=False) for X in arguments[0]]
        return SparseRows(vstack(plain, "csr"))  # SciPy would take what has a length for a list of lists


def with_length(X: Any) -> Any:
    """Sparse rows as `SparseRows` of floating numbers, others as they are."""
    if not issparse(X) or isinstance(X, SparseRows):
        return X
    X = X.tocsr()
    return SparseRows(X if X.dtype.kind == "f" else X.astype(np.float64))


class Dense:
    """A function of X whose sparse result is made dense."""

    warns = False

    def __init__(self, ask: Any):
        self.ask, self.model, self.width = ask, getattr(ask, "model", None), getattr(ask, "width", 0)

    def __call__(self, X: Any) -> np.ndarray:
        found = self.ask(X)
        return found.toarray() if issparse(found) else found


def as_dense(parts: Parts, who: str, predicts: bool) -> Parts:
    """The same rows as dense ones, for a model that learns from no others; predicts: whether it answers for sparse."""
    if not predicts:
        raise TypeError(
            f"{who} takes dense rows, and these are sparse: set sparse_output=False in the step before, or"
            " sparse_threshold=0 of a ColumnTransformer, or choose a model that takes sparse rows"
        )
    most = max(64, parts.memory // (SLABS * 2**13 * 8))
    if parts.n_features > most:
        raise ValueError(
            f"{who} takes dense rows of a table in parts, and these are sparse with {parts.n_features:,} columns: 2**13"
            f" of them as a dense table are beyond the memory of the parts, which holds {most:,} columns. Make the"
            " parts with a larger memory, or fewer columns (max_features=, min_df=, n_features=), or take what learns"
            " from sparse rows: MultinomialNB, ComplementNB, BernoulliNB, or fastml.scale.partial_fit of SGDClassifier"
        )
    return parts.made_dense()
