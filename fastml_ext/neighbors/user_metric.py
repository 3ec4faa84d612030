"""A user's distance, compiled to machine code that a scan calls through its address."""

from fastml_ext.jit import kernel, need_numba

__all__ = ["compile_metric"]

SIGNATURE = "float64(CPointer(float64), CPointer(float64), intp)"


def compile_metric(metric):
    """A function (x, y) of two rows (d,) float64 that returns a number, as a Numba cfunc of their addresses and d.

    metric: a Python function, one compiled by Numba's njit, or a cfunc of SIGNATURE, which is returned as it is.
    Raises ValueError if Numba cannot compile it. The address is valid only as long as the cfunc that is returned lives.
    """
    if hasattr(metric, "native_name") and hasattr(metric, "address"):
        return metric
    if not callable(metric):
        raise ValueError(f"metric={metric!r} must be a function of two rows, or the name of a metric")
    numba = need_numba("metric=function")
    carray, rows = numba.carray, metric if hasattr(metric, "py_func") else kernel(metric).dispatcher

    def distance(x, y, d):
        return rows(carray(x, (d,)), carray(y, (d,)))

    try:
        return numba.cfunc(SIGNATURE)(distance)
    except numba.core.errors.NumbaError as error:
        name = getattr(metric, "__name__", repr(metric))
        raise ValueError(
            f"metric={name} cannot be compiled by Numba: use NumPy functions and loops on two float64 rows, and return"
            f" one number, or compute the distances yourself and pass metric='precomputed'"
        ) from error
