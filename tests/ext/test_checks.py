"""The input checks against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastml_ext import checks, checks_reference

tables = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: arrays(
        dtype,
        st.tuples(st.integers(0, 8), st.integers(0, 5)),
        elements=st.sampled_from([0.0, -0.0, 1.5, np.finfo(dtype).max, np.finfo(dtype).tiny, np.nan, np.inf, -np.inf])
        | st.floats(-10, 10, width=32),
    )
)
layouts = st.sampled_from(
    [
        lambda X: X,
        lambda X: np.asfortranarray(X),
        lambda X: X[::2],
        lambda X: X[:, ::-1],
        lambda X: np.broadcast_to(X[:1], (3, X.shape[1])) if len(X) else X,
        lambda X: X.astype(X.dtype.newbyteorder()),
        lambda X: np.ascontiguousarray(X).view(np.matrix) if X.size else X,
        lambda X: X.astype(np.int32),
        lambda X: X.ravel(),
    ]
)


@given(tables, layouts, st.integers(0, 1))
def test_is_table(X, layout, extra):
    with np.errstate(invalid="ignore"):
        X = layout(X)
    X.flags.writeable = False
    columns = (X.shape[-1] if X.ndim else 0) + extra
    assert checks.is_table(X, columns, np.ndarray) == checks_reference.is_table(X, columns, np.ndarray)


@pytest.mark.parametrize("other", [None, [[1.0]], "text", 3.5, np.float64(1), np.array(1.0), np.array([[object()]])])
def test_is_table_refuses_what_is_no_table(other):
    assert checks.is_table(other, 1, np.ndarray) is False
    assert checks_reference.is_table(other, 1, np.ndarray) is False


@given(tables, st.sampled_from([lambda X: X, np.asfortranarray, lambda X: X[::2, ::-1]]))
def test_first_nonfinite(X, layout):
    X = layout(X)
    X.flags.writeable = False
    assert checks.first_nonfinite(X) == checks_reference.first_nonfinite(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 4095, 4096, 4097, 9999])
def test_one_bad_value_is_seen_wherever_it_stands(dtype, bad, at):
    X = np.full((100, 100), np.finfo(dtype).max, dtype)  # a sum would overflow, and look infinite itself
    assert checks.is_table(X, 100, np.ndarray)
    X.flat[at] = bad
    assert not checks.is_table(X, 100, np.ndarray)
    assert checks.first_nonfinite(X) == divmod(at, 100)
