"""Sparse matrices from their three arrays, and their entries by name."""

import functools

import numpy as np
import scipy.sparse as sp
from sklearn import get_config

__all__ = ["as_csr", "named_entries"]

LARGEST = 2**31 - 1


def as_csr(parts, shape, dtype):
    """CSR from (indptr, indices, data), of the kind that scikit-learn's configuration asks for.

    Indices are 32-bit wherever they fit: many a solver of scikit-learn takes no others.
    """
    indptr, indices, data = parts
    small = max(len(data), shape[1]) <= LARGEST
    index = np.int32 if small else np.int64
    kind = sp.csr_array if get_config().get("sparse_interface") == "sparray" else sp.csr_matrix
    data = data.astype(dtype, copy=False)
    indices, indptr = indices.astype(index, copy=False), indptr.astype(index, copy=False)
    if shape[0] == 1:
        return row_like(empty_row(kind, shape[1]), data, indices, indptr)
    matrix = kind((data, indices, indptr), shape)
    matrix.has_canonical_format = True  # assembled so
    return matrix


@functools.lru_cache(64)
def empty_row(kind, n_columns):
    matrix = kind((1, n_columns))
    matrix.has_canonical_format = True
    return matrix


def row_like(empty, data, indices, indptr):
    """A copy of an empty row with these arrays: in a tenth of the time in which SciPy makes and checks a matrix."""
    matrix = object.__new__(type(empty))
    matrix.__dict__.update(vars(empty), data=data, indices=indices, indptr=indptr)
    return matrix


def named_entries(X, names):
    """Of each row of CSR a dictionary of the values it holds, by name."""
    found = []
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        found.append(dict(zip(names[X.indices[start:stop]], X.data[start:stop].tolist(), strict=True)))
    return found
