"""A user's distance, compiled to machine code that a scan calls through its address."""

from fastml_ext.device.calls import ROWS, compile_function
from fastml_ext.jit import kernel, need_numba

__all__ = ["compile_metric"]

FAILURE = (
    "cannot be compiled by Numba: use NumPy functions and loops on two float64 rows, and return one number, or compute"
    " the distances yourself and pass metric='precomputed'"
)


def compile_metric(metric):
    """A function (x, y) of two rows (d,) float64 that returns a number, as a Numba cfunc of their addresses and d.

    metric: a Python function, one compiled by Numba's njit, or a cfunc of calls.ROWS, which is returned as it is.
    Raises ValueError if Numba cannot compile it. The address is valid only as long as the cfunc that is returned lives.
    """
    if hasattr(metric, "native_name") and hasattr(metric, "address"):
        return metric
    if not callable(metric):
        raise ValueError(f"metric={metric!r} must be a function of two rows, or the name of a metric")
    carray = need_numba("metric=function").carray
    rows = metric if hasattr(metric, "py_func") else kernel(metric).dispatcher

    def distance(x, y, d):
        return rows(carray(x, (d,)), carray(y, (d,)))

    distance.__name__ = getattr(metric, "__name__", repr(metric))
    return compile_function(distance, ROWS, "metric", FAILURE)
