"""Sparse matrices from their three arrays, and their entries by name."""

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
    matrix = kind(
        (data.astype(dtype, copy=False), indices.astype(index, copy=False), indptr.astype(index, copy=False)), shape
    )
    matrix.has_canonical_format = True  # assembled so
    return matrix


def named_entries(X, names):
    """Of each row of CSR a dictionary of the values it holds, by name."""
    found = []
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        found.append(dict(zip(names[X.indices[start:stop]], X.data[start:stop].tolist(), strict=True)))
    return found
